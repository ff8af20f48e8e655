"""How every figure looks, and how it is saved: the same data give the same bytes."""

import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from PIL import Image

from inverse_shading.runtime.files import atomic_path

DOTS_PER_INCH = 120

# Okabe and Ito's palette, told apart with every common colour blindness.
# https://jfly.uni-koeln.de/color/
BLUE, ORANGE, GREEN, GREY, INK = "#0072B2", "#E69F00", "#009E73", "#8A8F98", "#22262B"

STYLE = {
    # Shipped with matplotlib, so that no machine's own fonts change a figure.
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.labelsize": 10,
    "figure.titlesize": 13,
    "figure.titleweight": "bold",
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#B5BAC2",
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E8EB",
    "grid.linewidth": 0.8,
    "lines.linewidth": 1.8,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


def figure_style():
    """A context in which new figures have the common style, whatever the user's own settings."""
    return matplotlib.style.context(["default", STYLE])


class PixelLayout:
    """A figure that is laid out in pixels from its upper left corner."""

    def __init__(self, width: int, height: int):
        self._width, self._height = width, height
        self.figure = Figure((width / DOTS_PER_INCH, height / DOTS_PER_INCH))

    def write(self, x: float, y: float, text: str, **options) -> None:
        """Write text at a place; its upper edge is there unless `va` says otherwise."""
        options = {"va": "top"} | options
        self.figure.text(x / self._width, 1 - y / self._height, text, **options)

    def show(self, x: int, y: int, pixels: np.ndarray, side: int) -> None:
        """Show an image (uint8, (size, size, 3)) with its upper left corner at a place, resized."""
        tile = Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS)
        # Pixel by pixel, where axes would resample; measured from below.
        self.figure.figimage(np.asarray(tile), x, self._height - y - side, origin="upper")


def set_log_ticks(axis: Axis, digits: Sequence[float]) -> None:
    """Mark a logarithmic axis by plain numbers that begin with these digits, and by nothing else."""
    axis.set_major_locator(LogLocator(subs=digits, numticks=20))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(NullLocator())


def figure_png(figure: Figure) -> bytes:
    """A figure as the bytes of a PNG file, without time, version or machine in it."""
    file = io.BytesIO()
    figure.savefig(
        file,
        format="png",
        dpi=DOTS_PER_INCH,
        metadata={"Software": None},
        pil_kwargs={"optimize": True},
    )
    return file.getvalue()


def save_figure(figure: Figure, output: str | Path) -> None:
    """Write a figure as PNG, see `figure_png`.

    Raises:
        InputError: the file can't be written.
    """
    with atomic_path(output) as temporary:
        temporary.write_bytes(figure_png(figure))
