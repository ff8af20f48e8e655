"""Rules calibrate and refine from files to files, on a few images of a small stage."""

import json

import numpy as np
import pandas as pd
import pytest

from inverse_shading.dataset.data_files import DataFiles
from inverse_shading.dataset.parameter_table import read_parameters, write_parameters
from inverse_shading.dataset.ranges import ImageRange, image_ranges
from inverse_shading.dataset.splits import shards_of_sample, write_split
from inverse_shading.evaluation.metrics import score, write_metrics
from inverse_shading.evaluation.predictions import read_predictions
from inverse_shading.inversion.calibrate_stage import calibrate, refine_known_images
from inverse_shading.inversion.calibration import (
    UNCALIBRATED,
    measure_calibration,
    read_calibration,
    write_calibration,
)
from inverse_shading.inversion.intervals_file import read_intervals
from inverse_shading.inversion.known_images import known_pictures, validation_materials
from inverse_shading.inversion.refine_test_images import join_refined_images, refine_test_images
from inverse_shading.inversion.refiner import Refiner
from inverse_shading.material.floor import posterior_means
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.runtime.artefacts import write_array, write_json
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import check_seal
from inverse_shading.runtime.resources import Resources
from tests.support import tables
from tests.support.small_stage import FRAMING, SETTINGS, make_small_stage

FRACTIONS = {"train": 0.2, "validation": 0.4, "test": 0.4}
RANGES = image_ranges(20, 10)
OUTPUTS = {
    "predictions": "predictions.csv",
    "materials": "materials.csv",
    "intervals": "intervals.csv",
    "metrics": "metrics.json",
}
# A part ends within a shard, and another reaches into the next.
PARTS = (ImageRange(0, 1), ImageRange(2, 4))
COUNT = 5


def write_predictions(path, values, split):
    """What a model that is a little wrong says, in means as one that is trained on squares."""
    wrong = np.random.default_rng(8).normal(0, 0.05, size=values.shape)
    answer = posterior_means(np.clip(values.to_numpy() + wrong, 0, 1))
    # As collected models write them: not in the order of ids.
    backwards = slice(None, None, -1)
    tables.write_predictions(path, values.to_numpy(), answer, split, values.index, backwards)


class Data:
    """Twenty images in two ranges, and what two models say of them."""

    def __init__(self, folder):
        self.folder = folder
        self.stage = make_small_stage(folder)
        self.images = [folder / f"images/{images}.npy" for images in RANGES]
        self.parameters = [folder / f"parameters/{images}.csv" for images in RANGES]
        self.splits = [folder / f"splits/{images}.csv" for images in RANGES]
        values, split = [], []
        with Refiner(self.stage, FRAMING, SETTINGS, device="cpu", threads=1) as refiner:
            for place, images in enumerate(RANGES):
                write_parameters(self.parameters[place], images, seed=1)
                write_split(self.splits[place], images, FRACTIONS, seed=1)
                table = read_parameters(self.parameters[place], images)
                rendered = np.stack([refiner.render(row) for row in table.to_numpy()])
                write_array(self.images[place], rendered)
                values.append(table)
                split += list(pd.read_csv(self.splits[place])["split"])
        self.values, self.split = pd.concat(values), np.array(split)
        self.predictions, self.metrics = {}, {}
        for name, validation in (("poor", 0.2), ("good", 0.1), ("late", 0.1)):
            self.predictions[name] = folder / f"{name}.csv"
            self.metrics[name] = folder / f"{name}.json"
            # A better test error is no reason to choose a model.
            test = {"poor": 0.01}.get(name, 0.3)
            splits = {"validation": {"mse": validation}, "test": {"mse": test}}
            write_metrics(self.metrics[name], {"model": name, "splits": splits})
            write_predictions(self.predictions[name], self.values, self.split)
        self.calibration = folder / "uncalibrated.json"
        write_calibration(self.calibration, UNCALIBRATED)

    def refine_known(self, folder, parts=PARTS, framing=None):
        """Each part."""
        files = DataFiles(self.images, self.parameters, self.splits)
        config = {"framing": FRAMING | (framing or {}), "settings": SETTINGS}
        for part in parts:
            path = folder / f"{part}.json"
            refine_known_images(path, self.stage, part, files, config, Resources("cpu", 1))
        return [folder / f"{part}.json" for part in parts]

    def refine(self, folder, parts=PARTS, threads=1, metrics=None):
        """Each part."""
        for part in parts:
            refine_test_images(
                folder / f"{part}.json",
                part,
                self.metrics if metrics is None else metrics,
                self.predictions,
                self.images,
                self.stage,
                self.calibration,
                {"framing": FRAMING, "settings": SETTINGS},
                Resources("cpu", threads),
            )
        return [folder / f"{part}.json" for part in parts]


def joined(parts, folder):
    outputs = {name: folder / file for name, file in OUTPUTS.items()}
    join_refined_images(outputs, parts, SETTINGS["interval"])
    return outputs


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return Data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def parts(data, tmp_path_factory):
    return data.refine(tmp_path_factory.mktemp("refined"))


@pytest.fixture(scope="module")
def outputs(parts, tmp_path_factory):
    outputs = joined(parts, tmp_path_factory.mktemp("joined"))
    for path in outputs.values():
        check_seal(path)
    return outputs


@pytest.fixture(scope="module")
def metrics(outputs):
    return json.loads(outputs["metrics"].read_text())


def test_known_materials_are_the_first_validation_images(data):
    expected = data.values[data.split == "validation"]
    for count in (3, 100):
        identifiers, true = validation_materials(data.parameters, data.splits, count)
        assert identifiers == list(expected.index[:count])
        np.testing.assert_array_equal(true, expected.to_numpy()[:count])


def test_known_pictures_are_the_arrays_images(data):
    weights = np.zeros((48, 48), np.float32)
    weights[10:30, 10:30] = 0.25
    picture, other = known_pictures(data.images, ["000000013", "000000002"], weights)
    np.testing.assert_array_equal(picture.image, np.load(data.images[1])[3])
    np.testing.assert_array_equal(other.image, np.load(data.images[0])[2])
    assert picture.target.dtype == np.float32 and (picture.target == picture.image).all()
    np.testing.assert_array_equal(picture.weights, weights > 0)


def test_as_many_shards_as_hold_the_images_of_a_split():
    for count, expected in ((1, 1), (4, 1), (5, 2), (9, 3)):
        assert shards_of_sample(count, 10, FRACTIONS, "validation") == expected
        assert shards_of_sample(count, 10, FRACTIONS) == expected
    assert shards_of_sample(4, 10, FRACTIONS, "train") == 2


@pytest.fixture(scope="module")
def known(data, tmp_path_factory):
    return data.refine_known(tmp_path_factory.mktemp("known"))


def test_a_stage_is_calibrated_on_validation_images(data, known, tmp_path):
    calibrate(tmp_path / "calibration.json", known, SETTINGS["interval"])
    found = read_calibration(tmp_path / "calibration.json")
    assert found.images == COUNT
    assert all(1 <= scale < 100 for scale in found.scales.values())
    assert all(np.isfinite(factor) for factor in found.factors.values())
    expected = data.values[data.split == "validation"][: found.images]
    images = [one for path in known for one in json.loads(path.read_text())["images"]]
    assert [one["id"] for one in images] == list(expected.index)
    np.testing.assert_array_equal([one["material"] for one in images], expected.to_numpy())


def test_parts_hold_what_was_found_to_the_last_bit(data, known, tmp_path):
    calibrate(tmp_path / "calibration.json", known, SETTINGS["interval"])
    identifiers, true = validation_materials(data.parameters, data.splits, COUNT)
    with Refiner(data.stage, FRAMING, SETTINGS, device="cpu", threads=2) as refiner:
        found, scores = [], []
        for picture, values in zip(
            known_pictures(data.images, identifiers, refiner.weights), true, strict=True
        ):
            found.append(refiner.spread(picture, refiner.solve(picture, None)))
            whole = refiner.whole_frame(picture, values)
            scores.append(refiner.residual(whole, refiner.solve(whole, None)).score)
    measured = measure_calibration(found, true, SETTINGS["interval"], scores)
    assert read_calibration(tmp_path / "calibration.json") == measured


def test_a_stage_that_is_not_the_images_own_size_is_refused(data, tmp_path):
    with pytest.raises(InputError, match=r"found images of 48x48, expected 40x40"):
        data.refine_known(tmp_path, framing={"image_size": 40})
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("change", [{"u": [0.5]}, {"score": None}, {"covariance": [[1.0]]}])
def test_a_part_of_another_form_is_refused_by_name(known, tmp_path, change):
    content = json.loads(known[0].read_text())
    content["images"][0] |= change
    write_json(tmp_path / "part.json", content)
    with pytest.raises(InputError, match=r"part\.json: can't be read as refined known images"):
        calibrate(tmp_path / "c.json", [tmp_path / "part.json", *known[1:]], SETTINGS["interval"])
    assert not (tmp_path / "c.json").exists()


def test_tables_are_of_the_first_test_images(data, outputs):
    expected = data.values[data.split == "test"][:COUNT]
    for name in ("predictions", "materials"):
        identifiers, true, predicted = read_predictions(outputs[name], "test")
        assert identifiers == list(expected.index)
        np.testing.assert_allclose(true, expected.to_numpy(), atol=1e-6)
        assert ((predicted >= 0) & (predicted <= 1)).all()
    assert list(pd.read_csv(outputs["intervals"], dtype={"id": str})["id"]) == identifiers


def test_what_can_be_seen_is_near_the_truth(outputs):
    _, true, expected = read_predictions(outputs["predictions"], "test")
    _, _, material = read_predictions(outputs["materials"], "test")
    for predicted in (expected, material):
        np.testing.assert_allclose(predicted[:, [5, 9]], true[:, [5, 9]], atol=0.03)
    np.testing.assert_allclose(
        material[:, :1] * material[:, 1:4], true[:, :1] * true[:, 1:4], atol=0.01
    )


def test_intervals_are_in_the_form_that_the_report_reads(outputs):
    columns = [f"{name}_{end}" for name in PARAMETERS for end in ("low", "high", "undetermined")]
    table = pd.read_csv(outputs["intervals"], dtype={"id": str})
    assert list(table) == ["id", *columns, "rms", "guess_rms", "renders", "starts"]
    read = read_intervals(outputs["intervals"])
    assert (read.low <= read.high).all()
    assert (read.rms < table["guess_rms"]).all() and (read.renders > 1).all()
    # Base is hidden in its products where the colour isn't bright.
    assert set(read.reason[:, 5]) == {""}


def test_metrics_are_those_of_the_tables(outputs, metrics):
    _, true, expected = read_predictions(outputs["predictions"], "test")
    assert metrics["splits"]["test"]["mse"] == pytest.approx(score(true, expected)["mse"], abs=1e-6)
    assert metrics["splits"]["test"]["images"] == COUNT
    _, _, material = read_predictions(outputs["materials"], "test")
    assert metrics["material_mse"] == pytest.approx(score(true, material)["mse"], abs=1e-6)
    read = read_intervals(outputs["intervals"])
    assert metrics["interval"] == SETTINGS["interval"]
    assert list(metrics["coverage"]) == list(PARAMETERS)
    held = ((true >= read.low) & (true <= read.high)).mean(axis=0)
    np.testing.assert_allclose(list(metrics["coverage"].values()), held)
    assert metrics["rms_median"] == pytest.approx(np.median(read.rms), abs=1e-6)
    assert metrics["renders_median"] == pytest.approx(np.median(read.renders), abs=1e-6)
    assert metrics["guess_rms_median"] > metrics["rms_median"]
    assert 0 <= metrics["converged"] <= 1


def test_the_model_with_the_best_validation_error_is_refined(metrics):
    # Of two alike the first.
    assert metrics["refined"] == "good" and metrics["model"] == "good + refinement"


def test_the_same_bytes_with_any_number_of_threads(data, parts, tmp_path):
    for again, path in zip(data.refine(tmp_path, threads=2), parts, strict=True):
        assert again.read_bytes() == path.read_bytes(), path.name


def test_parts_of_two_models_are_not_mixed(parts, tmp_path):
    content = json.loads(parts[1].read_text())
    write_json(tmp_path / "part.json", content | {"model": "poor"})
    mixed = [parts[0], tmp_path / "part.json"]
    with pytest.raises(
        InputError, match=r"part\.json: found answers of poor, expected those of good\. Delete"
    ):
        joined(mixed, tmp_path)
    assert not (tmp_path / OUTPUTS["metrics"]).exists()


@pytest.mark.parametrize(
    "content",
    [
        {"model": "poor", "splits": {"test": {"mse": 0.1}}},
        {"model": "poor", "splits": {"validation": {"mse": None}}},
        {"model": "poor", "splits": [1]},
        {"model": "poor"},
    ],
)
def test_metrics_without_a_validation_error_are_refused_by_name(data, tmp_path, content):
    path = tmp_path / "bad.json"
    write_metrics(path, content)
    with pytest.raises(InputError, match=r"bad\.json: found no validation MSE\. Delete"):
        data.refine(tmp_path, metrics=data.metrics | {"poor": path})
    assert not list(tmp_path.glob("0*"))


def test_no_model_at_all_is_refused(data, tmp_path):
    with pytest.raises(InputError, match=r"models: found none"):
        data.refine(tmp_path, metrics={})


def test_a_foreign_calibration_is_refused_before_anything_is_written(data, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "calibration", data.stage)
    with pytest.raises(InputError, match=r"stage\.safetensors: can't be read as a calibration"):
        data.refine(tmp_path)
    assert not any(tmp_path.iterdir())
