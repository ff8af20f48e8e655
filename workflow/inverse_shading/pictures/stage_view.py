"""What a picture of the stage's object must look like, and tests of whether one does."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from inverse_shading.pictures.silhouette import through_square
from inverse_shading.render.framing import Box, StageFraming, frame_levels
from inverse_shading.scene.srgb import srgb_decode, srgb_encode
from inverse_shading.scene.stage_file import Stage

# DIFFERENCE, OUTSIDE and OVERLAP were measured on 180 renders of the poster's stage, the greyest among
# them, as PNG and JPEG, whole and framed, of 64 to 896 pixels a side, where overlaps were intersections
# over unions. The others were chosen on drawn shapes, tall, wide, thin, rings and many parts, framed to
# 112 pixels.

# Levels of 255 by which a pixel must differ from the stage's backdrop to be something else.
DIFFERENCE = 8

# Levels of 255 by which JPEG changes an even backdrop.
NOISE = 2

# Share of the pixels outside the silhouette that may differ. JPEG spills over the outline: up to 0.016
# at quality 85 and 224 pixels, 0.036 at quality 60.
OUTSIDE = 0.04

# Share of the silhouette that must differ from the backdrop. A grey object differs in fewer places: it
# overlaps by 0.84 at least. The ball without its foot has 0.79, the empty stage 0.
OVERLAP = 0.82

# How far off other places are that mustn't fit better, as a share of the side, and how much larger or
# smaller. What lies half as far off as they do still fits best where it is expected.
SHIFT, SMALLER, LARGER = 0.022, 0.96, 1.12

# Another place fits better if the disagreement there is lower than this share of it. Enlarging and JPEG
# of a small picture spill outwards, which a larger silhouette meets: down to 0.29 for a rod, 0.57 else.
BETTER, BETTER_LARGER = 0.8, 0.25

# Pixels of the framed image about the silhouette that are left out, since they are mixed.
RIM = 4

# Shares of a pixel from which it may differ from the backdrop, and from which it must.
MIXED = (0.02, 0.5)

# How much brighter or darker than the stage's a picture's backdrop may be, in linear light, and from
# which difference on it is taken for another brightness.
BRIGHTNESS = (0.4, 2.5)
SAME_BRIGHTNESS = 0.03

# By how much edges must match the creases better in the mirror to call a picture mirrored. They match
# better as they are by 0.18 and more in 100 renders.
MIRRORED = 0.05


@dataclass(frozen=True)
class Match:
    """How well a picture fits one way of showing the stage.

    Attributes:
        placement: "frame" or "framed".
        fits: whether the picture is such a one.
        silhouette: overlap of what differs from the backdrop with the object, 0 to 1.
        disagreement: how much differs that shouldn't, and doesn't that should, a pixel.
        brightness: (3,) of the picture's backdrop by the stage's, linear light; 1 where it is the same.
    """

    placement: str
    fits: bool
    silhouette: float
    disagreement: float
    brightness: np.ndarray


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

    def on_backdrop(self, shown: np.ndarray) -> Match | None:
        """How a picture shows the object on the stage's own backdrop, if it does.

        Args:
            shown: float (size, size, 3), the whole picture at the framed size, levels of 255.

        Returns:
            the best of all ways; None if none fits. Another brightness is tried where the stage's own
            doesn't fit.
        """
        for brightness in (lambda name: np.ones(3), lambda name: self._brightness(shown, name)):
            matches = [self._match(shown, name, brightness(name)) for name in self.views]
            # The best has to fit: a worse one may seem to where the object is as grey as the backdrop.
            best = min(matches, key=lambda match: match.disagreement)
            if best.fits:
                return best
        return None

    def _brightness(self, shown: np.ndarray, placement: str) -> np.ndarray:
        """(3,) how bright the picture's backdrop is, in units of the stage's, linear light."""
        backdrop, coverage = self.views[placement]
        outside = ~ndimage.binary_dilation(coverage > 0, iterations=RIM)
        if not outside.any():
            return np.ones(3)
        light = srgb_decode(shown[outside] / 255) / np.maximum(
            srgb_decode(backdrop[outside] / 255), 1e-4
        )
        return np.median(light, axis=0)

    def _match(self, shown: np.ndarray, placement: str, brightness: np.ndarray) -> Match:
        """How a picture fits one way of showing the stage."""
        backdrop, coverage = self.views[placement]
        if np.abs(brightness - 1).max() > SAME_BRIGHTNESS:
            light = np.clip(srgb_decode(backdrop / 255) * brightness, 0, 1)
            backdrop = 255 * srgb_encode(light)
        else:
            brightness = np.ones(3)
        distance = np.abs(shown - backdrop).max(axis=2)
        outside = ~ndimage.binary_dilation(coverage > 0, iterations=RIM)
        stray = (distance[outside] > DIFFERENCE).mean() if outside.any() else 0
        # Up to JPEG's noise there is no difference; from there on half of one is half of one.
        differs = np.clip((distance - NOISE) / (DIFFERENCE - NOISE), 0, 1)
        # Grey in the middle of an object is the object; in a hole of it, it is the backdrop.
        holes = ndimage.binary_fill_holes(distance > DIFFERENCE) & (coverage > 0.5)
        found = np.where(holes, 1, differs)
        common, area = float(np.minimum(found, coverage).sum()), float(coverage.sum())
        here = _disagreement(differs, coverage)
        lowest, highest = BRIGHTNESS
        fits = (
            bool((brightness >= lowest).all() and (brightness <= highest).all())
            and stray <= OUTSIDE
            and common >= OVERLAP * area
            and all(
                _disagreement(differs, elsewhere) >= share * here
                for elsewhere, share in _elsewhere(coverage)
            )
        )
        # An even backdrop tells ways apart whose outlines are nearly the same: every level counts.
        exact = _disagreement(np.minimum(distance / DIFFERENCE, 1), coverage)
        value = common / float(np.maximum(found, coverage).sum())
        return Match(placement, bool(fits), value, exact / distance.size, brightness)

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


def _disagreement(differs: np.ndarray, coverage: np.ndarray) -> float:
    """Sum of what differs beside a silhouette and of what doesn't in it; mixed pixels may do either."""
    beside, within = coverage < MIXED[0], coverage > MIXED[1]
    return float(differs[beside].sum() + (1 - differs[within]).sum())


def _elsewhere(coverage: np.ndarray) -> Iterator[tuple[np.ndarray, float]]:
    """A silhouette elsewhere, smaller and larger, and the share of disagreement that is better."""
    size = len(coverage)
    step = max(1, round(SHIFT * size))
    for shift in itertools.product((-step, 0, step), repeat=2):
        if any(shift):
            yield ndimage.shift(coverage, shift, order=0), BETTER
    for scale, share in ((SMALLER, BETTER), (LARGER, BETTER_LARGER)):
        margin = (1 - 1 / scale) * size / 2
        square = (margin, margin, size - margin, size - margin)
        yield np.clip(through_square(coverage, square, size, "bilinear"), 0, 1), share


def _steepness(data: np.ndarray) -> np.ndarray:
    """Length of the gradient over all channels of (height, width, channels), smoothed by a pixel."""
    steep = [ndimage.gaussian_gradient_magnitude(c, 1) for c in np.moveaxis(data, -1, 0)]
    return np.sqrt(np.square(steep).sum(axis=0))


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / max(np.sqrt((a * a).sum() * (b * b).sum()), 1e-12))
