"""What a picture of the stage's object must look like, and tests of whether one does."""

from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from inverse_shading.pictures.silhouette import overlap, place
from inverse_shading.render.framing import Box, StageFraming, frame_levels
from inverse_shading.scene.stage_file import Stage

# What follows was measured on 180 renders of the poster's stage, the greyest among them, as PNG and
# JPEG, whole and framed, of 64 to 896 pixels a side.

# Levels of 255 by which a pixel must differ from the stage's backdrop to be something else.
DIFFERENCE = 8

# Share of the pixels outside the silhouette that may differ. JPEG spills over the outline: up to 0.016
# at quality 85 and 224 pixels, 0.036 at quality 60.
OUTSIDE = 0.04

# Overlap of what differs with the silhouette, at least. A grey object differs in fewer places: down to
# 0.84. The ball without its foot has 0.79, the empty stage 0.
OVERLAP = 0.82

# How far what differs may lie from the silhouette, as a share of the side, and how much larger than it
# may look. Renders are found up to 0.009 off, and from 0.989 to 1.046 as large (JPEG adds to it).
SHIFT = 0.011
SCALES = (0.98, 1.06)

# Pixels of the framed image about the silhouette that are left out, since they are mixed.
RIM = 4

# By how much edges must match the creases better in the mirror to call a picture mirrored. They match
# better as they are by 0.18 and more in 100 renders.
MIRRORED = 0.05


class StageView:
    """How training images are made: boxes, silhouettes and backdrops at the framed size.

    Attributes:
        size: side of a framed image in pixels.
        filter: its resampling.
        backdrop: float32 (size, size, 3), the backdrop of a framed image, levels of 255.
        coverage: float32 (size, size), the object's share of each pixel of it, 0 to 1.
        weights: float32 (size, size), 1 where the object contributes to it.
    """

    def __init__(self, stage: Stage, framing: Mapping):
        self._stage, self._framing = stage, StageFraming(stage.mask, framing)
        self.size, self.filter = self._framing.size, self._framing.filter
        whole = (0.0, 0.0, float(stage.frame_size), float(stage.frame_size))
        self.views = {
            "frame": self._framing.view(stage.background, whole),
            "framed": self._framing.view(stage.background),
        }
        self.backdrop, self.coverage = self.views["framed"]
        self.weights = self._framing.silhouette.astype(np.float32)

    def squares(self, side: int) -> dict[str, Box]:
        """Where a square picture shows what a training image does, by what the picture is.

        A "frame" shows the whole stage, a "framed" one is cropped as training images are.
        """
        frame = tuple(edge * side / self._stage.frame_size for edge in self._framing.box)
        return {"frame": frame, "framed": (0.0, 0.0, float(side), float(side))}

    def on_backdrop(self, shown: np.ndarray, placement: str) -> float | None:
        """Whether a picture is the stage's backdrop outside the silhouette, and not inside.

        Args:
            shown: float (size, size, 3), the whole picture at the framed size, levels of 255.
            placement: "frame" or "framed", what it would be.

        Returns:
            how well the silhouettes overlap, 0 to 1; None if it isn't such a picture.
        """
        backdrop, coverage = self.views[placement]
        differs = np.abs(shown - backdrop).max(axis=2) > DIFFERENCE
        outside = ~ndimage.binary_dilation(coverage > 0, iterations=RIM)
        if differs[outside].mean() > OUTSIDE:
            return None
        found = ndimage.binary_fill_holes(differs).astype(np.float32)
        whole = (0.0, 0.0, float(self.size), float(self.size))
        value = overlap(found, coverage, whole)
        if value < OVERLAP:
            return None
        (left, upper, right, lower), _ = place(found, coverage, [])
        shift = np.hypot(left + right - self.size, upper + lower - self.size) / 2
        # A larger object fits as expected through a larger square.
        scale = (right - left) / self.size
        if shift > SHIFT * self.size or not SCALES[0] <= scale <= SCALES[1]:
            return None
        return value

    def looks_mirrored(self, target: np.ndarray) -> bool:
        """Whether a framed picture's edges lie where the object's creases would if it was mirrored.

        An outline may be its own mirror image where the object isn't.

        Args:
            target: float (size, size, 3), levels of 255.
        """
        normals = np.zeros((*self._stage.mask.shape, 3), np.float32)
        normals[self._stage.mask] = self._stage.surface[1]
        normals = frame_levels(normals, self._framing.box, self.size, "box")
        inside = ndimage.binary_erosion(self.coverage > 0.99, iterations=RIM)
        inside &= inside[:, ::-1]
        if not inside.any():
            return False
        # Logarithms, since a highlight's edges are far stronger than those of creases.
        creases = np.log(0.01 + _steepness(normals))[inside]
        edges = np.log(1 + _steepness(target))
        matches = [_correlation(creases, side[inside]) for side in (edges, edges[:, ::-1])]
        return matches[1] > matches[0] + MIRRORED


def _steepness(data: np.ndarray) -> np.ndarray:
    """Length of the gradient over all channels of (height, width, channels), smoothed by a pixel."""
    steep = [ndimage.gaussian_gradient_magnitude(c, 1) for c in np.moveaxis(data, -1, 0)]
    return np.sqrt(np.square(steep).sum(axis=0))


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / max(np.sqrt((a * a).sum() * (b * b).sum()), 1e-12))
