"""Conformal quantiles: which score it is, and that it holds what it says however few there are."""

import numpy as np
import pytest

from inverse_shading.evaluation.conformal import conformal_quantile


@pytest.mark.parametrize(
    "count, level, expected",
    [(4, 0.6, 3), (4, 0.7, 4), (4, 0.8, 4), (4, 0.99, np.inf), (1, 0.5, 1), (2, 0.8, np.inf)],
)
def test_it_is_the_score_after_the_level(count, level, expected):
    scores = np.arange(1.0, count + 1)[::-1]
    assert conformal_quantile(scores, level) == expected
    columns = conformal_quantile(np.stack([scores, 10 * scores], axis=1), level)
    assert columns.tolist() == [expected, 10 * expected]


@pytest.mark.parametrize("count", [2, 3, 4, 9])
def test_a_new_score_is_no_larger_as_often_as_it_says(count):
    generator = np.random.default_rng(count)
    scores, new = generator.normal(size=(count, 20_000)), generator.normal(size=20_000)
    assert (new <= conformal_quantile(scores, 0.8)).mean() >= 0.79
