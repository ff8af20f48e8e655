"""Placing a silhouette as the stage shows its object."""

import numpy as np
from scipy import ndimage
from scipy.optimize import minimize

from inverse_shading.pictures.settings import LEAST_OVERLAP
from inverse_shading.render.framing import Box, frame_levels

# A candidate is taken if no other's overlap is better by more than this: less than
# what half a pixel of misplacement costs.
INDIFFERENCE = 0.003

# The search begins with a square of at most this many times the picture's longer side.
LARGEST_SQUARE = 4

# An outline is known to this many pixels of a framed image, which an object that is nearly all outline,
# such as a rod or a ring, loses of its overlap.
OUTLINE = 0.25


def needed_overlap(expected: np.ndarray, most: float) -> float:
    """The overlap from which a silhouette is the object's.

    Args:
        expected: float32 (side, side), what the object covers of a framed image, 0 to 1.
        most: for an object that is much wider than its outline is uncertain.
    """
    perimeter = float(np.hypot(*np.gradient(expected)).sum())
    lost = OUTLINE * perimeter / float(expected.sum())
    return max(LEAST_OVERLAP, min(most, 1 - lost))


def place(
    coverage: np.ndarray, expected: np.ndarray, candidates: list[Box], enough: float
) -> tuple[Box, float]:
    """The square of a picture in which its object lies as expected: scale and shift, no turn.

    Args:
        coverage: float32 (height, width), what the object covers of the picture, 0 to 1, not all 0.
        expected: float32 (side, side), the same of a framed image.
        candidates: squares; the best is taken as it is if no other square is clearly better.
        enough: overlap from which the search isn't begun once more from another place.

    Returns:
        left, upper, right, lower in pixels of the picture, may reach beyond it; and the overlap of
        the silhouettes there, 0 to 1.
    """

    def square(place: np.ndarray) -> Box:
        left, upper, side = place[0], place[1], np.exp(place[2])
        return float(left), float(upper), float(left + side), float(upper + side)

    def search(start: np.ndarray) -> tuple[Box, float]:
        step = 0.01 * np.exp(start[2])
        simplex = np.vstack([start, start + np.diag([step, step, 0.01])])
        best = minimize(
            lambda place: -overlap(coverage, expected, square(place)),
            start,
            method="Nelder-Mead",
            # A fiftieth of a pixel is finer than the outline is known.
            options={"initial_simplex": simplex, "maxfev": 120, "xatol": 0.02, "fatol": 1e-5},
        )
        return square(best.x), float(-best.fun)

    found = search(_by_bounds(coverage, expected))
    if found[1] < enough:
        # The narrow side of a rod says little of its size.
        again = search(_by_bounds(coverage, expected, longer=True))
        found = max(found, again, key=lambda one: one[1])
    values = [(candidate, overlap(coverage, expected, candidate)) for candidate in candidates]
    best = max(values, key=lambda one: one[1], default=None)
    return best if best is not None and best[1] > found[1] - INDIFFERENCE else found


def overlap(coverage: np.ndarray, expected: np.ndarray, square: Box) -> float:
    """Intersection over union of two soft silhouettes, one through a square of its picture."""
    framed = through_square(coverage, square, len(expected), "bilinear")
    scale = (len(expected) / (square[2] - square[0])) ** 2
    beyond = max(0.0, float(coverage.sum()) * scale - float(framed.sum()))
    union = float(np.maximum(framed, expected).sum()) + beyond
    return float(np.minimum(framed, expected).sum()) / union


def through_square(
    data: np.ndarray, square: Box, side: int, resampling: str, limit: float | None = None
) -> np.ndarray:
    """`framing.frame_levels` through a square that may reach beyond the picture, where it is 0."""
    height, width = data.shape[:2]
    left, upper, right, lower = square
    margins = [
        (max(0, int(np.ceil(-upper))), max(0, int(np.ceil(lower - height)))),
        (max(0, int(np.ceil(-left))), max(0, int(np.ceil(right - width)))),
    ]
    if np.any(margins):
        data = np.pad(data, margins + [(0, 0)] * (data.ndim - 2))
    (down, _), (across, _) = margins
    moved = (left + across, upper + down, right + across, lower + down)
    return frame_levels(data, moved, side, resampling, limit)


def put(framed: np.ndarray, square: Box, shape: tuple[int, int]) -> np.ndarray:
    """The inverse of `through_square`: float (side, side) where its square is in a picture, else 0."""
    left, upper, right, _ = square
    scale = len(framed) / (right - left)
    # Pixels' centres are half a pixel from their corners.
    offset = [(0.5 - upper) * scale - 0.5, (0.5 - left) * scale - 0.5]
    return ndimage.affine_transform(framed, [scale, scale], offset, shape, order=1)


def _by_bounds(coverage: np.ndarray, expected: np.ndarray, longer: bool = False) -> np.ndarray:
    """Left, upper and the logarithm of the side by which bounding boxes match.

    Args:
        longer: match the longer side alone.
    """
    (top, left), (bottom, right) = _bounds(coverage)
    shares = _bounds(expected) / len(expected)
    (top_share, left_share), (bottom_share, right_share) = shares
    shares = bottom_share - top_share, right_share - left_share
    # A thing that is long where the object is thin would ask for a square of any size.
    most = LARGEST_SQUARE * max(coverage.shape)
    sides = [min(s, most) for s in ((bottom - top) / shares[0], (right - left) / shares[1])]
    side = sides[int(np.argmax(shares))] if longer else (sides[0] + sides[1]) / 2
    return np.array(
        [
            (left + right) / 2 - (left_share + right_share) / 2 * side,
            (top + bottom) / 2 - (top_share + bottom_share) / 2 * side,
            np.log(side),
        ]
    )


def _bounds(coverage: np.ndarray) -> np.ndarray:
    """First and last edge of what is at least half covered (or most), (2, 2): row, column."""
    covered = coverage >= min(0.5, float(coverage.max()))
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    return np.array([[rows[0], columns[0]], [rows[-1] + 1, columns[-1] + 1]], float)
