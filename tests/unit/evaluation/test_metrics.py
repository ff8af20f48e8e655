"""Errors by hand."""

import numpy as np
import pytest

from inverse_shading.evaluation.metrics import image_errors, score, score_splits
from inverse_shading.material.parameters import PARAMETERS


def test_errors_by_hand():
    true = np.zeros((2, 10))
    true[1] = 1
    predicted = true.copy()
    predicted[:, 0] = [0.5, 0.5]
    predicted[:, 1] = [0.1, 0.7]
    found = score(true, predicted)
    assert list(found["parameters"]) == list(PARAMETERS)
    assert found["images"] == 2
    assert found["parameters"]["base"] == {"mse": 0.25, "mae": 0.5, "r2": 0.0}
    red = found["parameters"]["base_color_r"]
    assert red["mse"] == pytest.approx((0.01 + 0.09) / 2)
    assert red["mae"] == pytest.approx(0.2)
    assert red["r2"] == pytest.approx(1 - 0.1 / 0.5)
    assert found["parameters"]["metalness"] == {"mse": 0.0, "mae": 0.0, "r2": 1.0}
    assert found["mse"] == pytest.approx((0.25 + 0.05) / 10)
    assert found["mae"] == pytest.approx(0.07)
    assert found["r2"] == pytest.approx((0 + 0.8 + 8) / 10)


def test_errors_by_image_have_the_errors_as_their_means():
    generator = np.random.default_rng(2)
    true, predicted = generator.uniform(size=(2, 6, 10))
    squared, absolute = image_errors(true, predicted)
    found = score(true, predicted)
    assert squared.shape == absolute.shape == (6,)
    assert (squared.mean(), absolute.mean()) == pytest.approx((found["mse"], found["mae"]))
    assert squared[3] == pytest.approx(sum((true[3] - predicted[3]) ** 2) / 10)
    assert absolute[3] == pytest.approx(sum(abs(true[3] - predicted[3])) / 10)


def test_r2_of_a_parameter_that_never_varies_is_left_out():
    true = np.random.default_rng(0).uniform(size=(5, 10))
    true[:, 2] = 0.5
    found = score(true, true)
    assert found["parameters"]["base_color_g"]["r2"] is None
    assert found["r2"] == 1
    assert score(true[:1], true[:1])["r2"] is None


def test_splits_are_scored_apart():
    split = np.array(["test", "train", "validation", "train"])
    true = np.zeros((4, 10))
    predicted = np.repeat([[0.3], [0.1], [0.2], [0.1]], 10, axis=1)
    found = score_splits(split, true, predicted)
    assert {name: found[name]["mae"] for name in found} == pytest.approx(
        {"train": 0.1, "validation": 0.2, "test": 0.3}
    )
    assert found["train"]["images"] == 2
