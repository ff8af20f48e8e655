"""A mistake in the configuration in words: the key, what was found, what is allowed."""

import jsonschema


def describe_error(error: jsonschema.ValidationError) -> list[str]:
    """Put one error of the schema's into words: key, found, allowed."""
    key = ".".join(map(str, error.path)) or "(top level)"
    prefix = "" if key == "(top level)" else f"{key}."
    schema = error.schema
    if error.validator == "additionalProperties" and schema.get("additionalProperties") is False:
        allowed = sorted(schema.get("properties", {}))
        unknown = [name for name in error.instance if name not in allowed]
        return [
            f"{prefix}{name}: found an unknown key, allowed are {', '.join(allowed)}"
            for name in unknown
        ]
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return [
            f"{prefix}{name}: found nothing, allowed is "
            f"{describe_schema(schema.get('properties', {}).get(name, {}))}"
            for name in missing
            # jsonschema reports each missing key by an error of its own.
            if f"'{name}' is a required" in error.message
        ]
    if "propertyNames" in error.schema_path:
        return [
            f"{prefix}{error.instance}: found this name, allowed are names of lower-case letters, "
            "digits and _, beginning with a letter"
        ]
    return [f"{key}: found {describe_value(error.instance)}, allowed is {describe_schema(schema)}"]


def describe_value(value) -> str:
    """What was found, with its type in words."""
    kinds = {
        str: "text",
        bool: "true/false",
        int: "an integer",
        float: "a number",
        list: "a list",
        dict: "a section",
        type(None): "nothing",
    }
    hint = ""
    if isinstance(value, str):
        try:
            float(value)
            hint = "; YAML reads 1e-4 as text, write 1.0e-4 or 0.0001"
        except ValueError:
            pass
    return f"{value!r} ({kinds.get(type(value), type(value).__name__)}{hint})"


def describe_schema(schema: dict) -> str:
    """What a schema allows, in words."""
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        return ", or ".join(describe_schema(choice) for choice in schema["anyOf"])
    words = {
        "integer": "an integer",
        "number": "a number",
        "string": "text",
        "array": "a list",
        "object": "a section",
        "null": "null",
    }
    kinds = schema.get("type", "a value")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    text = " or ".join(words.get(kind, kind) for kind in kinds)
    bounds = [
        f"{word} {schema[name]}"
        for name, word in (
            ("minimum", "from"),
            ("exclusiveMinimum", "above"),
            ("maximum", "to"),
            ("exclusiveMaximum", "below"),
            ("minItems", "of at least"),
            ("maxItems", "of at most"),
        )
        if name in schema
    ]
    described = f" ({schema['description'].rstrip('.')})" if "description" in schema else ""
    return " ".join([text, *bounds]) + described
