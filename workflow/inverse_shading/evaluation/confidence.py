"""How sure a mean is: Student's 95 % interval, over seeds or over images."""

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from inverse_shading.dataset.splits import SPLITS

# The share of all such intervals that hold what they estimate. It is part of their names in tables,
# figures and documentation.
CONFIDENCE = 0.95


def half_width(values: Sequence[float] | np.ndarray) -> float | None:
    """Half-width of the interval of a mean: t · s / √n.

    t is the 97.5 % quantile of Student's distribution with n − 1 degrees of freedom, s the standard
    deviation with n − 1 in its denominator. The values are taken to be independent draws; that their
    mean is about normal holds for many draws of any kind, and for few only if they are so themselves.

    Args:
        values: (n,)

    Returns:
        The half-width, in the values' unit; None for fewer than two values.
    """
    values = np.asarray(values, np.float64)
    if len(values) < 2:
        return None
    quantile = stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2)
    return float(quantile * values.std(ddof=1) / np.sqrt(len(values)))


def image_intervals(split: np.ndarray, squared: np.ndarray, absolute: np.ndarray) -> dict:
    """How far MSE and MAE of each split depend on which images were drawn.

    Args:
        split: name of the split of each image.
        squared, absolute: (n,) errors of each image, see `metrics.image_errors`.

    Returns:
        {split: {mse, mae}}, half-widths; None where a split has a single image.
    """
    return {
        name: {
            "mse": half_width(squared[split == name]),
            "mae": half_width(absolute[split == name]),
        }
        for name in SPLITS
    }
