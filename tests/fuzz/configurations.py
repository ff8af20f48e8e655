"""Configurations, read and planned with as the Snakefile does it."""

import math
from pathlib import Path

import jsonschema
import yaml
from snakemake.common.configfile import load_configfile

from inverse_shading.config import slices
from inverse_shading.config.check import check_config
from inverse_shading.config.models import complete_models, model_names, model_seeds, study_names
from inverse_shading.config.schema import Configuration, json_schema
from tests.fuzz.harness import RIGHT, ROOT, Input, Kind, Trial
from tests.fuzz.values import drawn

SHIPPED = ROOT / "config.yaml"


def planned(path: Path) -> dict:
    """The configuration of a file, when all that the rules ask of it has been asked."""
    config = load_configfile(path)
    config = check_config(config) or config
    slices.range_names(config)
    slices.first_ranges(config, config["figures"]["example_images"])
    slices.first_ranges(config, config["appearance"]["images"], "test")
    for part in slices.refined_parts(
        config, config["refinement"]["calibration_images"], "validation"
    ):
        slices.part_ranges(config, part, "validation")
    slices.first_ranges(config, config["search"].get("images", config["n_images"]))
    for stage in (config["stage"], slices.novel_stage(config)):
        slices.stage_slice(config, stage)
        slices.stage_files(stage)
    for trunk in config["trunks"]:
        slices.trunk_slice(config, trunk)
        slices.features_slice(config, trunk)
    for study in (None, *study_names(config)):
        for model in model_names(config, study):
            slices.card_slice(config, model)
            for seed in model_seeds(config, model):
                slices.model_slice(config, model, int(seed))
            if config["search"]["spaces"].get(model):
                slices.search_slice(config, model)
        if study and "axis" in config["studies"][study]:
            slices.axis_slice(config, study)
    return config


def _is_number(checker: object, value: object) -> bool:
    return type(value) is int or (type(value) is float and math.isfinite(value))


# JSON schema takes 80.0 for an integer, and `$` before a newline.
Strict = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda checker, value: type(value) is int
    ).redefine("number", _is_number),
)


def wrong_config(written: dict, found: dict) -> str | None:
    """What is wrong with a configuration that was taken: other values, or those of other types."""
    if found != written:
        return "it isn't what was written"
    for error in Strict(json_schema(Configuration)).iter_errors(complete_models(found)):
        return f"{'.'.join(map(str, error.absolute_path))}: {error.message}"
    names = [text for text in _texts(found) if "\n" in text]
    return f"taken with a newline: {names}" if names else None


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for key in value for text in [str(key), *_texts(value[key])]]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return [value] if isinstance(value, str) else []


def make(one: Input, folder: Path, shared: Path) -> Trial:
    """A changed configuration; number 0 is the shipped one."""
    config = yaml.safe_load(SHIPPED.read_text())
    if one.number:
        config = drawn("config", one, shared, SHIPPED)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return Trial(
        lambda: planned(path),
        lambda found: wrong_config(config, found),
        (),
        None if one.number else RIGHT,
    )


KINDS = {"configuration": Kind("configurations", 1000, make)}
