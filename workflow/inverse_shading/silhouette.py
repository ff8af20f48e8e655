"""Finding the object in a picture, and placing it as the stage shows it."""

import numpy as np
from scipy import ndimage
from scipy.optimize import minimize

from .framing import Box, frame_levels

# Share of the picture's side that is taken for background on every border.
BORDER = 0.02

# Colour distance from the background, in levels of 255, from which a pixel is the object's. JPEG
# moves an even background by up to 6 at quality 85.
CONTRAST = 10.0

# Gaps in the outline up to this share of the picture's side are closed.
CLOSING = 0.006


def find_object(pixels: np.ndarray) -> np.ndarray | None:
    """The largest thing before a fairly even background.

    The background is a quadratic in the pixel's place, fitted to the border of the picture.

    Args:
        pixels: float (height, width, 3), levels of 255.

    Returns:
        bool (height, width), without holes; None if the border isn't even or nothing is before it.
    """
    height, width = pixels.shape[:2]
    rows, columns = np.meshgrid(
        np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij"
    )
    terms = [np.ones_like(rows), rows, columns, rows * columns, rows**2, columns**2]
    terms = np.stack(terms, axis=-1).astype(np.float32)
    inner = round(max(2, BORDER * max(height, width)))
    border = np.ones((height, width), bool)
    border[inner:-inner, inner:-inner] = False
    basis, values = terms[border], pixels[border]
    kept = np.ones(len(values), bool)
    # An object may reach into the border: drop what is far off, and fit again.
    for _ in range(6):
        coefficients = np.linalg.lstsq(basis[kept], values[kept], rcond=None)[0]
        distance = np.abs(values - basis @ coefficients).max(axis=1)
        kept = distance <= max(CONTRAST / 2, 3 * float(np.median(distance)))
    if kept.mean() < 0.5 or np.median(distance) > CONTRAST / 2:
        return None
    found = np.abs(pixels - terms @ coefficients).max(axis=2) > CONTRAST
    reach = round(CLOSING * max(height, width))
    if reach:
        found = ndimage.binary_closing(np.pad(found, reach), iterations=reach)
        found = found[reach:-reach, reach:-reach]
    labels, count = ndimage.label(found)
    if not count:
        return None
    largest = 1 + np.argmax(np.bincount(labels.ravel())[1:])
    return ndimage.binary_fill_holes(labels == largest)


def place(coverage: np.ndarray, expected: np.ndarray, candidates: list[Box]) -> tuple[Box, float]:
    """The square of a picture in which its object lies as expected: scale and shift, no turn.

    Args:
        coverage: float (height, width), what the object covers of the picture, 0 to 1, not all 0.
        expected: float (side, side), the same of a framed image.
        candidates: squares that are taken as they are if no other is clearly better.

    Returns:
        left, upper, right, lower in pixels of the picture, may reach beyond it, and the overlap of
        the silhouettes there: intersection over union, 0 to 1.
    """

    def mismatch(square: np.ndarray) -> float:
        left, upper, scale = square
        side = np.exp(scale)
        return 1 - overlap(coverage, expected, (left, upper, left + side, upper + side))

    (top, left), (bottom, right) = _bounds(coverage)
    (top_share, left_share), (bottom_share, right_share) = _bounds(expected) / len(expected)
    side = (
        (bottom - top) / (bottom_share - top_share) + (right - left) / (right_share - left_share)
    ) / 2
    start = [
        (left + right) / 2 - (left_share + right_share) / 2 * side,
        (top + bottom) / 2 - (top_share + bottom_share) / 2 * side,
        np.log(side),
    ]
    steps = np.diag([0.01 * side, 0.01 * side, 0.01])
    simplex = np.vstack([start, start + steps])
    options = {"initial_simplex": simplex, "maxfev": 120, "xatol": 0.02, "fatol": 1e-5}
    best = minimize(mismatch, start, method="Nelder-Mead", options=options)
    left, upper, side = best.x[0], best.x[1], np.exp(best.x[2])
    fitted: Box = (float(left), float(upper), float(left + side), float(upper + side))
    for candidate in candidates:
        value = overlap(coverage, expected, candidate)
        # A pixel's edge of the mask is worth more than that.
        if value > 1 - best.fun - 0.003:
            return candidate, value
    return fitted, float(1 - best.fun)


def overlap(coverage: np.ndarray, expected: np.ndarray, square: Box) -> float:
    """Intersection over union of two soft silhouettes, one seen through a square of its picture."""
    seen = see(coverage, square, len(expected), "bilinear")
    scale = (len(expected) / (square[2] - square[0])) ** 2
    beyond = max(0.0, float(coverage.sum()) * scale - float(seen.sum()))
    union = float(np.maximum(seen, expected).sum()) + beyond
    return float(np.minimum(seen, expected).sum()) / union


def see(data: np.ndarray, square: Box, side: int, resampling: str) -> np.ndarray:
    """`framing.frame_levels` through a square that may reach beyond the picture, where it is 0."""
    height, width = data.shape[:2]
    left, upper, right, lower = square
    before_x, before_y = (max(0, int(np.ceil(-edge))) for edge in (left, upper))
    after_x, after_y = max(0, int(np.ceil(right - width))), max(0, int(np.ceil(lower - height)))
    if before_x or before_y or after_x or after_y:
        margins = [(before_y, after_y), (before_x, after_x)] + [(0, 0)] * (data.ndim - 2)
        data = np.pad(data, margins)
    box = (left + before_x, upper + before_y, right + before_x, lower + before_y)
    return frame_levels(data, box, side, resampling)


def _bounds(coverage: np.ndarray) -> np.ndarray:
    """First and last edge of what is at least half covered (or of all), as (2, 2): row, column."""
    covered = coverage >= min(0.5, float(coverage.max()))
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    return np.array([[rows[0], columns[0]], [rows[-1] + 1, columns[-1] + 1]], float)
