"""The baselines on a data set whose images tell three of the ten parameters."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from inverse_shading.material.floor import posterior_means, posterior_medians
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.runtime.errors import InputError
from inverse_shading.training.baselines import BASELINES, FITTERS, fit_baseline, shrink_images
from tests.support.synthetic import SyntheticData

CONFIG = {
    "baselines": {
        "thumbnail_size": 4,
        "ridge": {"penalties": [0.01, 1.0, 1000.0]},
    },
}
KEYS = [
    "model", "trunk", "weights", "splits", "parameter_count", "epochs", "best_epoch", "tuning",
    "seconds", "device", "batch_size",
]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return SyntheticData(tmp_path_factory.mktemp("data"), n_images=200, shard_size=100)


def run(data, folder, name, config=CONFIG):
    paths = folder / name / "predictions.csv", folder / name / "metrics.json"
    fit_baseline(*paths, name, config, data.of_images, 1)
    table = pd.read_csv(paths[0], dtype={"id": str})
    predicted = table[[f"{parameter}_predicted" for parameter in PARAMETERS]].to_numpy()
    return json.loads(paths[1].read_text()), predicted


@pytest.fixture(scope="module")
def fitted(data, tmp_path_factory):
    """Each baseline as CONFIG has it, fitted once: its metrics and predictions."""
    folder = tmp_path_factory.mktemp("fitted")
    return {name: run(data, folder, name) for name in BASELINES}


def test_every_baseline_has_a_function():
    assert set(FITTERS) == set(BASELINES)


def test_constant_is_the_training_mean(data, fitted):
    metrics, predicted = fitted["constant"]
    values = data.labels.values.to_numpy()
    mean = values[data.labels.indices("train")].mean(axis=0)
    np.testing.assert_allclose(predicted, np.tile(mean, (200, 1)), atol=1e-6)
    assert metrics["splits"]["train"]["r2"] == pytest.approx(0, abs=1e-9)
    assert list(metrics) == [*KEYS, "seed", "threads", "image_intervals"]
    assert metrics["parameter_count"] == 10 and metrics["epochs"] is None


def test_what_the_images_tell_is_learnt(data, fitted, tmp_path):
    metrics, predicted = fitted["ridge"]
    errors = {p: e["mse"] for p, e in metrics["splits"]["test"]["parameters"].items()}
    told, hidden = PARAMETERS[:3], PARAMETERS[3:]
    assert max(errors[p] for p in told) < 0.02
    assert min(errors[p] for p in hidden) > 0.04
    assert predicted.min() >= 0 and predicted.max() <= 1
    again, same = run(data, tmp_path, "ridge")
    np.testing.assert_array_equal(predicted, same)
    assert again["splits"] == metrics["splits"]


def test_ridge_takes_the_penalty_that_validation_likes(data, fitted, tmp_path):
    chosen, _ = fitted["ridge"]
    errors = {}
    for penalty in CONFIG["baselines"]["ridge"]["penalties"]:
        config = {
            "baselines": CONFIG["baselines"] | {"ridge": {"penalties": [penalty]}},
        }
        metrics, _ = run(data, tmp_path / "one", "ridge", config)
        assert metrics["penalty"] == penalty
        assert metrics["tuning"]["trials"] == 1
        errors[penalty] = metrics["splits"]["validation"]["mse"]
    assert chosen["penalty"] == min(errors, key=errors.get)
    assert chosen["tuning"] == {
        "model": "ridge",
        "trials": 3,
        "images": 200,
        "values": {"penalty": chosen["penalty"]},
    }
    tried = {one["penalty"]: one["validation_mse"] for one in chosen["penalties"]}
    assert tried == pytest.approx(errors, rel=1e-5)
    best = next(one for one in chosen["penalties"] if one["penalty"] == chosen["penalty"])
    assert best["test_mse"] == pytest.approx(chosen["splits"]["test"]["mse"], rel=1e-5)
    assert chosen["parameter_count"] == 4 * 4 * 3 * 10 + 10


def test_floor_takes_each_error_from_its_best_answer(data, fitted):
    metrics, predicted = fitted["floor"]
    values = data.labels.values.to_numpy()
    np.testing.assert_allclose(predicted, posterior_means(values), atol=1e-6)
    test = data.labels.indices("test")
    errors = metrics["splits"]["test"]
    means, medians = posterior_means(values)[test], posterior_medians(values)[test]
    assert errors["mse"] == pytest.approx(np.square(means - values[test]).mean())
    assert errors["mae"] == pytest.approx(np.abs(medians - values[test]).mean())
    assert errors["parameters"]["base"]["mae"] == pytest.approx(
        np.abs(medians - values[test])[:, 0].mean()
    )
    assert metrics["mae_of"] == "posterior medians"
    # 40 test images: t(0.975; 39) = 2.022691.
    spread = np.abs(medians - values[test]).mean(axis=1).std(ddof=1)
    assert metrics["image_intervals"]["test"]["mae"] == pytest.approx(
        2.022691 * spread / 40**0.5, rel=1e-6
    )


def test_thumbnails_are_exact_averages():
    images = np.random.default_rng(0).integers(0, 256, (2, 6, 6, 3), dtype=np.uint8)
    thumbnails = shrink_images(images, 3)
    assert thumbnails.shape == (2, 3, 3, 3) and thumbnails.dtype == np.float32
    assert thumbnails[1, 0, 2, 1] == pytest.approx(images[1, 0:2, 4:6, 1].mean() / 255, rel=1e-6)
    assert (shrink_images(np.full((1, 6, 6, 3), 255, np.uint8), 2) == 1).all()


def test_a_thumbnail_that_does_not_divide_is_refused(data, tmp_path):
    config = CONFIG | {"baselines": CONFIG["baselines"] | {"thumbnail_size": 5}}
    with pytest.raises(InputError, match=r"baselines\.thumbnail_size: found 5.*\(16 pixels\)"):
        run(data, tmp_path, "ridge", config)


def test_truncated_images_are_refused(tmp_path):
    data = SyntheticData(tmp_path, n_images=40, shard_size=20)
    path = data.images[1]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"000020-000039\.npy: its contents don't match"):
        run(data, tmp_path, "ridge")


def test_images_of_other_ranges_are_refused(data, tmp_path):
    with pytest.raises(InputError, match=r"Found 100 images in 1 files and 200 rows"):
        files = replace(data.of_images, inputs=data.images[:1])
        fit_baseline(tmp_path / "p.csv", tmp_path / "m.json", "ridge", CONFIG, files, 1)


def test_an_unknown_baseline_is_refused(data, tmp_path):
    with pytest.raises(InputError, match=r"baseline: found 'oracle'"):
        run(data, tmp_path, "oracle")
