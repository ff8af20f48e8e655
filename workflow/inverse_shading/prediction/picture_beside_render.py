"""Figure: a user's picture, the render of the material that was found, and their difference."""

import textwrap
from collections.abc import Sequence

import numpy as np

from inverse_shading.evaluation.image_difference import ImageDifference, flip_map
from inverse_shading.material.labels import PARAMETER_LABELS
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.report.difference_colors import flip_colors
from inverse_shading.report.figures.style import PixelLayout, figure_png, figure_style

# Layout of the picture, in pixels. Tiles have the size of the framed image within these limits.
SMALLEST_TILE, LARGEST_TILE = 224, 448
GAP, BORDER, TITLE_HEIGHT, CAPTION_HEIGHT = 6, 16, 78, 26


def draw_prediction(
    picture: np.ndarray,
    render: np.ndarray,
    difference: ImageDifference,
    undetermined: Sequence[str],
    intervals: str,
    fit: str | None = None,
) -> bytes:
    """Draw a picture, the render of its material and their difference side by side.

    Args:
        picture, render: framed, uint8 (size, size, 3).
        difference: of the two, over the pixels that count.
        undetermined: parameters that the picture leaves undetermined.
        intervals: by which it does, such as "80 %, calibrated".
        fit: the verdict on the picture in words.

    Returns:
        The bytes of a PNG file.
    """
    tiles = {
        "Picture": picture,
        "Render of the material": render,
        "FLIP (black is 0, yellow is 1)": flip_colors(flip_map(picture, render)),
    }
    side = int(np.clip(len(render), SMALLEST_TILE, LARGEST_TILE))
    width = 2 * BORDER + len(tiles) * (side + GAP) - GAP
    height = TITLE_HEIGHT + CAPTION_HEIGHT + side + BORDER
    with figure_style():
        layout = PixelLayout(width, height)
        layout.write(
            BORDER,
            12,
            f"RMS {difference.rms:.2f} levels of 255, PSNR {difference.psnr:.1f} dB, "
            f"SSIM {difference.ssim:.4f}, FLIP {difference.flip:.4f}",
            fontsize=9,
            fontweight="bold",
        )
        if len(undetermined) == len(PARAMETERS):
            left_open = "the picture determines nothing"
        elif undetermined:
            names = ", ".join(PARAMETER_LABELS[name] for name in undetermined)
            left_open = f"undetermined are {names}"
        else:
            left_open = "the picture determines all inputs"
        told = f"By intervals of {intervals}: {left_open}"
        # As many signs as go into a line of the narrowest picture.
        lines = textwrap.wrap(told, 110)[:2]
        if fit is not None:
            lines = [textwrap.shorten(f"The picture is {fit}", 110, placeholder="…"), *lines]
        layout.write(BORDER, 30, "\n".join(lines), fontsize=7)
        for number, (caption, pixels) in enumerate(tiles.items()):
            left = BORDER + number * (side + GAP)
            layout.write(left, TITLE_HEIGHT + 4, caption, fontsize=8)
            layout.show(left, TITLE_HEIGHT + CAPTION_HEIGHT, pixels, side)
        return figure_png(layout.figure)
