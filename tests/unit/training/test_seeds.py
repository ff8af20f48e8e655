"""What becomes of the seeds of one model: means, intervals, the one that is kept, what is refused."""

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from inverse_shading.dataset.labels import Labels
from inverse_shading.dataset.splits import SPLITS
from inverse_shading.evaluation.metrics import score_splits, write_metrics
from inverse_shading.evaluation.predictions import write_predictions
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import check_seal, write_sealed_text
from inverse_shading.training.seeds import COPIED, collect_seeds
from tests.support.trainings import FILES

IMAGES = 12
SPLIT = np.array(["train"] * 6 + ["validation"] * 2 + ["test"] * 4)
TRUE = np.random.default_rng(0).uniform(size=(IMAGES, 10)).round(6)

# Each seed errs by the same amount in all parameters of an image; the last images are test images.
# The second is the best on validation and not on test.
OFFSETS = {
    3: np.array([0.1] * 6 + [0.20, 0.20] + [0.1, 0.2, 0.1, 0.2]),
    1: np.array([0.1] * 6 + [0.10, 0.10] + [0.3, 0.2, 0.3, 0.2]),
    7: np.array([0.1] * 6 + [0.10, 0.10] + [-0.2, -0.2, -0.2, 0.2]),
}


def labels(identifiers=range(IMAGES), split=SPLIT, true=TRUE):
    index = [f"{number:09d}" for number in identifiers]
    return Labels(pd.DataFrame(true, index=index, columns=list(PARAMETERS)), split)


def write_seed(folder, seed, of_images=None, **changes):
    """The files of one seed, its errors as in OFFSETS."""
    predicted = TRUE + OFFSETS[seed][:, None]
    for name in ("weights", "history", "summary"):
        write_sealed_text(folder / FILES[name], f"{name} of {seed}")
    write_predictions(folder / FILES["predictions"], of_images or labels(), predicted)
    content = {
        "model": "tested",
        "trunk": "vgg16",
        "weights": "made by a test",
        "precision": "float32",
        "decoding": None,
        "splits": score_splits(SPLIT, TRUE, predicted),
        "parameter_count": 1000,
        "epochs": 7,
        "best_epoch": seed,
        "seconds": 1.5 * seed,
        "device": "cpu",
        "batch_size": 64,
        "seed": seed,
        "threads": 2,
        "tuning": None,
    }
    write_metrics(folder / FILES["metrics"], content | changes)


def collect(folder, seeds):
    outputs = {name: folder / "model" / file for name, file in FILES.items()}
    inputs = {name: [folder / str(seed) / file for seed in seeds] for name, file in FILES.items()}
    collect_seeds(outputs, inputs, seeds)
    return json.loads(outputs["metrics"].read_text())


def write_three(folder):
    for seed in OFFSETS:
        write_seed(folder / str(seed), seed)
    return folder


@pytest.fixture
def three(tmp_path):
    return write_three(tmp_path)


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """The folder of three seeds and the metrics of them together. Not to be changed."""
    folder = write_three(tmp_path_factory.mktemp("three"))
    return folder, collect(folder, [3, 1, 7])


@pytest.fixture(scope="module")
def metrics(collected):
    return collected[1]


def test_the_files_kept_are_those_of_the_seed_best_by_validation(collected, three):
    folder, metrics = collected
    # 7 is as good as 1 and comes later.
    assert metrics["chosen_seed"] == 1
    for name in COPIED:
        path = folder / "model" / FILES[name]
        check_seal(path)
        assert path.read_bytes() == (folder / "1" / FILES[name]).read_bytes()
    assert collect(three, [7, 3, 1])["chosen_seed"] == 7


def test_metrics_are_means(collected):
    folder, metrics = collected
    assert list(metrics) == [
        "model", "trunk", "weights", "precision", "decoding", "splits", "parameter_count", "epochs", "best_epoch",
        "seconds", "device", "batch_size", "threads", "tuning", "chosen_seed", "seeds", "intervals", "image_intervals",
        "ensemble",
    ]  # fmt: skip
    # Means over images of squared offsets: 0.025, 0.065, 0.04; of absolute ones: 0.15, 0.25, 0.2.
    test = metrics["splits"]["test"]
    assert test["mse"] == pytest.approx(0.13 / 3)
    assert test["mae"] == pytest.approx(0.2)
    assert test["parameters"]["metalness"]["mse"] == pytest.approx(0.13 / 3)
    assert test["images"] == 4 and isinstance(test["images"], int)
    assert metrics["parameter_count"] == 1000 and metrics["epochs"] == 7
    assert isinstance(metrics["epochs"], int)
    assert metrics["best_epoch"] == pytest.approx(11 / 3)
    assert metrics["seconds"] == pytest.approx(5.5)
    each = [json.loads((folder / f"{seed}/metrics.json").read_text()) for seed in (3, 1, 7)]
    assert metrics["seeds"] == each


def test_all_seeds_are_tuned_alike(three):
    tuning = {"model": "tested", "trials": 8, "images": 12, "values": {"training.batch_size": 4}}
    for seed in (3, 1):
        write_seed(three / str(seed), seed, tuning=tuning)
    assert collect(three, [3, 1])["tuning"] == tuning
    with pytest.raises(InputError, match=r"7/metrics\.json.*tuned otherwise than in .*3/metrics"):
        collect(three, [3, 1, 7])


def test_intervals_over_seeds(metrics):
    # t(0.975; 2) = 4.302653; of 0.15, 0.25, 0.2 s is 0.05.
    assert metrics["intervals"]["test"]["mae"] == pytest.approx(4.302653 * 0.05 / 3**0.5, rel=1e-6)
    scatter = np.std([0.025, 0.065, 0.04], ddof=1)
    assert metrics["intervals"]["test"]["mse"] == pytest.approx(
        4.302653 * scatter / 3**0.5, rel=1e-6
    )
    assert metrics["intervals"]["train"]["mse"] == pytest.approx(0, abs=1e-12)


def test_intervals_over_images(metrics):
    # Squared errors by image, means over seeds: (1 + 9 + 4, 4 + 4 + 4, 14, 12) / 300.
    # t(0.975; 3) = 3.182446; s of (14, 12, 14, 12) is √(4/3).
    expected = 3.182446 * (4 / 3) ** 0.5 / 300 / 4**0.5
    assert metrics["image_intervals"]["test"]["mse"] == pytest.approx(expected, rel=1e-4)
    # Absolute ones: (6, 6, 6, 6) / 30.
    assert metrics["image_intervals"]["test"]["mae"] == pytest.approx(0, abs=1e-5)


def test_the_ensemble_is_the_mean_of_what_the_seeds_predict(metrics):
    ensemble = metrics["ensemble"]
    # Mean offsets by image: 0.2, 0.2, 0.2, 0.6, all over 3.
    squared = np.array([0.2, 0.2, 0.2, 0.6]) / 3
    assert ensemble["splits"]["test"]["mse"] == pytest.approx(np.mean(squared**2), rel=1e-4)
    assert ensemble["splits"]["test"]["mae"] == pytest.approx(0.1, rel=1e-4)
    assert set(ensemble["splits"]) == set(SPLITS)
    assert ensemble["image_intervals"]["test"]["mae"] == pytest.approx(
        3.182446 * np.std([0.2, 0.2, 0.2, 0.6], ddof=1) / 3 / 2, rel=1e-4
    )


def test_one_seed_is_its_own_mean_and_has_no_interval_over_seeds(three):
    metrics = collect(three, [3])
    one = json.loads((three / "3/metrics.json").read_text())
    assert metrics["splits"] == one["splits"] and metrics["seeds"] == [one]
    nothing = {"mse": None, "mae": None}
    assert metrics["intervals"] == dict.fromkeys(SPLITS, nothing)
    assert metrics["image_intervals"]["test"]["mse"] > 0
    assert "ensemble" not in metrics and metrics["decoding"] is None
    assert metrics["chosen_seed"] == 3


def test_devices_that_differ_are_joined(tmp_path):
    for seed, device in ((3, "cpu"), (1, "gpu"), (7, "cpu")):
        write_seed(tmp_path / str(seed), seed, decoding="expected", device=device)
    metrics = collect(tmp_path, [3, 1, 7])
    assert (metrics["decoding"], metrics["device"]) == ("expected", "cpu/gpu")


def test_the_same_seeds_give_the_same_bytes(collected, three):
    collect(three, [3, 1, 7])
    for path in (collected[0] / "model").iterdir():
        assert path.read_bytes() == (three / "model" / path.name).read_bytes()


@pytest.mark.parametrize(
    "others",
    [
        labels(range(1, IMAGES + 1)),
        labels(split=SPLIT[::-1]),
        labels(true=TRUE[::-1]),
    ],
    ids=["ids", "splits", "true values"],
)
def test_predictions_of_other_images_are_refused(three, others):
    write_seed(three / "7", 7, of_images=others)
    with pytest.raises(InputError, match=r"7/predictions\.csv: found predictions of other images"):
        collect(three, [3, 1, 7])
    assert not (three / "model").exists()


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"seed": 2}, "found metrics of the seed 2, expected 7"),
        ({"model": "other"}, "found metrics of the model other, expected tested as in"),
        ({"decoding": "argmax"}, "found metrics of the decoding argmax, expected None as in"),
        ({"precision": "bfloat16"}, "found metrics of the precision bfloat16, expected float32 as"),
        ({"more": 1}, "found metrics of another form"),
        ({"splits": {}}, "found metrics of another form"),
    ],
)
def test_metrics_of_something_else_are_refused(three, changes, found):
    path = three / "7/metrics.json"
    write_metrics(path, json.loads(path.read_text()) | copy.deepcopy(changes))
    with pytest.raises(InputError, match=rf"7/metrics\.json: {found}.*Delete"):
        collect(three, [3, 1, 7])


@pytest.mark.parametrize("name", ["weights", "predictions", "metrics"])
def test_damaged_files_are_refused(three, name):
    path = three / "1" / FILES[name]
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(InputError, match=f"1/{FILES[name]}: its contents don't match"):
        collect(three, [3, 1, 7])


def test_it_starts_without_torch():
    """It runs where Snakemake does, once a model."""
    code = "import sys, inverse_shading.training.seeds as c; print('torch' in sys.modules)"
    workflow = Path(__file__).parents[3] / "workflow"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(workflow)},
    )
    assert done.stdout.strip() == "False"
