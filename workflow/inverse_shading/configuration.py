"""The configuration: checked before the first job, sliced so that each job sees what it depends on."""

import copy
from pathlib import Path

import jsonschema
import yaml

from .errors import InputError
from .splits import split_sizes


def check_config(config: dict, schema_path: str | Path) -> None:
    """Refuse a wrong configuration, naming every wrong key, what was found and what is allowed.

    Args:
        config: the configuration as loaded from YAML.
        schema_path: the JSON schema, as YAML.

    Raises:
        InputError: one line a mistake.
    """
    validator = jsonschema.Draft202012Validator(read_schema(schema_path))
    errors = sorted(validator.iter_errors(config), key=lambda error: list(map(str, error.path)))
    mistakes = [line for error in errors for line in _describe(error)]
    if not mistakes:
        mistakes = _contradictions(config)
    if mistakes:
        raise InputError("The configuration is wrong:\n" + "\n".join(f"  {m}" for m in mistakes))


def read_schema(path: str | Path) -> dict:
    """Read the JSON schema with its references filled in, so that an error can quote any part."""
    schema = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    definitions = schema.pop("$defs")

    def fill(part):
        if isinstance(part, list):
            return [fill(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            part = definitions[part["$ref"].rpartition("/")[2]] | part
        return {key: fill(value) for key, value in part.items() if key != "$ref"}

    return fill(schema)


def model_config(config: dict, model: str, seed: int) -> dict:
    """What one training of a model depends on.

    Returns:
        Trunk, head, objective, the training section laid together, and `seed`, which is that of its
        initial weights, batches and dropout; the root of the data's, config["seed"], isn't part of it.
    """
    definition = config["models"][model]
    return copy.deepcopy(
        {
            "trunk": definition["trunk"],
            "architecture": config["trunks"][definition["trunk"]]["architecture"],
            "head": definition["head"],
            "objective": definition["objective"],
            "training": config["training"] | definition.get("training", {}),
            "seed": seed,
        }
    )


def model_names(config: dict) -> list[str]:
    """The models of the configuration in its order, without those set to null."""
    return [name for name, definition in config["models"].items() if definition is not None]


def sort_keys(value):
    """The same value with the keys of every dict sorted, so that equal settings have equal text."""
    if isinstance(value, dict):
        return {key: sort_keys(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [sort_keys(item) for item in value]
    # 1 and 1.0 are one number in YAML written by people, and must be one text too.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _describe(error: jsonschema.ValidationError) -> list[str]:
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
            f"{_allowed(schema.get('properties', {}).get(name, {}))}"
            for name in missing
            # jsonschema reports each missing key by an error of its own.
            if f"'{name}' is a required" in error.message
        ]
    if "propertyNames" in error.schema_path:
        return [
            f"{prefix}{error.instance}: found this name, allowed are names of lower-case letters, "
            "digits and _, beginning with a letter"
        ]
    return [f"{key}: found {_found(error.instance)}, allowed is {_allowed(schema)}"]


def _found(value) -> str:
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


def _allowed(schema: dict) -> str:
    """What a schema allows, in words."""
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        return ", or ".join(_allowed(choice) for choice in schema["anyOf"])
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


def _contradictions(config: dict) -> list[str]:
    """Mistakes that no single key shows."""
    mistakes = []
    if config["n_images"] % config["shard_size"]:
        mistakes.append(
            f"n_images: found {config['n_images']}, allowed is a multiple of shard_size "
            f"({config['shard_size']})"
        )
    try:
        test_images = split_sizes(config["shard_size"], config["split"])["test"]
        if test_images * config["n_images"] < 2 * config["shard_size"]:
            mistakes.append(
                "n_images: found one that gives a single test image, allowed is one that gives two: "
                "how far errors scatter takes two to tell"
            )
    except InputError as error:
        mistakes.append(str(error))
    for name, (section, key) in {
        "stage.mesh": ("stage", "mesh"),
        "stage.environment": ("stage", "environment"),
    }.items():
        mistakes += _missing_file(name, config[section][key], ["builtin"])
    for name, trunk in config["trunks"].items():
        mistakes += _missing_file(
            f"trunks.{name}.weights", trunk["weights"], ["imagenet", "random"]
        )
    if config["render"]["frame_size"] < config["framing"]["image_size"]:
        mistakes.append(
            f"framing.image_size: found {config['framing']['image_size']}, allowed is at most "
            f"render.frame_size ({config['render']['frame_size']}); shrinking is the anti-aliasing"
        )
    if config["framing"]["image_size"] % config["baselines"]["thumbnail_size"]:
        mistakes.append(
            f"baselines.thumbnail_size: found {config['baselines']['thumbnail_size']}, allowed is a "
            f"divisor of framing.image_size ({config['framing']['image_size']})"
        )
    for name in model_names(config):
        trunk = config["models"][name]["trunk"]
        if trunk not in config["trunks"]:
            mistakes.append(
                f"models.{name}.trunk: found {trunk!r}, allowed is one of "
                f"{', '.join(config['trunks'])}"
            )
        if name in config["baselines"]:
            mistakes.append(
                f"models.{name}: found a name under baselines, allowed is another: tables hold both"
            )
    if not model_names(config):
        mistakes.append("models: found none, allowed is at least one that is not null")
    return mistakes


def _missing_file(key: str, value: str, names: list[str]) -> list[str]:
    if value in names or Path(value).is_file():
        return []
    return [
        f"{key}: found {value!r}, allowed is {' or '.join(names)} or the path of a file; "
        "no such file"
    ]
