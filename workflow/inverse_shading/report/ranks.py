"""Which of many images a figure shows: not picked by hand, but at even ranks of an error."""

import numpy as np


def even_ranks(errors: np.ndarray, count: int) -> np.ndarray:
    """Indices at even steps of the sorted errors, from smallest to largest; of one, the median.

    Args:
        errors: (n,)
        count: how many; all if there are fewer.
    """
    order = np.argsort(errors, kind="stable")
    count = min(count, len(order))
    ranks = np.linspace(0, len(order) - 1, count) if count > 1 else np.array([(len(order) - 1) / 2])
    return order[ranks.round().astype(int)]
