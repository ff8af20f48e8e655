"""What a picture leaves open: covariances against the textbook, and draws against known laws."""

import numpy as np
import pytest

from inverse_shading.inversion.posterior import BASES, BLOCK, WIDEST, covariance, draw
from inverse_shading.material.observable import (
    U_METALNESS,
    U_PRODUCTS,
    U_SPECULAR,
    U_TINTS,
    draw_base,
)
from inverse_shading.material.products import expected_base, expected_inverse_base

U = np.array([0.35, 0.2, 0.1, 0.3, 0.25, 0.2, 0.6, 0.4, 0.3])
SIDE = 4 * BLOCK
SQUARE = np.ones((SIDE, SIDE), bool)


def jacobian(generator, count=SIDE**2):
    """Derivatives of many pixels by u, all directions about equally visible."""
    return generator.normal(size=(count, 3, 9))


def spread_of(deviation, correlation=0.0):
    """A covariance of equal deviations, products and metalness correlated."""
    matrix = np.eye(9)
    matrix[0, U_METALNESS] = matrix[U_METALNESS, 0] = correlation
    return matrix * deviation**2


def test_independent_residuals_give_the_textbooks_covariance():
    generator = np.random.default_rng(1)
    by_u = jacobian(generator)
    # Nine numbers from sixteen blocks are rough; a mean over draws is not.
    found = np.mean(
        [covariance(by_u, generator.normal(0, 2, size=(SIDE**2, 3)), SQUARE) for _ in range(40)],
        axis=0,
    )
    normal = np.einsum("pci,pcj->ij", by_u, by_u)
    # Blocks and the floor of independent errors add up: twice as much.
    expected = 2 * 4 * np.linalg.inv(normal)
    np.testing.assert_allclose(np.diagonal(found), np.diagonal(expected), rtol=0.3)
    deviations = np.sqrt(np.diagonal(expected))
    assert np.abs(found - expected).max() < 0.3 * deviations.max() ** 2


def test_it_is_never_less_than_independent_errors_give():
    generator = np.random.default_rng(2)
    by_u = jacobian(generator)
    residuals = generator.normal(size=(SIDE**2, 3))
    normal = np.einsum("pci,pcj->ij", by_u, by_u)
    independent = np.mean(residuals**2) * np.linalg.inv(normal)
    found = covariance(by_u, residuals, SQUARE)
    assert np.linalg.eigvalsh(found - independent).min() >= -1e-12


def test_residuals_alike_over_blocks_leave_more_open():
    generator = np.random.default_rng(3)
    rows, columns = np.indices((SIDE, SIDE)) // BLOCK
    block = (rows * 4 + columns).ravel()
    # What is seen changes slowly over the picture, as on a smooth surface.
    by_u = jacobian(generator, 16)[block]
    apart = generator.normal(size=(SIDE**2, 3))
    alike = generator.normal(size=(16, 3))[block]
    alike *= np.sqrt(np.mean(apart**2) / np.mean(alike**2))
    ratio = np.diagonal(covariance(by_u, alike, SQUARE)) / np.diagonal(
        covariance(by_u, apart, SQUARE)
    )
    assert ratio.min() > 10


def test_what_the_picture_does_not_tell_is_wide():
    generator = np.random.default_rng(4)
    by_u = jacobian(generator)
    by_u[..., U_SPECULAR] = 0
    # Two that only show together: their difference is not told either.
    by_u[..., U_METALNESS] = by_u[..., 0]
    found = covariance(by_u, generator.normal(size=(SIDE**2, 3)), SQUARE)
    assert np.isfinite(found).all()
    assert np.sqrt(found[U_SPECULAR, U_SPECULAR]) > WIDEST
    difference = np.zeros(9)
    difference[[0, U_METALNESS]] = 1, -1
    assert np.sqrt(difference @ found @ difference) > WIDEST
    difference[U_METALNESS] = 1
    assert np.sqrt(difference @ found @ difference) < 0.1


def test_a_picture_that_shows_nothing_is_no_error():
    found = covariance(np.zeros((9, 3, 9)), np.zeros((9, 3)), np.ones((3, 3), bool))
    draws = draw(U, found)
    assert np.isfinite(found).all() and np.isfinite(draws.values).all()


@pytest.mark.parametrize("deviation", [1e-5, 0.02, 0.3, 100.0])
@pytest.mark.parametrize("u", [U, np.zeros(9), np.ones(9), np.where(np.arange(9) < 6, 0.9, 0.1)])
def test_draws_are_materials(u, deviation):
    draws = draw(u, spread_of(deviation))
    assert ((draws.u >= 0) & (draws.u <= 1)).all()
    assert (draws.u[:, U_TINTS] <= draws.u[:, [U_SPECULAR]] + 1e-9).all()
    assert ((draws.values >= 0) & (draws.values <= 1)).all()
    assert len(draws.values) == BASES * len(draws.u)
    assert ((draws.means >= 0) & (draws.means <= 1)).all()
    low, high = draws.interval(0.8)
    assert (low <= high).all()


def test_a_narrow_normal_far_from_the_bounds_is_drawn_as_it_is():
    deviation = 2e-3
    draws = draw(U, spread_of(deviation, correlation=0.8))
    # The density before a picture is seen changes by less than that over it.
    np.testing.assert_allclose(draws.u.mean(axis=0), U, atol=0.25 * deviation)
    np.testing.assert_allclose(draws.u.std(axis=0), deviation, rtol=0.12)
    found = np.corrcoef(draws.u.T)
    assert found[0, U_METALNESS] == pytest.approx(0.8, abs=0.08)
    assert np.abs(found[1:U_METALNESS, 1:U_METALNESS] - np.eye(7)).max() < 0.15


def test_errors_that_would_move_u_further_than_a_deviation_make_all_as_much_wider():
    deviation = 2e-3
    spread = spread_of(deviation)
    before, little, far = (
        draw(U, spread, shift=np.full(9, size * deviation)).u for size in (0, 0.9, 4)
    )
    np.testing.assert_array_equal(little, before)
    np.testing.assert_allclose(far.std(axis=0), 4 * before.std(axis=0), rtol=0.12)


def test_nothing_seen_leaves_what_uniform_inputs_are():
    draws = draw(U, spread_of(100.0))
    # The chains wander slowly here; the middle and the reach are what matters.
    np.testing.assert_allclose(draws.values[:, [0, 4, 5, 9]].mean(axis=0), 0.5, atol=0.12)
    low, high = draws.interval(0.8)
    assert (high - low)[[5, 9]].min() > 0.7


def test_base_is_drawn_by_its_exact_law():
    u = U.copy()
    draws = draw(u, spread_of(1e-6))
    low, high = draws.interval(0.8)
    exact = draw_base(np.repeat(u[None], 2, axis=0), np.array([0.1, 0.9]))
    np.testing.assert_allclose([low[0], high[0]], exact, atol=0.015)
    # A bright colour goes with a dark base.
    np.testing.assert_allclose(low[1:4], u[U_PRODUCTS] / exact[1], rtol=0.03)
    np.testing.assert_allclose(high[1:4], u[U_PRODUCTS] / exact[0], rtol=0.03)
    brightest = u[U_PRODUCTS].max()
    assert draws.means[0] == pytest.approx(2 * brightest / (1 + brightest), abs=1e-5)


@pytest.mark.parametrize("tint", [0.3, 0.05, 0.005])
def test_a_dark_reflections_factors_are_drawn_by_their_exact_law(tint):
    """Of known products alone: specular of density ∝ specular⁻³ on [tint, 1], as base is."""
    u, deviations = U.copy(), np.full(9, 1e-3)
    u[U_TINTS], deviations[U_TINTS], deviations[U_SPECULAR] = tint, 1e-3 * tint, 100.0
    # Of one seed the mean scatters by 0.008.
    draws = [draw(u, np.diag(deviations**2), seed) for seed in range(6)]
    exact = tint * expected_inverse_base(tint)
    assert np.mean([each.means[6:9] for each in draws]) == pytest.approx(exact, abs=0.01)
    specular = np.mean([each.u[:, U_SPECULAR] for each in draws])
    assert specular == pytest.approx(expected_base(tint), rel=0.05)


def test_intervals_are_stretched_from_the_median():
    draws = draw(U, spread_of(0.01))
    median = np.median(draws.values, axis=0)
    (low, high), (longer_low, longer_high) = draws.interval(0.8), draws.interval(0.8, 1.5)
    np.testing.assert_allclose(median - longer_low, 1.5 * (median - low), atol=1e-12)
    inside = longer_high < 1
    np.testing.assert_allclose((longer_high - median)[inside], 1.5 * (high - median)[inside])
    assert (draws.interval(0.8, 1000.0) == [[0], [1]]).all()
    factors = np.ones(10)
    factors[5] = 0
    assert np.ptp(draws.interval(0.8, factors)[:, 5]) == 0


def test_the_same_numbers_every_time():
    first, second = draw(U, spread_of(0.1)), draw(U, spread_of(0.1))
    for name in ("u", "values", "means"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert not np.array_equal(draw(U, spread_of(0.1), seed=1).u, first.u)
