"""Figure: what the data set looks like."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from inverse_shading.dataset.framed_images import open_images
from inverse_shading.dataset.ranges import parse_range
from inverse_shading.report.figures.style import DOTS_PER_INCH, figure_style, save_figure

# Pixels of all tiles together: keeps the file near a megabyte whatever the number of images.
PIXEL_BUDGET = 640_000
GAP, BORDER, TITLE_HEIGHT = 4, 16, 40


def draw_examples(output: str | Path, images: Sequence[str | Path], count: int) -> None:
    """Draw the first images of the data set, in order, as a grid.

    Args:
        output: the PNG to write.
        images: arrays of framed images named RANGE.npy, in order; the first ones are enough.
        count: images to show; all there are if there are fewer.

    Raises:
        InputError: an array can't be read or isn't what its name says.
    """
    tiles = []
    for path in images:
        if len(tiles) >= count:
            break
        tiles.extend(open_images(path, parse_range(Path(path).stem))[: count - len(tiles)])

    columns = _columns(len(tiles))
    rows = math.ceil(len(tiles) / columns)
    side = min(tiles[0].shape[0], math.isqrt(PIXEL_BUDGET // (rows * columns)))
    width = columns * side + (columns - 1) * GAP
    height = rows * side + (rows - 1) * GAP
    canvas = np.full((height, width, 3), 255, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = (position * (side + GAP) for position in divmod(index, columns))
        resized = Image.fromarray(tile).resize((side, side), Image.Resampling.LANCZOS)
        canvas[top : top + side, left : left + side] = np.asarray(resized)

    with figure_style():
        full_width = max(width + 2 * BORDER, 420)
        full_height = height + BORDER + TITLE_HEIGHT
        figure = Figure((full_width / DOTS_PER_INCH, full_height / DOTS_PER_INCH))
        # Pixel by pixel, where axes would resample.
        figure.figimage(canvas, (full_width - width) // 2, BORDER, origin="upper")
        figure.text(
            0.5,
            1 - TITLE_HEIGHT / 2 / full_height,
            f"Images from the data set (the first {len(tiles)})",
            ha="center",
            va="center",
            fontsize=12,
            fontweight="bold",
        )
        save_figure(figure, output)


def _columns(count: int) -> int:
    """Columns of a grid one to three times as wide as high with the fewest empty cells.

    Of equals, the one nearest to twice as wide as high, as a page lies and a screen stands.
    """
    choices = range(math.ceil(math.sqrt(count)), math.ceil(math.sqrt(3 * count)) + 1)
    return min(choices, key=lambda n: (-count % n, abs(math.log(n / math.sqrt(2 * count))), n))
