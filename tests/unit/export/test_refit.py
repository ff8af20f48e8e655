"""What is derived from a fit: intervals, and what the target can't follow."""

import numpy as np

from inverse_shading.export.refit import COARSE_PIXELS, Fit, follow, intervals, lost_shares
from inverse_shading.export.targets import TARGETS, Input, Target, starts
from tests.support.small_stage import MATERIALS

TWO = Target("two", "two", "", (Input("a"), Input("b", high=4.0)))


def found(derivatives, values=(0.5, 2.0)):
    mode = TWO.modes[0]
    return Fit(mode, TWO.sought(mode, True), np.array(values), np.array(derivatives, float), 1)


def test_an_interval_is_where_the_picture_changes_by_what_is_visible():
    # The mean square of both rows together is (10 da)² / 2 and (20 db / 4)² / 2.
    low, high = intervals(TWO, found([[10, 0], [0, 20]]), 0.3)
    reach = 0.3 * np.sqrt(2) / np.array([10, 20])
    np.testing.assert_allclose(low, [0.5 - reach[0], 2 - 4 * reach[1]])
    np.testing.assert_allclose(high, [0.5 + reach[0], 2 + 4 * reach[1]])


def test_what_makes_up_for_each_other_is_open_within_the_range():
    np.testing.assert_allclose(intervals(TWO, found([[10, 10], [20, 20]]), 0.5), [[0, 0], [1, 4]])


def test_what_does_not_show_is_open_and_holds_the_value():
    low, high = intervals(TWO, found([[10, 0], [10, 0]], (1.0, 4.0)), 0.5)
    assert (low[1], high[1]) == (0, 4) and low[0] < high[0] == 1


def test_lost_is_the_part_outside_of_what_the_numbers_can_change():
    fit = found([[1, 0], [0, 0], [0, 0]])
    wanted = np.array([[2, 0, 3, 0], [0, 5, 4, 0], [0, 0, 0, 0]], float)
    np.testing.assert_allclose(lost_shares(fit, wanted), [0, 1, 0.8, 0])


class Linear:
    """Pictures that are linear in two numbers."""

    def __init__(self):
        columns = np.random.default_rng(0).normal(1, 1, (COARSE_PIXELS * 3, 2))
        # In levels by the share of a range.
        self.derivatives = 100 * columns

    def pixels(self, values, count):
        return (values / [1, 4] @ self.derivatives.T).reshape(len(values), count, 3)


def test_a_material_is_followed_within_the_bounds_wherever_the_move_put_it():
    picture = Linear()
    fit = found(picture.derivatives, (1.0, 2.0))
    # The second one's picture wants 1.3 of the first number, which has 1 at most.
    wanted = np.array([[0.6, 2.4], [1.3, 1.2]])
    changes = picture.pixels(wanted, COARSE_PIXELS) - picture.pixels(
        fit.values[None], COARSE_PIXELS
    )
    numbers = follow(TWO, picture, fit, changes, np.array([[-0.9, 1.5], [0.5, 1.9]]))
    np.testing.assert_allclose(numbers[0], wanted[0], atol=1e-3)
    first, second = picture.derivatives.T
    makes_up = 0.3 * (first @ second) / (second @ second)
    np.testing.assert_allclose(numbers[1], [1, 1.2 + 4 * makes_up], atol=1e-3)


def test_what_hardly_shows_stays_where_the_move_put_it():
    picture = Linear()
    # A hundredth of a level over its whole range.
    picture.derivatives[:, 1] = 0.01
    fit = found(picture.derivatives, (0.5, 2.0))
    changes = picture.pixels(np.array([[0.1, 0.0]]), COARSE_PIXELS)
    numbers = follow(TWO, picture, fit, changes, np.array([[0.0, 1.0]]))
    np.testing.assert_allclose(numbers, [[0.6, 3.0]], atol=0.1)


def test_starts_lie_within_the_ranges_and_leave_spare_inputs_alone():
    for target in TARGETS.values():
        low, high = target.bounds
        for values in (*MATERIALS, np.zeros(10), np.ones(10)):
            for mode, places in zip(target.modes, starts(target, values, 2), strict=True):
                assert len(places) == 3
                assert all(((low <= place) & (place <= high)).all() for place in places)
                fixed = ~target.sought(mode, spare=False)
                assert all((place[fixed] == places[0][fixed]).all() for place in places)
                assert not np.array_equal(places[1], places[0])


def test_inputs_and_numbers_are_each_others_inverse():
    for target in TARGETS.values():
        numbers = np.linspace(0, 1, len(target.columns))
        np.testing.assert_array_equal(target.flat(target.by_input(numbers)), numbers)
