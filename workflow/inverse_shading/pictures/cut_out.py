"""Cutting an object out of a picture with a fairly even background."""

import numpy as np
from scipy import ndimage

# Share of the picture's longer side that is taken for background on every border.
BORDER = 0.02

# Colour distance from the background, in levels of 255, from which a pixel is the object's. Noise
# stays below; a material that is darker than that is lost before black.
CONTRAST = 10.0

# The same as a share of the object's median distance: JPEG spills the more the more they differ.
RELATIVE_CONTRAST = 0.15

# Gaps in the outline up to this share of the longer side are closed.
CLOSING = 0.006

# Width of the rim where colours are mixed with the background's, as a share of the longer side, and
# in pixels at least: antialiasing, and JPEG's ringing in a picture that was enlarged.
RIM = 0.006
NARROWEST_RIM = 2

# A rim is narrowed until so much of a thing is left within it.
LEFT = 0.25

# Parts smaller than this share of all parts are specks.
SPECK = 0.004


def cut_outs(pixels: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """What is before an even background, and what of each pixel is its, by every outline it may have.

    Args:
        pixels: float (height, width, 3), levels of 255.

    Returns:
        first the largest part with its holes filled, which may be highlights; then all parts as they
        are. Of each the pixels with the object's own colours up to and beyond its outline, and its
        coverage, float32 (height, width), 0 to 1. None at all if the border isn't even or nothing is
        before it.
    """
    background = even_background(pixels)
    if background is None:
        return []
    distance = np.abs(pixels - background).max(axis=2)
    if not (distance > CONTRAST).any():
        return []
    typical = float(np.median(distance[distance > CONTRAST]))
    rim = max(NARROWEST_RIM, round(RIM * max(distance.shape)))
    differs = distance > max(CONTRAST, RELATIVE_CONTRAST * typical)
    # Specks of JPEG at the outline go, gaps in it are closed.
    solid = _largest(ndimage.binary_opening(differs, iterations=rim))
    outlines = [(solid, ndimage.binary_erosion(solid, iterations=rim))]
    parts = _parts(differs)
    outlines.append((parts, eroded(parts, rim)))
    return [_own(pixels, background, *outline) for outline in outlines if outline[0].any()]


def _own(
    pixels: np.ndarray, background: np.ndarray, found: np.ndarray, clear: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """An object's own colours, and its coverage, where it was found and where it surely is alone."""
    own = carry_over(pixels, clear)
    # A mixed pixel lies on the line from the background's colour to the object's beside it.
    line = own - background
    squared = (line**2).sum(axis=2)
    share = ((pixels - background) * line).sum(axis=2) / np.maximum(squared, 1e-6)
    band = ndimage.binary_dilation(found, iterations=1) & ~clear
    mixed = band & (squared > CONTRAST**2)
    coverage = np.where(mixed, np.clip(share, 0, 1), found)
    return own, coverage.astype(np.float32)


def eroded(found: np.ndarray, rim: int) -> np.ndarray:
    """What is left of a thing within a rim, which is narrower where it would leave little of it."""
    for iterations in range(rim, 0, -1):
        inside = ndimage.binary_erosion(found, iterations=iterations)
        if inside.sum() >= LEFT * found.sum():
            return inside
    return found


def without_rim(pixels: np.ndarray, silhouette: np.ndarray) -> np.ndarray:
    """The pixels, from the silhouette's rim outwards with the colours just within it.

    Args:
        silhouette: float (height, width), the object's coverage, 0 to 1.
    """
    rim = max(NARROWEST_RIM, round(RIM * max(silhouette.shape)))
    return carry_over(pixels, eroded(silhouette > 0.5, rim))


def carry_over(pixels: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """Give every pixel that isn't clear the colour of the nearest that is."""
    if not clear.any():
        return pixels
    nearest = ndimage.distance_transform_edt(~clear, return_distances=False, return_indices=True)
    return pixels[tuple(nearest)]


def even_background(pixels: np.ndarray) -> np.ndarray | None:
    """What the border of a picture says of its background: a quadratic in the pixel's place.

    Returns:
        float32 (height, width, 3); None if the border isn't that even.
    """
    height, width = pixels.shape[:2]
    rows, columns = np.meshgrid(
        np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij"
    )
    terms = [np.ones_like(rows), rows, columns, rows * columns, rows**2, columns**2]
    terms = np.stack(terms, axis=-1).astype(np.float32)
    inner = max(2, round(BORDER * max(height, width)))
    border = np.ones((height, width), bool)
    border[inner:-inner, inner:-inner] = False
    basis, values = terms[border], pixels[border]
    kept = np.ones(len(values), bool)
    # An object may reach into the border: drop what is far off, and fit again.
    for _ in range(6):
        coefficients = np.linalg.lstsq(basis[kept], values[kept], rcond=None)[0]
        distance = np.abs(values - basis @ coefficients).max(axis=1)
        kept = distance <= max(CONTRAST / 2, 3 * float(np.median(distance)))
    if np.median(distance) > CONTRAST / 2:
        return None
    return terms @ coefficients.astype(np.float32)


def _parts(found: np.ndarray) -> np.ndarray:
    """All connected parts but specks."""
    labels, _ = ndimage.label(found)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return (sizes > SPECK * sizes.sum())[labels]


def _largest(found: np.ndarray) -> np.ndarray:
    """The largest connected part, gaps in its outline closed and its holes filled."""
    reach = round(CLOSING * max(found.shape))
    if reach:
        closed = ndimage.binary_closing(np.pad(found, reach), iterations=reach)
        found = closed[reach:-reach, reach:-reach]
    labels, _ = ndimage.label(found)
    # Label 0 is what wasn't found; a second entry stands in where nothing was.
    sizes = np.bincount(labels.ravel(), minlength=2)
    sizes[0] = 0
    return ndimage.binary_fill_holes((labels == sizes.argmax()) & found)
