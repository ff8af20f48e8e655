"""Settings of commands: a configuration's, the shipped ones where it says nothing."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from inverse_shading.config.check import with_integers, wrong_image_size, wrong_verdicts
from inverse_shading.config.schema import (
    Configuration,
    Exports,
    Framing,
    Refinement,
    Render,
    Stage,
)
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.given_files import regular_file
from inverse_shading.runtime.names import hint
from inverse_shading.runtime.sections import plain_values
from inverse_shading.runtime.shipped import shipped_value, shipped_values
from inverse_shading.runtime.wording import wrong_keys, wrong_value

SECTIONS = {
    "stage": Stage,
    "render": Render,
    "framing": Framing,
    "refinement": Refinement,
    "export": Exports,
}


def stage_settings(config: str | Path | None, given: Mapping) -> dict[str, Any]:
    """The sections stage, render, framing, refinement and export, and `seed`.

    Args:
        config: a YAML file with any part of the workflow's configuration, or None.
        given: sections laid over it, such as {"stage": {"camera": {"azimuth": 30.0}}}.

    Raises:
        InputError: no such file, no YAML, or a wrong value; it names every wrong key.
    """
    content, mistakes = plain_values({} if config is None else _read(Path(config)))
    known = Configuration.model_fields
    mistakes += [
        f"{name}: found an unknown key, allowed are {', '.join(sorted(known))}{hint(name, known)}"
        for name in content
        if name not in known
    ]
    settings = {}
    for name, section in SECTIONS.items():
        part = content.get(name, {})
        shipped = shipped_values(section)
        values = with_integers(_laid_over(_laid_over(shipped, part), given.get(name, {})))
        mistakes += [f"{name}.{line}" for line in wrong_keys(section, values)]
        settings[name] = values
    settings["seed"] = with_integers(content.get("seed", shipped_value(Configuration, "seed")))
    mistakes += wrong_value(Configuration, "seed", settings["seed"], "seed")
    mistakes = mistakes or wrong_image_size(settings) + wrong_verdicts(settings)
    if mistakes:
        where = "the options" if config is None else f"{config} or the options"
        lines = "\n".join(f"  {mistake}" for mistake in mistakes)
        raise InputError(f"{where}: the settings are wrong:\n{lines}")
    return settings


def _read(path: Path) -> dict:
    regular_file(path, "a configuration")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise InputError(
            f"{path}: can't be read as YAML ({' '.join(str(error).split())[:200]}). Correct it."
        ) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise InputError(f"{path}: found no keys, expected a configuration. Correct it.")
    return content


def _laid_over(below: Any, above: Any) -> Any:
    if not isinstance(below, dict) or not isinstance(above, dict):
        return copy.deepcopy(above)
    joined = dict(below)
    for name, value in above.items():
        joined[name] = _laid_over(below[name], value) if name in below else copy.deepcopy(value)
    return joined
