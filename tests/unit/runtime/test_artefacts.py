"""Every artefact of the package, damaged in every way: each reader refuses it by name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from inverse_shading.dataset.framed_images import open_images
from inverse_shading.dataset.labels import Labels
from inverse_shading.dataset.parameter_table import read_parameters, write_parameters
from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.dataset.rows import FeatureShards
from inverse_shading.dataset.shards import read_shard, write_shard
from inverse_shading.dataset.splits import SPLITS, read_split, write_split
from inverse_shading.evaluation import appearance, comparison_table, paired_tests
from inverse_shading.evaluation.metrics import read_metrics, write_metrics
from inverse_shading.evaluation.predictions import read_all_predictions, write_predictions
from inverse_shading.inversion.calibration import UNCALIBRATED, read_calibration, write_calibration
from inverse_shading.inversion.intervals_file import read_intervals
from inverse_shading.inversion.reasons import REASONS
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.prediction.model_card import CARD, FORMAT, read_model_card
from inverse_shading.report.figures.learning_curves import draw_learning_curves
from inverse_shading.report.page.data import read_appearance
from inverse_shading.runtime.artefacts import (
    read_description,
    read_tensors,
    write_array,
    write_csv,
    write_json,
    write_tensors,
)
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import seal, seal_path
from inverse_shading.scene.stage_file import Stage, read_stage, save_stage
from inverse_shading.training.trials import COMPLETE, STATES, Trial, read_trials, write_trials
from tests.support import model_cards
from tests.support.report_inputs import write_intervals

IMAGES = ImageRange(20, 23)
IDS = IMAGES.identifiers
VALUES = np.random.default_rng(0).uniform(0.1, 0.9, size=(4, 10)).round(6)
HISTORY = {"epoch": 1, "train_loss": 0.1, "validation_loss": 0.3, "validation_mse": 0.4}


class Artefact(NamedTuple):
    """A kind of file. Of tables: numbers that can't and can be missing, choices, other texts."""

    name: str
    write: Callable[[Path], object]
    read: Callable[[Path], object]
    numbers: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = {}
    texts: tuple[str, ...] = ()


def predict(path):
    table = pd.DataFrame(VALUES, index=IDS, columns=list(PARAMETERS))
    write_predictions(path, Labels(table, np.array(["test"] * 4)), VALUES + 0.01)


def compare(path):
    row = dict.fromkeys(comparison_table.COLUMNS) | dict.fromkeys(comparison_table.ERRORS, 0.1)
    comparison_table.write_table(path, [row | {"model": "one", "source": "model", "seeds": 1}])


def describe(path):
    write_json(path, {"format": FORMAT} | model_cards.CONTENT)


def stage(path):
    pixels, three = np.zeros((4, 4, 3), np.uint8), np.zeros((3, 2, 3), np.float32)
    maps = three[:1], three[:2]
    mask = np.arange(16).reshape(4, 4) < 2
    save_stage(path, Stage(mask, three, *maps, pixels, VALUES[0, :3], 4, "glsl", "essl", {}, "1"))


def shard(path):
    write_shard(path, [(name, VALUES[0], np.zeros((8, 8, 3), np.uint8)) for name in IDS])


def columns_of(*ends):
    return tuple(f"{name}_{end}" for end in ends for name in PARAMETERS)


TABLES = [
    Artefact(
        "parameters.csv",
        lambda path: write_parameters(path, IMAGES, seed=1),
        lambda path: read_parameters(path, IMAGES),
        PARAMETERS,
    ),
    Artefact(
        "split.csv",
        lambda path: write_split(
            path, IMAGES, dict(zip(SPLITS, (0.5, 0.25, 0.25), strict=True)), 1
        ),
        lambda path: read_split(path, IMAGES),
        choices={"split": SPLITS},
    ),
    Artefact(
        "predictions.csv",
        predict,
        read_all_predictions,
        columns_of("true", "predicted"),
        texts=("id", "split"),
    ),
    Artefact(
        "appearance.csv",
        lambda path: write_csv(path, {"id": IDS} | dict.fromkeys(appearance.COLUMNS, 0.5)),
        lambda path: read_appearance(path, IDS),
        tuple(appearance.COLUMNS),
    ),
    Artefact(
        "comparison.csv",
        compare,
        comparison_table.read_comparison,
        choices={"source": comparison_table.SOURCES},
        optional=tuple(comparison_table.ERRORS),
    ),
    Artefact(
        "paired_tests.csv",
        lambda path: paired_tests.write_paired_table(
            path, [{name: "a" if form == "s" else 1 for name, form in paired_tests.FORMATS.items()}]
        ),
        paired_tests.read_paired_table,
        tuple(paired_tests.COLUMNS[2:]),
    ),
    Artefact(
        "intervals.csv",
        lambda path: write_intervals(path, list("abcde"), np.full((5, 10), 0.5)),
        read_intervals,
        (*columns_of("low", "high"), "rms", "renders"),
        choices=dict.fromkeys(columns_of("undetermined"), (*REASONS, "nothing")),
    ),
    Artefact(
        "trials.csv",
        lambda path: write_trials(path, ["a.b"], [Trial(COMPLETE, {"a.b": 0.5}, [0.25, 0.5], 1)]),
        lambda path: read_trials(path, ["a.b"]),
        ("number",),
        ("validation_mse",),
        {"state": STATES},
        ("a.b",),
    ),
    Artefact(
        "history.csv",
        lambda path: write_csv(path, [HISTORY]),
        lambda path: draw_learning_curves(path.with_suffix(".png"), {"m": path}),
        optional=tuple(HISTORY),
    ),
]
DOCUMENTS = [
    Artefact("metrics.json", lambda path: write_metrics(path, {"mse": 1}), read_metrics),
    Artefact(
        "calibration.json", lambda path: write_calibration(path, UNCALIBRATED), read_calibration
    ),
    Artefact(CARD, describe, lambda path: read_model_card(path.parent)),
]
ARRAYS = [
    Artefact(
        f"{IMAGES}.npy",
        lambda path: write_array(path, np.zeros((4, 8, 8, 3), np.uint8)),
        lambda path: open_images(path, IMAGES),
    ),
    Artefact(
        f"{IMAGES}.npy",
        lambda path: write_array(path, np.zeros((4, 2, 3, 3), np.float16)),
        lambda path: FeatureShards([path], "float32"),
    ),
]
OTHERS = [
    Artefact("shard.tar", shard, lambda path: list(read_shard(path, IMAGES, 8))),
    Artefact("stage.safetensors", stage, read_stage),
    Artefact(
        "weights.safetensors",
        lambda path: write_tensors(path, {"a": np.zeros(9)}, {"head": "b"}),
        read_description,
    ),
]


@pytest.fixture
def path(tmp_path, artefact):
    artefact.write(tmp_path / artefact.name)
    artefact.read(tmp_path / artefact.name)
    return tmp_path / artefact.name


def refusal(artefact, path, content=None):
    """What the reader says of a file, of other content with a seal of its own if that is given."""
    if content is not None:
        path.write_bytes(content)
        seal(path)
    with pytest.raises(InputError) as error:
        artefact.read(path)
    message = str(error.value)
    remedy = f"Delete {path} and run the same command again to make it anew."
    if artefact.name == CARD:
        remedy = f"`snakemake --cores 4 results/models/{path.parent.name}/{CARD}` makes it anew."
    assert message.startswith(f"{path}: ") and message.endswith(remedy)
    return message


def walk(artefacts):
    return pytest.mark.parametrize("artefact", artefacts, ids=lambda artefact: artefact.name)


@walk(TABLES + DOCUMENTS + ARRAYS + OTHERS)
def test_what_is_not_as_it_was_written_is_refused(artefact, path):
    whole = path.read_bytes()
    for place in (0, len(whole) // 2, len(whole) - 1):
        damaged = bytearray(whole)
        damaged[place] ^= 4
        path.write_bytes(damaged)
        assert "its contents don't match the checksum" in refusal(artefact, path)
    for length in (0, len(whole) // 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert "its contents don't match the checksum" in refusal(artefact, path)
    path.unlink()
    expected = "there is no such file" if artefact.name == CARD else "can't be read (No such file"
    assert expected in refusal(artefact, path)
    path.write_bytes(whole)
    seal_path(path).unlink()
    assert "can't be checked, since its checksum" in refusal(artefact, path)
    path.unlink()
    refusal(artefact, path)


@walk(TABLES + DOCUMENTS + ARRAYS + OTHERS)
@pytest.mark.parametrize("content", [b"", b"\xff\xfe{", b"\0\1\2", b"none of ours"])
def test_what_was_sealed_but_is_something_else_is_refused(artefact, path, content):
    refusal(artefact, path, content)


@walk(TABLES + DOCUMENTS + ARRAYS + OTHERS)
def test_what_was_cut_short_and_sealed_is_refused(artefact, path):
    refusal(artefact, path, path.read_bytes()[: path.stat().st_size // 2])


@walk(TABLES)
def test_tables_of_other_columns_are_refused(artefact, path):
    text = path.read_text()
    header, _, rows = text.partition("\n")
    for name in (*artefact.numbers, *artefact.optional, *artefact.choices, *artefact.texts):
        names = ["renamed" if each == name else each for each in header.split(",")]
        message = refusal(artefact, path, f"{','.join(names)}\n{rows}".encode())
        assert f"found no column {name}, expected" in message or (
            f"found the columns {names}, expected {header.split(',')}" in message
        )
    assert "found no row, expected" in refusal(artefact, path, f"{header}\n".encode())


@walk(TABLES)
def test_tables_of_other_values_are_refused(artefact, path):
    table = pd.read_csv(path, dtype=str, keep_default_na=False)

    def message_with(name, value):
        changed = table.copy()
        changed.loc[0, name] = value
        return refusal(artefact, path, changed.to_csv(index=False).encode())

    for name in (*artefact.numbers, *artefact.optional):
        assert "found text among the numbers" in message_with(name, "much")
    for name in artefact.numbers:
        for value in ("", "inf", "-inf", "nan"):
            assert "found a value that is not a " in message_with(name, value)
    for name, allowed in artefact.choices.items():
        message = message_with(name, "mood")
        assert f"found 'mood' in the column {name}, expected one of {', '.join(allowed)}" in message


@walk(TABLES[:2] + TABLES[3:4])
def test_tables_of_other_images_are_refused(artefact, path):
    header, *rows = path.read_text().splitlines()
    for content in (rows[:-1], rows[1:], rows[::-1]):
        message = refusal(artefact, path, "\n".join([header, *content]).encode())
        first = content[0].partition(",")[0]
        assert f"found {len(content)} images beginning with ['{first}'], expected the 4" in message


@walk(TABLES[:1])
def test_a_parameter_beyond_its_range_is_refused(artefact, path):
    message = refusal(artefact, path, path.read_bytes().replace(b"0.", b"7.", 1))
    assert "found a value that is not a number in [0, 1]" in message


@walk(DOCUMENTS)
@pytest.mark.parametrize("content", [b"[1, 2]", b"3", b'["model"]', b"{"])
def test_what_is_no_json_object_is_refused(artefact, path, content):
    message = refusal(artefact, path, content)
    assert ": can't be read as " in message
    assert content == b"{" or f"(found {content.decode()}, expected an object)" in message


@pytest.mark.parametrize(
    ("artefact", "array", "message"),
    [
        (
            ARRAYS[0],
            np.zeros((4, 8, 8, 3), np.float32),
            "found float32 (4, 8, 8, 3), expected uint8",
        ),
        (ARRAYS[0], np.zeros((4, 8, 8), np.uint8), "expected uint8 (n, side, side, 3)"),
        (ARRAYS[0], np.zeros((5, 8, 8, 3), np.uint8), "found 5 images, expected 4"),
        (ARRAYS[1], np.zeros((4, 3, 2, 2), np.float64), "found float64"),
        (ARRAYS[1], np.zeros((3, 3, 2, 2), np.float16), "expected float16 or float32 (4,"),
        (ARRAYS[1], np.zeros((4, 12), np.float16), "found float16 (4, 12)"),
    ],
)
def test_arrays_of_another_form_are_refused(artefact, path, array, message):
    write_array(path, array)
    assert message in refusal(artefact, path)


@pytest.mark.parametrize("artefact", OTHERS[1:])
def test_tensors_of_another_maker_are_refused(artefact, path):
    write_tensors(path, {"mask": np.zeros(3)}, {}, key="another")
    assert "found no description in it" in refusal(artefact, path)


def test_json_is_written_as_it_stands_and_never_with_what_json_has_not(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": [0.1]})
    assert (tmp_path / "a.json").read_text() == '{\n  "b": 1,\n  "a": [\n    0.1\n  ]\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "b.json", {"a": float("nan")})
    assert not (tmp_path / "b.json").exists()


@pytest.mark.parametrize("framework", ["numpy", "torch"])
def test_tensors_and_description_come_back_and_equal_content_has_equal_bytes(tmp_path, framework):
    tensors = {"b": np.arange(12.0).reshape(3, 4).T, "a": np.array(2.0), "c": np.arange(3)}
    if framework == "torch":
        torch = pytest.importorskip("torch")
        tensors = {name: torch.from_numpy(tensor) for name, tensor in tensors.items()}
    one, two = tmp_path / "one", tmp_path / "two"
    write_tensors(one, tensors, {"x": 1, "y": [1, 2]})
    write_tensors(two, dict(reversed(tensors.items())), {"y": [1, 2], "x": 1})
    assert one.read_bytes() == two.read_bytes()
    found = read_tensors(one, "numpy")
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(found[name], np.asarray(tensor))
        assert read_tensors(one)[name].shape == tensor.shape
    assert read_description(one) == {"x": 1, "y": [1, 2]}


@pytest.mark.parametrize("content", [None, b"", b"\xff" * 8, b"no safetensors file at all", -50])
def test_a_users_own_tensors_are_refused_with_both_remedies(tmp_path, content):
    path = tmp_path / "t.safetensors"
    if content == -50:
        write_tensors(path, {"a": np.zeros(100)}, {})
        content = path.read_bytes()[:content]
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"t\.safetensors: can't be read as .*your own, fetch or"):
        read_tensors(path)
