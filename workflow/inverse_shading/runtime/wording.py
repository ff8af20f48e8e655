"""A mistake in the values of a section in words: the key, what was found, what is allowed."""

import math
from typing import Any, TypeVar

from inverse_shading.runtime.names import hint, near_names
from inverse_shading.runtime.sections import (
    LONGEST_KEY,
    Section,
    find_errors,
    inlined_schema,
    kind_of,
    plain_values,
    shown,
)

Form = TypeVar("Form", bound=Section)


def wrong_keys(section: type[Section], values: dict) -> list[str]:
    """Every mistake of a section's keys, one line each, by key."""
    found = _mistakes(find_errors(section, values), section, values)
    return [f"{'.'.join(path)}: {line}" for path, line in found]


def parse_section(section: type[Form], content: Any) -> Form:
    """The section that the content of a file is.

    Raises:
        ValueError: every mistake, the key, what was found and what is allowed.
    """
    values, mistakes = plain_values(content)
    mistakes += wrong_keys(section, values)
    if mistakes:
        raise ValueError("; ".join(mistakes))
    return section.model_validate(values)


def wrong_value(section: type[Section], name: str, value: Any, place: str) -> list[str]:
    """Every mistake of one value of a section, whatever else the section needs.

    Args:
        section: where the key stands.
        name: the key.
        value: what it is to be.
        place: where the value is written.
    """
    values = {name: value}
    errors = [error for error in find_errors(section, values) if error["loc"][0] == name]
    found = _mistakes(errors, section, values)
    return [f"{'.'.join([place, *path[1:]])}: {line}" for path, line in found]


def _mistakes(
    errors: list[dict], section: type[Section], values: dict
) -> list[tuple[tuple[str, ...], str]]:
    """Path and wording of every mistake, each once, sorted by path."""
    if not errors:
        return []
    schema = inlined_schema(section)
    # A key that is missing because it is mistyped is one mistake.
    missing = {error["loc"] for error in errors if error["type"] == "missing"}
    for error in errors:
        if error["type"] == "extra_forbidden":
            *place, name = error["loc"]
            beside = [loc[-1] for loc in missing if loc[:-1] == tuple(place)]
            missing -= {(*place, near) for near in near_names(name, sorted(beside))}
    told = (error for error in errors if error["type"] != "missing" or error["loc"] in missing)
    # An error for each choice of a union is one mistake.
    found = dict.fromkeys(_describe_error(error, schema, values) for error in told)
    return sorted(found, key=lambda mistake: mistake[0])


def _describe_error(error: dict, schema: dict, value: Any) -> tuple[tuple[str, ...], str]:
    """Path and wording of one of pydantic's errors.

    Args:
        error: with its place as keys and numbers of items; the type of a head or an objective and
            the choices of a union stand among them.
        schema: of the section, its references filled in.
        value: of the section.
    """
    kind, steps, path = error["type"], list(error["loc"]), []
    last = steps.pop() if kind in ("missing", "extra_forbidden") else None
    for step in steps:
        if "discriminator" in schema:
            schema = next(choice for choice in schema["oneOf"] if _type_of(choice) == step)
            continue
        if step == "[key]":
            return tuple(path), (
                "found this name, allowed are names of lower-case letters, digits and _, beginning "
                f"with a letter, of at most {LONGEST_KEY} characters"
            )
        inner = _inner_schema(schema, step)
        if inner is None:
            # A choice of a union, which is told whole.
            break
        path.append(str(step))
        schema, value = inner, value[step]
    if "discriminator" in schema:
        if not isinstance(value, dict):
            allowed = describe_schema(schema)
            return tuple(path), f"found {describe_value(value)}, allowed is {allowed}"
        # Which keys are allowed is unknown until the type is right.
        types = list(map(_type_of, schema["oneOf"]))
        allowed = f"one of {', '.join(types)}{hint(value.get('type'), types)}"
        found = describe_value(value["type"]) if "type" in value else "nothing"
        return (*path, "type"), f"found {found}, allowed is {allowed}"
    if kind == "missing":
        allowed = describe_schema(_section_schema(schema)["properties"][last])
        return (*path, last), f"found nothing, allowed is {allowed}"
    if last is not None:
        allowed = ", ".join(sorted(_section_schema(schema)["properties"]))
        meant = hint(last, _section_schema(schema)["properties"])
        return (*path, last), f"found an unknown key, allowed are {allowed}{meant}"
    meant = hint(value, schema.get("enum", []))
    return tuple(
        path
    ), f"found {describe_value(value)}, allowed is {describe_schema(schema)}{meant}"


def _type_of(schema: dict) -> str:
    """The type that a head's or an objective's schema is for."""
    return schema["properties"]["type"]["const"]


def _section_schema(schema: dict) -> dict:
    """The schema itself, or that of the section where null is allowed too."""
    choices = [schema, *schema.get("anyOf", [])]
    return next(choice for choice in choices if "properties" in choice)


def _inner_schema(schema: dict, step: str | int) -> dict | None:
    """The schema of a key or an item; None where the step leads to neither."""
    for choice in [schema, *schema.get("anyOf", [])]:
        if step in choice.get("properties", {}):
            return choice["properties"][step]
        if isinstance(choice.get("additionalProperties"), dict):
            return choice["additionalProperties"]
        if isinstance(step, int) and "items" in choice:
            return choice["items"]
    return None


def describe_value(value: Any) -> str:
    """What was found, with its type in words."""
    hint = ""
    if isinstance(value, float) and not math.isfinite(value):
        hint = ", but not a finite one"
    if isinstance(value, str):
        try:
            float(value)
            hint = "; YAML reads 1e-4 as text, write 1.0e-4 or 0.0001"
        except ValueError:
            pass
    return f"{shown(value)} ({kind_of(value)}{hint})"


def describe_schema(schema: dict) -> str:
    """What a schema allows, in words."""
    names = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if names:
        return "one of " + ", ".join(map(str, names))
    words = {
        "integer": "an integer",
        "number": "a number",
        "string": "text",
        "array": "a list",
        "object": "a section",
        "null": "null",
        "boolean": "true or false",
    }
    description = schema.get("description", "").rstrip(".")
    described = f" ({description})" if description else ""
    if "anyOf" in schema:
        hidden = {"description": ""} if described else {}
        choices = [describe_schema(choice | hidden) for choice in schema["anyOf"]]
        return ", or ".join(choices) + described
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
    # A head or an objective has a schema for each type, and no other.
    kind = words[schema.get("type", "object")]
    return " ".join([kind, *bounds]) + described
