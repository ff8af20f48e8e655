"""From pictures of a small stage to materials: found, or known not to be; the rest as wide as it is."""

from dataclasses import replace

import numpy as np
import pytest

from inverse_shading.inversion import least_squares
from inverse_shading.inversion.alternatives import DIFFERENT, QUANTISATION, different_materials
from inverse_shading.inversion.calibration import UNCALIBRATED, Calibration
from inverse_shading.inversion.least_squares import (
    STARTS,
    Derivatives,
    find_material,
    rendered,
)
from inverse_shading.inversion.posterior import Draws
from inverse_shading.inversion.refiner import Refiner
from inverse_shading.inversion.settings import Refinement
from inverse_shading.material.observable import (
    U_METALNESS,
    U_PRODUCTS,
    U_ROUGHNESS,
    UNKNOWNS,
    X_BASE_COLOR,
    divisible,
    observables,
    unknowns,
    unknowns_derivative,
)
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.render.unrounded import UnroundedRenderer
from tests.support.small_stage import FRAMING, MATERIALS, SETTINGS, framed

GREY = np.full(10, 0.5)


@pytest.fixture(scope="module")
def pictures(refiner):
    return [framed(refiner.render(values), refiner.weights) for values in MATERIALS]


def guess_of(values, seed):
    """As wrong as a poor network."""
    wrong = np.random.default_rng(seed).normal(0, 0.15, size=10)
    return np.clip(values + wrong, 0, 1)


@pytest.fixture(scope="module")
def estimates(refiner, pictures):
    return [
        refiner.refine(picture, guess_of(values, seed))
        for seed, (picture, values) in enumerate(zip(pictures, MATERIALS, strict=True))
    ]


def difference(refiner, first, second, picture):
    """Root mean square in levels between two materials' renders before rounding."""
    images = [refiner._renderer.image(np.asarray(values)) for values in (first, second)]
    return float(np.sqrt(np.mean(np.square((images[0] - images[1])[picture.weights > 0.5]))))


def test_what_can_be_seen_is_found_from_a_wrong_guess(estimates):
    for estimate, true in zip(estimates, MATERIALS, strict=True):
        assert estimate.converged and estimate.starts == 1
        # Rounding alone makes 0.29, framing rounds twice.
        assert estimate.rms < 0.5 < 5 < estimate.guess_rms
        found, expected = observables(unknowns(estimate.material)), observables(unknowns(true))
        np.testing.assert_allclose(found[U_PRODUCTS], expected[U_PRODUCTS], atol=0.005)
        for place in (U_ROUGHNESS, U_METALNESS):
            assert found[place] == pytest.approx(expected[place], abs=0.01)


def test_estimates_are_whole(estimates):
    for estimate in estimates:
        for values in (estimate.material, estimate.expected, estimate.low, estimate.high):
            assert values.shape == (10,) and ((values >= 0) & (values <= 1)).all()
        assert (estimate.low <= estimate.high).all()
        assert set(estimate.reasons) == set(PARAMETERS)
        assert estimate.renders > 1 and estimate.alternatives == []
        # Of base only its product with the colour is seen.
        assert estimate.high[0] - estimate.low[0] > 0.2
        assert estimate.high[5] - estimate.low[5] < 0.05
        assert estimate.reasons["specular_roughness"] is None


def test_its_rms_is_that_of_its_materials_render(refiner, pictures, estimates):
    for picture, estimate in zip(pictures, estimates, strict=True):
        image = refiner._renderer.image(estimate.material)
        off = (image - picture.target)[picture.weights > 0.5]
        assert estimate.rms == pytest.approx(np.sqrt(np.mean(off**2)), rel=1e-5)


def test_the_best_numbers_are_means_and_the_material_another_thing(estimates):
    for estimate in estimates:
        products, means = (
            values[0] * values[1:4] for values in (estimate.material, estimate.expected)
        )
        assert (means > products + 1e-3).all()
        np.testing.assert_allclose(estimate.expected[5], estimate.material[5], atol=0.01)


def test_without_a_guess_it_begins_at_fixed_places(refiner, pictures):
    for picture, true in zip(pictures, MATERIALS, strict=True):
        estimate = refiner.refine(picture)
        assert estimate.converged and estimate.guess_rms is None
        assert 1 <= estimate.starts <= SETTINGS["restarts"] + 1
        found, expected = observables(unknowns(estimate.material)), observables(unknowns(true))
        np.testing.assert_allclose(found[U_PRODUCTS], expected[U_PRODUCTS], atol=0.01)


def test_fixed_places_are_within_bounds():
    assert STARTS.shape[1] == 9 and ((STARTS > 0) & (STARTS < 1)).all()


def test_there_are_as_many_starts_as_can_be_asked_for():
    most = Refinement.model_json_schema()["properties"]["restarts"]["maximum"]
    # The first, a nearly black one, and the others.
    assert len(STARTS) == most


def test_what_is_found_twice_but_fits_badly_is_not_converged(refiner):
    image = refiner.render(MATERIALS[0])
    # A pattern of six levels that no material has.
    rows, columns = np.indices(image.shape[:2])
    pattern = np.where((rows + columns) % 2, 6, -6)[..., None]
    picture = framed(np.clip(image.astype(int) + pattern, 0, 255).astype(np.uint8), refiner.weights)
    estimate = refiner.refine(picture)
    assert 4 < estimate.rms < 8 and not estimate.converged


@pytest.mark.parametrize("guess", [None, GREY])
def test_a_picture_that_nothing_explains_is_not_converged(refiner, guess):
    noise = np.random.default_rng(0).integers(0, 256, (48, 48, 3)).astype(np.uint8)
    estimate = refiner.refine(framed(noise, refiner.weights), guess)
    assert not estimate.converged and estimate.rms > 30
    # All starts were tried.
    assert estimate.starts == SETTINGS["restarts"] + 1
    assert ((estimate.material >= 0) & (estimate.material <= 1)).all()


def test_a_start_that_retraces_an_earlier_one_is_not_followed(refiner, monkeypatch):
    picture = framed(refiner.render(MATERIALS[0], np.array([1.2, 1.0, 0.8])), refiner.weights)

    def searched(retraced):
        monkeypatch.setattr(least_squares, "RETRACED", retraced)
        before = refiner._renderer.renders
        solution = refiner.solve(picture, None)
        return solution, refiner._renderer.renders - before

    (own, renders), (whole, all_renders) = searched(least_squares.RETRACED), searched(0.0)
    assert own.starts == whole.starts > 1
    assert renders < 0.8 * all_renders
    assert own.rms == pytest.approx(whole.rms, rel=0.01)
    np.testing.assert_allclose(observables(own.x), observables(whole.x), atol=0.02)


def test_a_start_that_leads_elsewhere_is_followed(refiner, monkeypatch):
    metal = np.array([0.9, 0.9, 0.5, 0.3, 0.8, 0.3, 0.9, 0.5, 0.3, 0.98])
    rough_dielectric = np.array([0.9, 0.9, 0.5, 0.5, 0.8, 0.95, 0.9, 0.5, 0.3, 0.0])
    picture = framed(refiner.render(metal), refiner.weights)
    found = refiner.solve(picture, rough_dielectric)
    assert found.starts > 1 and found.converged and found.rms < 0.5
    # That guess alone leads to another optimum.
    monkeypatch.setattr(least_squares, "RETRACED", np.inf)
    caught = refiner.solve(picture, rough_dielectric)
    assert not caught.converged and caught.rms > 10


def test_a_material_beyond_all_draws_lies_within_its_intervals(refiner, pictures, monkeypatch):
    far = np.full(10, 0.999)
    monkeypatch.setattr(Refiner, "_middle", lambda *_: (far, 20.0))
    estimate = refiner.refine(pictures[0])
    assert (estimate.low < far).all() and (far <= estimate.high).all()


@pytest.mark.parametrize("level", [0, 255])
def test_a_picture_at_the_end_of_its_range_is_no_error(refiner, level):
    flat = np.full((48, 48, 3), level, np.uint8)
    estimate = refiner.refine(framed(flat, refiner.weights), GREY)
    assert np.isfinite(estimate.rms) and np.isfinite(estimate.material).all()
    if level == 0:
        assert estimate.material[0] * estimate.material[1:4].max() < 0.01


def test_a_render_all_white_leaves_a_search_where_it_is():
    """No derivatives and no residuals: nothing to divide by."""

    class White:
        sparse = dense = np.ones((8, 8), bool)

        def sparse_pixels(self, values):
            assert np.isfinite(values).all()
            return np.full((len(values), 64, 3), 255, np.float32)

        dense_pixels = sparse_pixels

        def image(self, values):
            assert np.isfinite(values).all()
            return np.full((8, 8, 3), 255, np.float32)

    target = np.full((8, 8, 3), 255, np.float32)
    solution = find_material(White(), target, White.dense, GREY, SETTINGS)
    assert solution.rms == 0 and solution.converged
    np.testing.assert_allclose(solution.x, unknowns(GREY), atol=1e-6)


def test_pixels_that_do_not_count_do_not_matter(refiner, pictures, estimates):
    picture = pictures[0]
    rows = np.indices(picture.weights.shape)[0]
    spoiled = np.where((rows < 20)[..., None], 255 - picture.target, picture.target)
    masked = replace(
        picture, target=spoiled, weights=np.where(rows < 20, 0, picture.weights).astype(np.float32)
    )
    estimate = refiner.refine(masked, guess_of(MATERIALS[0], 0))
    assert estimate.converged and estimate.rms < 0.5
    np.testing.assert_allclose(
        observables(unknowns(estimate.material))[U_PRODUCTS],
        observables(unknowns(MATERIALS[0]))[U_PRODUCTS],
        atol=0.01,
    )


def test_a_handful_of_pixels_is_enough_to_go_on(refiner, pictures):
    """Fewer than a search over samples takes."""
    middle = np.zeros_like(pictures[0].weights)
    middle[22:27, 22:27] = 1
    estimate = refiner.refine(replace(pictures[0], weights=middle), GREY)
    assert np.isfinite(estimate.rms) and estimate.rms < estimate.guess_rms


def test_alternatives_look_the_same_and_are_others(refiner, pictures):
    picture = pictures[0]
    estimate = refiner.refine(picture, guess_of(MATERIALS[0], 0), alternatives=8)
    every = [estimate.material, *estimate.alternatives]
    assert len(every) == 9
    for number, values in enumerate(every[1:], start=1):
        assert ((values >= 0) & (values <= 1)).all()
        assert difference(refiner, values, estimate.material, picture) <= QUANTISATION
        for other in every[:number]:
            assert np.linalg.norm(values - other) >= DIFFERENT
    # The first differs as far as the picture allows: base lies at an end.
    assert np.ptp([values[0] for values in every]) > 0.3


def test_an_alternative_drawn_near_to_another_is_none():
    """Roughness may differ by 0.11: 1.0 is drawn to 0.5625, and then 0.9 to 0.6, next to it."""
    material = np.array([1, 1, 1, 1, 1, 0.5, 1, 1, 1, 0.0])
    rough, rougher, metal = material.copy(), material.copy(), material.copy()
    rough[5], rougher[5], metal[9] = 0.9, 1.0, 0.3
    rendered = []

    def render(values):
        rendered.append(values)
        return np.full((1, 1, 3), values[5] * QUANTISATION / 0.11)

    draws = Draws(
        observables(unknowns(material))[None], np.stack([rough, metal, rougher]), material
    )
    compared = np.ones((1, 1), bool)
    found = different_materials(draws, material, render, compared, 3)
    assert [(values[5], values[9]) for values in found] == [(0.5625, 0), (0.5, 0.3)]
    # Candidates are not rendered without end where the picture leaves no room.
    assert len(rendered) < 20


def test_a_network_answer_is_assessed_as_it_is(refiner, pictures):
    low, high = np.full(10, 0.1), np.full(10, 0.2)
    estimate = refiner.assess(pictures[0], GREY, MATERIALS[1], low, high)
    np.testing.assert_array_equal(estimate.material, GREY)
    np.testing.assert_array_equal(estimate.expected, MATERIALS[1])
    np.testing.assert_array_equal([estimate.low, estimate.high], [low, high])
    assert estimate.rms == estimate.guess_rms > 5 and not estimate.converged
    assert (estimate.renders, estimate.starts) == (1, 0)
    exact = refiner.assess(pictures[0], MATERIALS[0], MATERIALS[0], low, high)
    assert exact.rms < 0.5 and exact.converged


def test_a_calibration_makes_intervals_as_wide_as_it_says(path, pictures, estimates):
    scales = UNCALIBRATED.scales | {"roughness": 20.0}
    factors = UNCALIBRATED.factors | {"base": 0.5}
    calibration = Calibration(scales, factors, 5)
    with Refiner(path, FRAMING, SETTINGS, calibration, "cpu", 1) as wide:
        estimate = wide.refine(pictures[0], guess_of(MATERIALS[0], 0))
    before, after = (one.high - one.low for one in (estimates[0], estimate))
    assert 5 < after[5] / before[5] < 25
    assert after[0] / before[0] == pytest.approx(0.5, abs=0.05)


def as_bytes(estimate):
    arrays = (estimate.material, estimate.expected, estimate.low, estimate.high)
    # Not the renders, a difference of sums that go on over all pictures.
    numbers = (estimate.rms, estimate.guess_rms, estimate.starts)
    return np.concatenate([*arrays, *estimate.alternatives, numbers]).tobytes()


def test_the_same_bytes_every_time_and_with_any_number_of_threads(path, refiner, pictures):
    guess = guess_of(MATERIALS[1], 1)
    first = as_bytes(refiner.refine(pictures[1], guess, alternatives=1))
    # What was refined before leaves nothing behind.
    with Refiner(path, FRAMING, SETTINGS, device="cpu", threads=2) as other:
        assert as_bytes(other.refine(pictures[1], guess, alternatives=1)) == first


def test_derivatives_are_computed_anew_only_where_u_has_moved():
    calls = []

    def samples(values):
        calls.append(len(values))
        # Seen are products alone, so squares of them have known derivatives.
        u = observables(unknowns(values))
        return (np.repeat(u[:, None, :3], 2, axis=1) ** 2).astype(np.float32)

    derivatives = Derivatives(samples, 1e-3)
    x = np.full(9, 0.5)
    found = derivatives.by_x(x)
    np.testing.assert_allclose(found[:3, :3], np.eye(3), atol=2e-3)
    derivatives.by_x(x + 0.009 * (np.arange(9) == 0))
    # Specular may move as far as it likes, if its products stay.
    moved = x.copy()
    moved[3], moved[5:8] = 1.0, 0.25
    derivatives.by_x(moved)
    assert calls == [6]
    derivatives.by_x(x + 0.02 * (np.arange(9) == 8))
    assert calls == [6, 6]


@pytest.mark.parametrize("gains", [(), (0.4, 0.5, 0.7)])
@pytest.mark.parametrize("values", MATERIALS)
def test_colours_moved_together_are_as_if_moved_one_by_one(path, values, gains):
    renderer = UnroundedRenderer(path, FRAMING, 2, "cpu", 1)
    x, step = divisible(np.append(unknowns(values), gains)), 0.005
    steps = np.where(x + step <= 1, step, -step)
    at_x, *moved = renderer.dense_pixels(rendered(np.vstack([x, x + np.diag(steps)])))
    by_x = np.stack([(m - at_x) / np.float32(s) for m, s in zip(moved, steps, strict=True)], -1)
    assert (np.abs(by_x[..., X_BASE_COLOR]).max(axis=(0, 1)) > 0).all()
    found = Derivatives(renderer.dense_pixels, step).by_u(x)
    expected = by_x @ unknowns_derivative(x).astype(np.float32)
    np.testing.assert_array_equal(found, expected)
    renderer.close()


def test_every_unknown_and_every_gain_is_moved():
    moved = [place for places in least_squares.MOVED_TOGETHER for place in places]
    assert sorted(moved) == list(range(UNKNOWNS + 3))


def test_differences_stay_within_bounds():
    asked = []

    def samples(values):
        asked.append(values)
        return np.zeros((len(values), 1, 3), np.float32)

    Derivatives(samples, 0.1).by_u(np.full(9, 0.95))
    Derivatives(samples, 0.1).by_u(np.full(9, 0.05))
    assert all(((values >= 0) & (values <= 1)).all() for values in asked)
