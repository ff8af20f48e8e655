"""The typed source, the schema that is written from it and config.yaml say the same."""

import copy
from pathlib import Path

import jsonschema
import pytest
import yaml

from inverse_shading.config.models import complete_models
from inverse_shading.config.schema import SCHEMA_FILE, Configuration, schema_text
from inverse_shading.runtime.sections import inlined_schema

SHIPPED = yaml.safe_load((Path(__file__).parents[3] / "config.yaml").read_text())


def test_the_schema_for_editors_is_current():
    assert SCHEMA_FILE.read_text() == schema_text(), "run `make schema`"


@pytest.mark.parametrize(
    ("section", "wrong"),
    [
        ([], {"n_imges": 5}),
        ([], {"n_images": "many"}),
        ([], {"seeds": [1, 1]}),
        (["split"], {"test": 1}),
        (["stage"], {"background": [0, 0]}),
        (["stage"], {"mesh": "mesh.fbx"}),
        (["models"], {"Upper": None}),
        (["models", "vgg16_v1", "head"], {"chanels": 5}),
        (["models", "vgg16_v1", "head"], {"type": "big"}),
    ],
)
def test_editors_accept_the_shipped_config_and_refuse_what_the_check_refuses(section, wrong):
    schema = yaml.safe_load(SCHEMA_FILE.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    config = copy.deepcopy(complete_models(SHIPPED))
    assert validator.is_valid(config)
    part = config
    for name in section:
        part = part[name]
    part |= wrong
    assert not validator.is_valid(config)


def leaves(schema, path=()):
    """Every key of the schema that has a default, with its path."""
    if "default" in schema:
        yield path, schema["default"]
    for name, child in schema.get("properties", {}).items():
        yield from leaves(child, (*path, name))


def keys(config, path=()):
    for name, value in config.items():
        if isinstance(value, dict):
            yield from keys(value, (*path, name))
        else:
            yield (*path, name), value


def test_source_and_config_don_t_drift_apart():
    fixed = copy.deepcopy(SHIPPED)
    # Named by the user: trunks and models have no defaults of their own; the poster's rows are data.
    for name in ("trunks", "models", "studies", "published"):
        del fixed[name]
    del fixed["search"]["spaces"]
    assert dict(leaves(inlined_schema(Configuration))) == dict(keys(fixed))


def test_every_key_is_described():

    def undescribed(part, path=()):
        for name, child in part.get("properties", {}).items():
            if "description" not in child and "const" not in child:
                yield (*path, name)
            yield from undescribed(child, (*path, name))
        for name in ("items", "additionalProperties"):
            if isinstance(part.get(name), dict):
                yield from undescribed(part[name], (*path, name))
        for choice in part.get("anyOf", []) + part.get("oneOf", []):
            yield from undescribed(choice, path)

    assert list(undescribed(inlined_schema(Configuration))) == []
