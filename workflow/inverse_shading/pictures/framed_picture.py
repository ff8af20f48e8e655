"""A picture cropped and resized like the training images."""

from dataclasses import dataclass

import numpy as np

from inverse_shading.pictures.file_kind import PictureSource


@dataclass(frozen=True)
class FramedPicture:
    """A picture as the training images are.

    Attributes:
        image: uint8 (s, s, 3), framed, sRGB-encoded, on the stage's own backdrop.
        target: float32 (s, s, 3), the same before rounding, levels of 255 in [0, 255].
        weights: float32 (s, s), 1 where the object is shown and may be compared, 0 elsewhere.
        encoding: "srgb" or "linear": what the file's values were taken for.
        placement: how the object was found: "frame" (the whole stage), "framed" (cropped like a
            training image), "silhouette" (cut out and moved), or "given" (forced).
        silhouette: how well the silhouette matches the object's, intersection over union, 0 to 1.
        source: where in which file it comes from; None for a framed image of 8 bits.
    """

    image: np.ndarray
    target: np.ndarray
    weights: np.ndarray
    encoding: str
    placement: str
    silhouette: float
    source: PictureSource | None = None
