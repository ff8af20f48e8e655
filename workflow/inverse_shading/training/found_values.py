"""The values that a search found: in their places in a model's settings, and read from best.yaml."""

import copy
from collections.abc import Mapping
from pathlib import Path

import yaml

from inverse_shading.runtime.artefacts import reading, unusable
from inverse_shading.training.space import is_in_space


def with_found_values(settings: Mapping, best: str | Path | None) -> dict:
    """The settings of a training with the values that a search found.

    Args:
        settings: see `slices.model_slice`. Where they have a section `tuning`, they lack the keys of
            its space.
        best: best.yaml of the model that `tuning` names; None where there is no such section.

    Returns:
        The settings with all keys. `tuning` is what metrics.json says of it: model (whose search it
        was), trials, images, values (by key, such as training.learning_rate); None where the settings
        are those of the configuration.

    Raises:
        InputError: the file is missing or damaged, lacks a value, or has one outside the space.
    """
    tuning = settings.get("tuning")
    if tuning is None:
        return dict(settings) | {"tuning": None}
    values = _read_values(best, tuning["place"], tuning["space"])
    told = {key: tuning[key] for key in ("model", "trials", "images")}
    return lay_over(settings, values) | {"tuning": told | {"values": values}}


def lay_over(settings: Mapping, values: Mapping) -> dict:
    """A model's settings with values such as {"training.learning_rate": 0.001} in their places."""
    result = copy.deepcopy(dict(settings))
    for key, value in values.items():
        section, name = key.split(".")
        result[section][name] = value
    return result


def _read_values(path: str | Path, place: list[str], space: Mapping[str, Mapping]) -> dict:
    """The values of the keys of a space.

    Args:
        place: keys under which the model stands in the file.
    """
    # RecursionError: brackets in brackets, thousands deep.
    with reading(path, "the values that a search found", yaml.YAMLError, RecursionError):
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    values = {}
    for key, part in space.items():
        value = content
        for name in (*place, *key.split(".")):
            value = value.get(name) if isinstance(value, dict) else None
        if value is None or not is_in_space(part, value):
            raise unusable(
                path,
                f"found {'nothing' if value is None else repr(value)} at "
                f"{'.'.join((*place, key))}, expected a value of search.spaces.{place[-1]}.{key}",
            )
        values[key] = value
    return values
