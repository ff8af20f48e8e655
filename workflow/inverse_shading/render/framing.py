"""From the rendered frame to the network's input: crop to the object, resize with antialiasing."""

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from PIL import Image

from inverse_shading.runtime.errors import InputError

Box = tuple[float, float, float, float]


def crop_box(mask: np.ndarray, margin: float) -> Box:
    """The smallest square round the object with a margin, moved inside the frame where it can be.

    Args:
        mask: bool (height, width), True where the object covers the frame.
        margin: free border on each side as a share of the silhouette's larger side.

    Returns:
        left, upper, right, lower in pixels, may be fractional, always inside the frame.

    Raises:
        InputError: the mask is empty.
    """
    if not mask.any():
        raise InputError(
            "The object covers no pixel of the frame. Check stage.mesh and stage.camera."
        )
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    upper, lower = rows[0], rows[-1] + 1
    left, right = columns[0], columns[-1] + 1
    side = max(lower - upper, right - left)
    # A square larger than the frame would show what was never rendered.
    side = min(side * (1 + 2 * margin), height, width)
    left = np.clip((left + right - side) / 2, 0, width - side)
    upper = np.clip((upper + lower - side) / 2, 0, height - side)
    return float(left), float(upper), float(left + side), float(upper + side)


def frame_image(frame: np.ndarray, box: Box, image_size: int, resampling: str) -> np.ndarray:
    """Crop and resize one frame.

    Pillow widens the filter by the scale when it shrinks, so every filter is an antialiasing one.
    The sRGB-encoded values are averaged as they are, as image libraries (and the poster's) do.

    Args:
        frame: uint8 (height, width) or (height, width, 3).
        box: from `crop_box`.
        image_size: side of the result in pixels.
        resampling: name of Pillow's filter, in lower case.

    Returns:
        uint8 (image_size, image_size) or (image_size, image_size, 3).
    """
    method = Image.Resampling[resampling.upper()]
    image = Image.fromarray(frame).resize((image_size, image_size), method, box=box)
    return np.asarray(image)


def frame_levels(
    frame: np.ndarray, box: Box, image_size: int, resampling: str, limit: float | None = None
) -> np.ndarray:
    """`frame_image` without its rounding, for what is compared and not shown to a network.

    Args:
        frame: float (height, width) or (height, width, channels).
        limit: clip to 0 … limit after each of the two passes, as it happens to bytes. Otherwise a
            filter with negative lobes overshoots at edges.

    Returns:
        float32 (image_size, image_size) or (image_size, image_size, channels).
    """
    if frame.ndim == 3:
        channels = np.moveaxis(frame, -1, 0)
        framed = [frame_levels(c, box, image_size, resampling, limit) for c in channels]
        return np.stack(framed, axis=-1)
    method = Image.Resampling[resampling.upper()]
    image = Image.fromarray(np.ascontiguousarray(frame, np.float32))
    if limit is not None:
        left, upper, right, lower = box
        across = image.resize((image_size, len(frame)), method, box=(left, 0, right, len(frame)))
        image = Image.fromarray(np.clip(np.asarray(across), 0, limit))
        box = (0, upper, image_size, lower)
    framed = np.asarray(image.resize((image_size, image_size), method, box=box))
    return framed if limit is None else np.clip(framed, 0, limit)


class StageFraming:
    """How the frames of one stage are cropped and resized, and where its object then lies.

    Args:
        mask: bool (frame_size, frame_size), True where the object covers the frame.
        framing: the config's section: image_size, margin, filter.

    Attributes:
        box: from `crop_box`.
        size: side of a framed image in pixels.
        filter: its resampling.

    Raises:
        InputError: the mask is empty.
    """

    def __init__(self, mask: np.ndarray, framing: Mapping):
        self._mask = mask
        self.size, self.filter = framing["image_size"], framing["filter"]
        self.box = crop_box(mask, framing["margin"])

    def image(self, frame: np.ndarray) -> np.ndarray:
        """A frame (frame_size, frame_size, 3) framed: uint8 (size, size, 3), see `frame_image`."""
        return frame_image(frame, self.box, self.size, self.filter)

    def levels(self, frame: np.ndarray, limit: float = 255) -> np.ndarray:
        """A frame (frame_size, frame_size[, 3]) framed without rounding, see `frame_levels`."""
        return frame_levels(frame, self.box, self.size, self.filter, limit)

    def middles(self, grid: int) -> tuple[np.ndarray, np.ndarray]:
        """The frame's pixels in the middle of grid · grid cells of a framed image.

        Returns:
            rows (grid, 1) and columns (1, grid).
        """
        left, upper, right, lower = self.box
        steps = (np.arange(grid) + 0.5) / grid
        rows = np.floor(upper + steps * (lower - upper)).astype(int)
        columns = np.floor(left + steps * (right - left)).astype(int)
        return rows[:, None], columns[None, :]

    @cached_property
    def silhouette(self) -> np.ndarray:
        """bool (size, size): pixels of a framed image that show the object, if only a little."""
        return self.image(self._mask.astype(np.uint8) * 255) > 0

    def view(self, background: np.ndarray, box: Box | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The backdrop through a square of the frame, and the object's share of each pixel.

        Args:
            background: uint8 (frame_size, frame_size, 3), the frame without the object.
            box: the square; by default the one that images are cropped to.

        Returns:
            float32 (size, size, 3) in levels of 255, and float32 (size, size) from 0 to 1.
        """
        box = self.box if box is None else box
        backdrop = frame_levels(background, box, self.size, self.filter)
        coverage = frame_levels(self._mask, box, self.size, self.filter)
        return np.clip(backdrop, 0, 255), np.clip(coverage, 0, 1)
