"""What an image can show of a material: there and back, derivatives, and base by brute force."""

import numpy as np
import pytest

from inverse_shading.material.floor import posterior_means, products_of_means
from inverse_shading.material.observable import (
    LEAST_SPECULAR,
    U_METALNESS,
    U_PRODUCTS,
    U_ROUGHNESS,
    U_SPECULAR,
    U_TINTS,
    divisible,
    draw_base,
    guessed_materials,
    log_density,
    materials,
    mean_base,
    observables,
    observables_derivative,
    unknowns,
    unknowns_derivative,
    with_base_of_one,
)
from inverse_shading.material.parameters import PARAMETERS

VALUES = np.random.default_rng(4).uniform(0.05, 0.95, size=(50, len(PARAMETERS)))


def column(name):
    return VALUES[:, PARAMETERS.index(name)]


def test_what_is_seen_are_products_and_the_rest_as_it_is():
    u = observables(unknowns(VALUES))
    np.testing.assert_allclose(u[:, U_PRODUCTS], VALUES[:, 1:4] * VALUES[:, :1])
    np.testing.assert_allclose(u[:, U_TINTS], VALUES[:, 6:9] * VALUES[:, 4:5])
    for place, name in ((U_SPECULAR, "specular"), (U_ROUGHNESS, "specular_roughness")):
        np.testing.assert_array_equal(u[:, place], column(name))
    np.testing.assert_array_equal(u[:, U_METALNESS], column("metalness"))


def test_a_base_of_one_changes_nothing_that_is_seen():
    x = unknowns(VALUES)
    again = with_base_of_one(x)
    assert (again[:, 0] == 1).all()
    np.testing.assert_array_equal(unknowns(again), x)


def test_materials_of_what_is_seen_show_it_with_any_base():
    u = observables(unknowns(VALUES))
    brightest = u[:, U_PRODUCTS].max(axis=1)
    for share in (0, 0.3, 1):
        found = materials(u, brightest + share * (1 - brightest))
        assert ((found >= 0) & (found <= 1)).all()
        np.testing.assert_allclose(observables(unknowns(found)), u, atol=1e-12)
    np.testing.assert_allclose(materials(u, column("base")), VALUES)


def test_a_colour_that_nothing_reflects_is_grey():
    u = np.zeros(9)
    found = materials(u, np.array(0.0))
    assert found[1:4].tolist() == found[6:9].tolist() == [0.5] * 3
    assert np.delete(found, [1, 2, 3, 6, 7, 8]).tolist() == [0] * 4


@pytest.mark.parametrize("x", unknowns(VALUES)[:3])
def test_derivatives_are_those_of_finite_differences(x):
    step = 1e-6
    by_x = np.stack(
        [
            (observables(x + step * one) - observables(x - step * one)) / (2 * step)
            for one in np.eye(9)
        ],
        axis=1,
    )
    np.testing.assert_allclose(observables_derivative(x), by_x, atol=1e-8)
    np.testing.assert_allclose(
        unknowns_derivative(x) @ observables_derivative(x), np.eye(9), atol=1e-12
    )


def test_a_faint_reflection_becomes_divisible_and_looks_the_same():
    x = unknowns(VALUES)[0]
    x[3] = LEAST_SPECULAR / 10
    raised = divisible(x)
    assert raised[3] == LEAST_SPECULAR
    np.testing.assert_allclose(
        np.delete(observables(raised) - observables(x), U_SPECULAR), 0, atol=1e-15
    )
    np.testing.assert_array_equal(divisible(raised), raised)


def base_law(brightest, count=200_001):
    """Fine cells of base and their probabilities under base^-3 on [brightest, 1]."""
    edges = np.linspace(brightest, 1, count)
    middle = (edges[1:] + edges[:-1]) / 2
    return middle, middle**-3 / (middle**-3).sum()


def test_base_by_brute_force():
    u = observables(unknowns(VALUES))[:1]
    base, mass = base_law(u[0, U_PRODUCTS].max())
    assert mean_base(u)[0] == pytest.approx((base * mass).sum(), rel=1e-6)
    assert mean_base(u[0]) == mean_base(u)[0]
    for share in (0.1, 0.5, 0.9):
        expected = base[np.searchsorted(mass.cumsum(), share)]
        assert draw_base(u, np.array([share]))[0] == pytest.approx(expected, abs=1e-4)
    ends = draw_base(np.repeat(u, 2, axis=0), np.array([0.0, 1.0]))
    np.testing.assert_allclose(ends, [u[0, U_PRODUCTS].max(), 1])


def share_expected(low, high):
    """The density's integral over a cell of products and tints and specular (…, 7), by Monte Carlo."""
    inside = np.random.default_rng(3).uniform(low, high, size=(20_000, 7))
    density = np.exp(log_density(inside[:, :3], inside[:, 6])) / 2
    return density.mean() * np.prod(np.subtract(high, low))


@pytest.mark.parametrize(
    "low, high",
    [
        ([0.2, 0.1, 0.1, 0, 0, 0, 0.5], [0.4, 0.3, 0.2, 0.5, 0.5, 0.5, 0.9]),
        ([0.6, 0.2, 0.1, 0, 0, 0, 0.5], [0.9, 0.6, 0.5, 0.5, 0.5, 0.5, 0.9]),
        ([0.1, 0.1, 0.1, 0.1, 0.1, 0, 0.4], [0.7, 0.7, 0.7, 0.3, 0.3, 0.3, 0.5]),
        ([0.1, 0.1, 0.1, 0.1, 0.1, 0, 0.8], [0.7, 0.7, 0.7, 0.4, 0.5, 0.6, 1.0]),
    ],
)
def test_the_density_is_that_of_uniform_inputs(low, high):
    """As many of a million materials fall into cells within the bounds as it says."""
    values = np.random.default_rng(2).uniform(size=(1_000_000, 10))
    u = observables(unknowns(values))[:, :7]
    share = ((u >= low) & (u < high)).all(axis=1).mean()
    assert share == pytest.approx(share_expected(low, high), rel=0.05)
    assert share > 0.003


def test_products_are_found_again_from_their_posterior_means():
    means = posterior_means(VALUES)
    np.testing.assert_allclose(products_of_means(means), VALUES[:, :1] * VALUES[:, 1:4])
    # Those of the means themselves are brighter.
    assert (means[:, :1] * means[:, 1:4] > VALUES[:, :1] * VALUES[:, 1:4]).all()
    assert products_of_means(np.zeros((1, 10))).tolist() == [[0, 0, 0]]


def test_a_guess_looks_as_the_means_were_meant():
    means = posterior_means(VALUES)
    guess = guessed_materials(means)
    np.testing.assert_allclose(guess[:, :1] * guess[:, 1:4], VALUES[:, :1] * VALUES[:, 1:4])
    np.testing.assert_array_equal(guess[:, 4:], VALUES[:, 4:])
    np.testing.assert_allclose(guess[:, 0], means[:, 0])


def test_a_guess_is_a_material_whatever_a_network_answers():
    wild = np.random.default_rng(6).uniform(-0.5, 1.5, size=(500, 10))
    guess = guessed_materials(wild)
    assert ((guess >= 0) & (guess <= 1)).all()
    # A base too small for its colour is raised to what the colour needs.
    low = np.full((1, 10), 0.5)
    low[0, :4] = [0.01, 1, 1, 1]
    np.testing.assert_allclose(
        guessed_materials(low)[:, :1] * guessed_materials(low)[:, 1:4], products_of_means(low)
    )
