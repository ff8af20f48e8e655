"""Split-conformal quantiles: bounds that a new error keeps with a given probability.

Lei et al. 2018, https://arxiv.org/abs/1604.04173.
"""

import math

import numpy as np


def conformal_quantile(scores: np.ndarray, level: float) -> np.ndarray:
    """The ⌈(n + 1) · level⌉-th smallest of n scores: a new one is no larger with that probability.

    Args:
        scores: (n, …), exchangeable along the first axis.
        level: probability, below 1.

    Returns:
        (…), infinite where n scores are too few for any finite bound.
    """
    rank = math.ceil((len(scores) + 1) * level)
    if rank > len(scores):
        return np.full(scores.shape[1:], np.inf)
    return np.sort(scores, axis=0)[rank - 1]
