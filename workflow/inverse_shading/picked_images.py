"""Single framed images out of the arrays of many shards."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .errors import InputError
from .images import open_images
from .ranges import parse_range


def pick_images(
    paths: Sequence[str | Path], identifiers: Sequence[str], image_size: int
) -> list[np.ndarray]:
    """Map the images of these ids into memory, read-only.

    Args:
        paths: arrays of framed images named RANGE.npy; those that hold none of the ids are not read.
        identifiers: ids of images.
        image_size: side that the images must have.

    Returns:
        Of each, uint8 (image_size, image_size, 3).

    Raises:
        InputError: an id is in none of the arrays, or an array is damaged or of another size.
    """
    ranges = {path: parse_range(Path(path).stem) for path in paths}
    # Opening a file reads all of it, to check it: each once.
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
            arrays[path] = _open_array(path, image_size)
        result.append(arrays[path][index - ranges[path].first])
    return result


def _open_array(path: str | Path, size: int) -> np.ndarray:
    array = open_images(path, parse_range(Path(path).stem))
    if array.shape[1:] != (size, size, 3):
        raise InputError(
            f"{path}: found images of {array.shape[1]}x{array.shape[2]}, expected "
            f"{size}x{size} (framing.image_size). Delete {path} and run the same command again."
        )
    return array
