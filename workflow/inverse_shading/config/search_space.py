"""The values that a search tries, as the configuration gives them: checked against the schema."""

from collections.abc import Mapping

import jsonschema

from inverse_shading.config.wording import describe_schema, describe_value

RANGE = ("low", "high", "scale", "kind")


def given_parts(space: Mapping) -> dict:
    """A key's space without what is null, which is as if it weren't there."""
    return {name: value for name, value in space.items() if value is not None}


def extreme_values(space: Mapping) -> list:
    """The values of a key that are right or wrong for all: every choice, or both ends of the range."""
    given = given_parts(space)
    return given["choices"] if "choices" in given else [given["low"], given["high"]]


def wrong_spaces(
    spaces: Mapping[str, Mapping | None],
    given: Mapping[str, dict | None],
    defined: Mapping[str, dict],
    model_schema: dict,
) -> list[str]:
    """Mistakes in `search.spaces`: keys that a model hasn't, and values that the schema forbids.

    Args:
        spaces: what to try by model and key; null is nothing.
        given: every model that is written in the configuration, null for one left out.
        defined: those that are not left out, whole.
        model_schema: of one model, its references filled in.
    """
    mistakes = []
    for model, keys in spaces.items():
        if model not in given:
            mistakes.append(
                f"search.spaces.{model}: found no model of this name, allowed are "
                f"{', '.join(given)}"
            )
            continue
        # The space of a model that is left out is left out with it.
        if model not in defined:
            continue
        allowed = _searchable(defined[model], model_schema)
        for key, space in (keys or {}).items():
            place = f"search.spaces.{model}.{key}"
            if key not in allowed:
                mistakes.append(
                    f"{place}: found this key, allowed for {model} are {', '.join(allowed)}"
                )
            elif space is not None:
                mistakes += _wrong_space(place, given_parts(space), allowed[key])
    return mistakes


def _searchable(model: dict, model_schema: dict) -> dict[str, dict]:
    """The keys of a model that can be searched, each with its schema."""
    sections = model_schema["properties"]
    keys = {f"training.{name}": part for name, part in sections["training"]["properties"].items()}
    if not model.get("trainable_stages"):
        del keys["training.trunk_rate"]
    for section in ("head", "objective"):
        # What else there is to say depends on the type, which is no setting but another model.
        kind = model[section]["type"]
        branch = next(
            choice["then"]
            for choice in sections[section]["allOf"]
            if choice["if"]["properties"]["type"]["const"] == kind
        )
        own = {name: part for name, part in branch["properties"].items() if name != "type"}
        keys |= {f"{section}.{name}": part for name, part in own.items()}
    return keys


def _wrong_space(place: str, space: dict, schema: dict) -> list[str]:
    """What is wrong with the space of one key.

    Args:
        place: of the space in the configuration.
        space: without nulls.
        schema: of the key itself.
    """
    if "choices" in space:
        beside = [name for name in RANGE if name in space]
        if beside:
            return [
                f"{place}: found choices beside {', '.join(beside)}, allowed is either choices or a "
                "range; null takes a key of the config below away"
            ]
        values = {f"choices.{number}": value for number, value in enumerate(space["choices"])}
    else:
        values = {name: space[name] for name in ("low", "high") if name in space}
        if len(values) < 2:
            return [f"{place}: found {space!r}, allowed is a range from low to high, or choices"]
    mistakes = []
    for name, value in values.items():
        error = next(jsonschema.Draft202012Validator(schema).iter_errors(value), None)
        if error is not None:
            part = ".".join([place, name, *map(str, error.path)])
            mistakes.append(
                f"{part}: found {describe_value(error.instance)}, allowed is "
                f"{describe_schema(error.schema)}"
            )
    if mistakes or "choices" in space:
        return mistakes
    if not space["low"] < space["high"]:
        mistakes.append(
            f"{place}.high: found {space['high']}, allowed is a number above low ({space['low']})"
        )
    if space.get("scale") == "log" and space["low"] <= 0:
        mistakes.append(f"{place}.scale: found log, allowed is linear where low is {space['low']}")
    if (schema["type"] == "integer") != (space.get("kind") == "integer"):
        mistakes.append(
            f"{place}.kind: found {space.get('kind', 'nothing')}, allowed is "
            + ("integer" if schema["type"] == "integer" else "number")
        )
    return mistakes
