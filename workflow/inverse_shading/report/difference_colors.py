"""Colours of maps of differences. Apart from the measures: a picture's colours measure nothing anew."""

import matplotlib
import numpy as np

from inverse_shading.evaluation.image_difference import PEAK


def flip_colors(errors: np.ndarray) -> np.ndarray:
    """Colour a map of FLIP as its own pictures are: black is 0, light yellow 1.

    Args:
        errors: (height, width), see `image_difference.flip_map`.

    Returns:
        uint8 (height, width, 3), sRGB-encoded.
    """
    table = np.rint(PEAK * np.asarray(matplotlib.colormaps["magma"].colors)).astype(np.uint8)
    return table[np.rint(PEAK * np.clip(errors, 0, 1)).astype(int)]
