"""The floor against its theory: a large sample, and the posterior by brute force."""

import numpy as np
import pytest

from inverse_shading.evaluation.metrics import score
from inverse_shading.material.floor import posterior_means, posterior_medians
from inverse_shading.material.parameters import PARAMETERS


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(0).uniform(size=(200_000, len(PARAMETERS)))


def test_errors_of_the_floor(values):
    means = score(values, posterior_means(values))
    medians = score(values, posterior_medians(values))
    assert means["mse"] == pytest.approx(0.0068, abs=0.0001)
    assert means["parameters"]["base"]["mse"] == pytest.approx(0.0156, abs=0.0002)
    for channel in "rgb":
        assert means["parameters"][f"base_color_{channel}"]["mse"] == pytest.approx(
            0.0174, abs=0.0002
        )
    assert medians["mae"] == pytest.approx(0.037, abs=0.0005)
    # Each is the best at its own error.
    assert medians["mse"] > means["mse"] and medians["mae"] < means["mae"]


def test_the_other_parameters_are_known(values):
    np.testing.assert_array_equal(posterior_means(values)[:, 4:], values[:, 4:])
    np.testing.assert_array_equal(posterior_medians(values)[:, 4:], values[:, 4:])


def test_only_the_products_are_used():
    values = np.full((2, 10), 0.5)
    values[0, :4] = [0.8, 0.6, 0.3, 0.1]
    values[1, :4] = [0.6, 0.8, 0.4, 0.4 / 3]
    for answer in (posterior_means(values), posterior_medians(values)):
        np.testing.assert_allclose(answer[0], answer[1], rtol=1e-12)


def test_posterior_by_brute_force():
    """Mean and median of base and colour over a fine grid of the density b^-3 on [m, 1]."""
    values = np.full((1, 10), 0.5)
    values[0, :4] = [0.7, 0.9, 0.4, 0.2]
    products = 0.7 * values[0, 1:4]
    edges = np.linspace(products.max(), 1, 200_001)
    base = (edges[1:] + edges[:-1]) / 2
    weight = base**-3 / (base**-3).sum()
    median = base[np.searchsorted(weight.cumsum(), 0.5)]
    means, medians = posterior_means(values)[0], posterior_medians(values)[0]
    assert means[0] == pytest.approx((weight * base).sum(), rel=1e-6)
    assert medians[0] == pytest.approx(median, rel=1e-4)
    np.testing.assert_allclose(means[1:4], products * (weight / base).sum(), rtol=1e-6)
    np.testing.assert_allclose(medians[1:4], products / median, rtol=1e-4)


def test_a_base_of_zero_tells_nothing_of_the_colour():
    values = np.full((1, 10), 0.3)
    values[0, 0] = 0
    for answer in (posterior_means(values), posterior_medians(values)):
        assert answer[0, :4].tolist() == [0, 0.5, 0.5, 0.5]
