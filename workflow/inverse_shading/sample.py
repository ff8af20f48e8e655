"""The test images whose predictions are rendered: the first ones, the same for every predictor."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .errors import InputError
from .predicted_values import read_predictions
from .splits import split_sizes


def shards_of_sample(
    count: int, shard_size: int, fractions: Mapping[str, float], split: str = "test"
) -> int:
    """How many shards, from the first, hold `count` images of a split, known before any is drawn.

    Every shard has the same number of them, see `splits.split_sizes`.

    Raises:
        InputError: the shares don't divide a shard.
    """
    return -(-count // split_sizes(shard_size, dict(fractions))[split])


def sampled_test_images(
    predictions: str | Path, count: int
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The first test images in the order of their ids, with what a predictor says of them.

    Args:
        predictions: a predictions.csv.
        count: how many; all test images if there are fewer.

    Returns:
        The ids, the true and the predicted parameters, both float64 (n, 10).

    Raises:
        InputError: as `predicted_values.read_predictions`, or an id occurs twice.
    """
    identifiers, true, predicted = read_predictions(predictions, "test")
    if len(set(identifiers)) < len(identifiers):
        raise InputError(
            f"{predictions}: found a test image twice, expected each once. "
            f"Delete {predictions} and run the same command again to make it anew."
        )
    # Ids have nine digits each.
    first = np.argsort(identifiers, kind="stable")[:count]
    return [identifiers[row] for row in first], true[first], predicted[first]
