"""The values that a search tries, as the configuration gives them: checked against the keys."""

from collections.abc import Mapping

from inverse_shading.config.schema import TRUNK_SETTINGS, Training, variant
from inverse_shading.runtime.sections import Section, shown
from inverse_shading.runtime.wording import wrong_value

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
) -> list[str]:
    """Mistakes in `search.spaces`: keys that a model hasn't, and values that aren't allowed there.

    Args:
        spaces: what to try by model and key; null is nothing.
        given: every model that is written in the configuration, null for one left out.
        defined: those that are not left out, whole.
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
        if keys and "stream" in defined[model]:
            mistakes.append(
                f"search.spaces.{model}: found a space, allowed is null for a model that learns from a "
                "stream: its trials would be trained on the data set"
            )
            continue
        allowed = searchable_keys(defined[model])
        for key, space in (keys or {}).items():
            place = f"search.spaces.{model}.{key}"
            if key not in allowed:
                mistakes.append(
                    f"{place}: found this key, allowed for {model} are {', '.join(allowed)}"
                )
            elif space is not None:
                mistakes += _wrong_space(place, given_parts(space), *allowed[key])
    return mistakes


def searchable_keys(model: dict) -> dict[str, tuple[type[Section], str]]:
    """The keys of a model that can be searched, each with the section and the name there."""
    sections = {"training": Training}
    for part in ("head", "objective"):
        # What else there is to say depends on the type, which is no setting but another model.
        sections[part] = variant(part, model[part]["type"])
    keys = {
        f"{part}.{name}": (section, name)
        for part, section in sections.items()
        for name in section.model_fields
        if name != "type"
    }
    if not model.get("trainable_stages"):
        for name in TRUNK_SETTINGS:
            del keys[f"training.{name}"]
    return keys


def _wrong_space(place: str, space: dict, section: type[Section], key: str) -> list[str]:
    """What is wrong with the space of one key.

    Args:
        place: of the space in the configuration.
        space: without nulls.
        section, key: what is searched.
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
            return [
                f"{place}: found {shown(space)}, allowed is a range from low to high, or choices"
            ]
    mistakes = [
        line
        for name, value in values.items()
        for line in wrong_value(section, key, value, f"{place}.{name}")
    ]
    if mistakes or "choices" in space:
        return mistakes
    if not space["low"] < space["high"]:
        mistakes.append(
            f"{place}.high: found {space['high']}, allowed is a number above low ({space['low']})"
        )
    if space.get("scale") == "log" and space["low"] <= 0:
        mistakes.append(f"{place}.scale: found log, allowed is linear where low is {space['low']}")
    allowed = "integer" if section.model_fields[key].annotation is int else "number"
    if (allowed == "integer") != (space.get("kind") == "integer"):
        found = space.get("kind", "nothing")
        mistakes.append(f"{place}.kind: found {found}, allowed is {allowed}")
    return mistakes
