"""A few images out of many: which ones a figure shows, and their pixels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .errors import InputError
from .images import open_images
from .ranges import parse_range


def even_ranks(errors: np.ndarray, count: int) -> np.ndarray:
    """Indices at even steps of the sorted errors, from smallest to largest; of one, the median."""
    order = np.argsort(errors, kind="stable")
    count = min(count, len(order))
    ranks = np.linspace(0, len(order) - 1, count) if count > 1 else np.array([(len(order) - 1) / 2])
    return order[ranks.round().astype(int)]


def read_images(paths: Sequence[str | Path], identifiers: list[str], size: int) -> np.ndarray:
    """Collect single images out of the arrays.

    Args:
        paths: arrays of framed images named RANGE.npy.
        identifiers: the images' ids.
        size: side that the images must have, in pixels.

    Returns:
        uint8 (len(identifiers), size, size, 3).

    Raises:
        InputError: an image is in none of the arrays, or an array is damaged or of another size.
    """
    ranges = {path: parse_range(Path(path).stem) for path in paths}
    # Opening checks the whole file: once for all images of an array.
    arrays: dict[str | Path, np.ndarray] = {}
    result = []
    for identifier in identifiers:
        index = int(identifier)
        path = next((p for p, held in ranges.items() if held.first <= index <= held.last), None)
        if path is None:
            raise InputError(
                f"Image {identifier} of the predictions is in none of the arrays of images "
                f"({', '.join(map(str, paths))}). Run the workflow again to bring them together."
            )
        if path not in arrays:
            arrays[path] = open_images(path, ranges[path])
        array = arrays[path]
        if array.shape[1:] != (size, size, 3):
            raise InputError(
                f"{path}: found images of {array.shape[1]}x{array.shape[2]}, expected "
                f"{size}x{size} (framing.image_size). Delete {path} and run the same command again."
            )
        result.append(array[index - ranges[path].first])
    return np.stack(result)
