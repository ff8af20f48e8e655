"""Intervals, against figures worked out by hand with the printed table of Student's t."""

import math

import numpy as np
import pytest

from inverse_shading.evaluation.confidence import half_width, image_intervals


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # t(0.975; 4) = 2.776, s = √2.5
        ([1, 2, 3, 4, 5], 2.776445 * math.sqrt(2.5 / 5)),
        # t(0.975; 1) = 12.706, s = √2 · 0.01
        ([0.02, 0.04], 12.706205 * 0.01),
        # t(0.975; 2) = 4.303, s = 1
        ([7, 8, 9], 4.302653 / math.sqrt(3)),
        ([0.3, 0.3, 0.3], 0),
    ],
)
def test_half_width(values, expected):
    assert half_width(values) == pytest.approx(expected, rel=1e-6)


def test_one_value_has_no_interval():
    assert half_width([0.3]) is None


def test_the_interval_holds_the_mean_as_often_as_it_says():
    generator = np.random.default_rng(1)
    draws = generator.normal(2, 3, size=(4000, 5))
    hits = [abs(draw.mean() - 2) <= half_width(draw) for draw in draws]
    # Three standard errors of 0.95 over 4000 draws.
    assert np.mean(hits) == pytest.approx(0.95, abs=0.011)


def test_intervals_are_each_split_s_own():
    split = np.array(["train", "test", "train", "validation", "test", "train"])
    squared, absolute = np.array([1.0, 2, 2, 9, 4, 3]), np.array([1.0, 0, 1, 9, 0, 1])
    found = image_intervals(split, squared, absolute)
    assert list(found) == ["train", "validation", "test"]
    assert found["train"]["mse"] == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert found["test"]["mse"] == pytest.approx(12.706205, rel=1e-6)
    assert found["train"]["mae"] == found["test"]["mae"] == 0
    assert found["validation"] == {"mse": None, "mae": None}
