"""The data card: valid Croissant that a reader of its own can load, and a page of the same facts."""

import json
import re

import mlcroissant
import numpy as np
import pytest
import yaml

from inverse_shading.dataset.framed_images import write_images
from inverse_shading.dataset.parameter_table import read_parameters, write_parameters
from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.dataset.shards import write_shard
from inverse_shading.dataset.splits import read_split, write_split
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.report.data_card import write_data_card
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import read_seal, seal_path, write_sealed_text
from tests.unit.test_tree import ROOT

RANGES = ImageRange(0, 3), ImageRange(4, 7)
SPLIT = {"train": 0.5, "validation": 0.25, "test": 0.25}
FRAMING = {"image_size": 32, "margin": 0.04, "filter": "lanczos"}
CONFIG = {
    "seed": 1,
    "shard_size": 4,
    "split": SPLIT,
    "framing": FRAMING,
    "frame_size": 64,
    "environment_samples": 4,
    "stage": {"mesh": "somewhere/ball.obj", "environment": "daylight", "background": [0.5] * 3},
}


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """A data set of two ranges, with frames of noise, and its card."""
    folder = tmp_path_factory.mktemp("results")
    found = {name: [] for name in ("parameters", "splits", "renders", "images")}
    mask = np.pad(np.ones((40, 40), bool), 12)
    for images in RANGES:
        table, split, shard, array = (
            folder / f"{name}/{images}.{suffix}"
            for name, suffix in zip(found, ("csv", "csv", "tar", "npy"), strict=True)
        )
        write_parameters(table, images, seed=1)
        write_split(split, images, SPLIT, seed=1)
        values = read_parameters(table)
        frames = np.random.default_rng(images.first).integers(0, 256, (4, 64, 64, 3), np.uint8)
        write_shard(shard, zip(values.index, values.to_numpy(), frames, strict=True))
        write_images(array, shard, mask, images, FRAMING)
        for name, path in zip(found, (table, split, shard, array), strict=True):
            found[name].append(path)
    write_sealed_text(folder / "stage.safetensors", "a stage")
    # Of a former, larger data set: not part of this one.
    write_parameters(folder / "parameters/000008-000011.csv", ImageRange(8, 11), seed=1)
    found["stage"] = [folder / "stage.safetensors"]
    write(folder, found)
    return found


def write(folder, paths, **changes):
    cards = folder / "README.md", folder / "croissant.json"
    write_data_card(*cards, paths, CONFIG | changes, ROOT / "CITATION.cff")
    return cards


@pytest.fixture(scope="module")
def folder(paths):
    return paths["stage"][0].parent


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
def test_a_reader_of_croissant_finds_no_mistake_and_every_row(folder, paths):
    data = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    assert data.metadata.issues.errors == set()
    # The day is for who publishes it to say.
    (warning,) = data.metadata.issues.warnings
    assert "datePublished" in warning
    rows = list(data.records("parameters"))
    tables = [read_parameters(path) for path in paths["parameters"]]
    assert [row["parameters/id"] for row in rows] == list(range(8))
    found = [[row[f"parameters/{name}"] for name in PARAMETERS] for row in rows]
    np.testing.assert_array_equal(found, np.concatenate([table.to_numpy() for table in tables]))
    splits = [row["splits/split"].decode() for row in data.records("splits")]
    assert splits == [name for path in paths["splits"] for name in read_split(path)]
    frames = list(data.records("renders"))
    assert [row["renders/id"] for row in frames] == list(range(8))
    assert frames[0]["renders/frame"].size == (64, 64)


def test_every_file_is_listed_with_the_checksum_of_its_seal(folder, paths):
    content = json.loads((folder / "croissant.json").read_text())
    listed = {each["contentUrl"]: each for each in content["distribution"] if "sha256" in each}
    every = [path for held in paths.values() for path in held]
    assert list(listed) == [path.relative_to(folder).as_posix() for path in every]
    for path, each in zip(every, listed.values(), strict=True):
        assert each["sha256"] == read_seal(path)
        assert each["contentSize"] == f"{path.stat().st_size} B"


def test_the_page_says_how_it_was_made_and_names_no_folder_of_this_machine(folder):
    text = (folder / "README.md").read_text()
    assert "8 renders" in text and "from `000000-000003` to `000004-000007`" in text
    assert "| train | 4 |\n| validation | 2 |\n| test | 2 |" in text
    settings = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1])
    assert settings == CONFIG | {"stage": CONFIG["stage"] | {"mesh": "ball.obj"}}
    assert "files of the user's own (mesh)" in text and "somewhere" not in text
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["title"] in text and citation["license"] in text
    assert "{" not in re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def test_creators_are_organizations_and_people(paths, tmp_path):
    people = "authors: [{name: The developers}, {given-names: Ada, family-names: Lovelace}]"
    citation = tmp_path / "CITATION.cff"
    citation.write_text(f"title: One\nversion: 2\nlicense: MIT\n{people}\n")
    # Beside the data set, not over its own cards.
    cards = [paths["stage"][0].parent / name for name in ("other.md", "other.json")]
    write_data_card(*cards, paths, CONFIG, citation)
    readme, croissant = (card.read_text() for card in cards)
    assert "> The developers, Ada Lovelace: One. Version 2." in readme
    kinds = [(each["@type"], each["name"]) for each in json.loads(croissant)["creator"]]
    assert kinds == [("sc:Organization", "The developers"), ("sc:Person", "Ada Lovelace")]


def test_the_same_data_set_gives_the_same_bytes(folder, paths):
    before = [path.read_bytes() for path in (folder / "README.md", folder / "croissant.json")]
    assert [path.read_bytes() for path in write(folder, paths)] == before


def test_a_file_without_its_checksum_is_refused(folder, paths, tmp_path):
    seal = seal_path(paths["images"][1])
    hidden = seal.rename(tmp_path / "hidden")
    with pytest.raises(InputError, match=r"000004-000007\.npy: can't be checked"):
        write(folder, paths)
    hidden.rename(seal)


@pytest.mark.parametrize("text", ["title: [", "title: a", "- a", ""])
def test_a_citation_that_is_none_is_refused(folder, paths, tmp_path, text):
    path = tmp_path / "CITATION.cff"
    path.write_text(text)
    with pytest.raises(InputError, match=r"CITATION\.cff: can't be read as a citation"):
        write_data_card(tmp_path / "a", tmp_path / "b", paths, CONFIG, path)
