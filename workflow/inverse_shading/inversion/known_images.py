"""Images of the data set as pictures to be refined, with what is known of them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from inverse_shading.dataset.framed_images import pick_images
from inverse_shading.dataset.labels import read_labels
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.pictures.framed_picture import FramedPicture

# A number an input, in the order of `PARAMETERS`, as files hold them.
Ten = Annotated[list[float], Field(min_length=len(PARAMETERS), max_length=len(PARAMETERS))]


def validation_materials(
    parameters: Sequence[str | Path], splits: Sequence[str | Path], count: int
) -> tuple[list[str], np.ndarray]:
    """The first validation images: their ids and their materials, float64 (n, 10).

    Args:
        parameters, splits: files of the same ranges, in the same order.
        count: how many; all if there are fewer.

    Raises:
        InputError: a file is wrong.
    """
    labels = read_labels(parameters, splits)
    rows = labels.indices("validation")[:count]
    values = labels.values.iloc[rows]
    return list(values.index), values.to_numpy()


def known_pictures(
    images: Sequence[str | Path], identifiers: Sequence[str], weights: np.ndarray
) -> Iterator[FramedPicture]:
    """Framed images of these ids, one after the other.

    Args:
        images: arrays named RANGE.npy.
        weights: float32 (size, size), how far the object reaches into each pixel.

    Raises:
        InputError: an id is in none of the arrays, or an array is damaged or of another size.
    """
    for image in pick_images(images, identifiers, len(weights)):
        yield as_picture(np.array(image), weights)


def as_picture(image: np.ndarray, weights: np.ndarray) -> FramedPicture:
    """A framed image, uint8 (size, size, 3), as the picture that it would be."""
    shown = (weights > 0).astype(np.float32)
    return FramedPicture(image, image.astype(np.float32), shown, "srgb", "framed", 1.0)
