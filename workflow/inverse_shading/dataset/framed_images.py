"""The framed images of shards: written as one array a shard, read whole or one by one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from inverse_shading.dataset.ranges import ImageRange, parse_range
from inverse_shading.dataset.shards import read_shard
from inverse_shading.render.framing import StageFraming
from inverse_shading.runtime.artefacts import open_array, unusable, write_array
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.jobs import progress


def write_images(
    path: str | Path, shard: str | Path, mask: np.ndarray, images: ImageRange, config: dict
) -> None:
    """Crop and resize every frame of a shard and write them as one array.

    Every frame is cropped by the same box, that of the mesh's silhouette.

    Args:
        path: the .npy file to write: uint8 (len(images), image_size, image_size, 3).
        shard: a tar written by `shards.write_shard`, square frames of the mask's size.
        mask: bool (frame_size, frame_size), the silhouette.
        config: the `framing` section: image_size, margin, filter.

    Raises:
        InputError: the shard is damaged, or its frames are of another size than the mask.
    """
    framing = StageFraming(mask, config)
    result = np.empty((len(images), framing.size, framing.size, 3), np.uint8)
    samples = read_shard(shard, images, frame_size=len(mask))
    for index, (_, _, frame) in enumerate(progress(samples, len(images), "image")):
        result[index] = framing.image(frame)
    write_array(path, result)


def open_images(path: str | Path, images: ImageRange | None = None) -> np.ndarray:
    """Map an array of framed images into memory, read-only, and check its form.

    Returns:
        uint8 (n, side, side, 3).

    Raises:
        InputError: damaged, not such an array, or of another number of images than `images`.
    """
    array = open_array(path, "an array of images", [np.uint8], ("n", "side", "side", 3))
    if images is not None and len(array) != len(images):
        raise unusable(path, f"found {len(array)} images, expected {len(images)}")
    return array


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
            arrays[path] = _open_sized(path, image_size)
        result.append(arrays[path][index - ranges[path].first])
    return result


def _open_sized(path: str | Path, size: int) -> np.ndarray:
    array = open_images(path, parse_range(Path(path).stem))
    if array.shape[1:] != (size, size, 3):
        raise unusable(
            path,
            f"found images of {array.shape[1]}x{array.shape[2]}, expected {size}x{size} "
            "(framing.image_size)",
        )
    return array
