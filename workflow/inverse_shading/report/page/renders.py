"""Pictures of the report: renders of what predictors say, and where they differ from the truth."""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from inverse_shading.evaluation.image_difference import PEAK, flip_map
from inverse_shading.render.framed_frames import FramedRenderer
from inverse_shading.report.difference_colors import flip_colors
from inverse_shading.runtime.jobs import progress

# A picture of 224 pixels a side takes 3 kB as WebP in base64, and so does a map of differences: so many
# pixels keep the page below twelve megabytes, of which plotly's code is almost five.
PIXEL_BUDGET = 100_000_000
LARGEST_SIDE, SMALLEST_SIDE = 224, 96

# Between so many colours the page interpolates, to within a level or two of FLIP's own.
FLIP_STOPS = 33

# A gain magnifies what is lost in a map, too.
RENDER_QUALITY, MAP_QUALITY = 85, 90


@dataclass(frozen=True)
class View:
    """Pictures in one light and view, as data URIs, one an image in lists.

    Attributes:
        truths: the images themselves.
        renders: by predictor, renders of its materials.
        maps: by predictor, FLIP between truth and render, grey, see `flip_tones`.
    """

    truths: list[str]
    renders: dict[str, list[str]]
    maps: dict[str, list[str]]


def render_materials(
    renderer: FramedRenderer, materials: Mapping[str, np.ndarray]
) -> dict[str, list[np.ndarray]]:
    """Render materials on one stage, framed.

    Args:
        renderer: on that stage.
        materials: by name, (n, 10) in [0, 1].

    Returns:
        By name, an image a material: uint8 (image_size, image_size, 3).

    Raises:
        InputError: the driver fails.
    """
    images: dict[str, list[np.ndarray]] = {name: [] for name in materials}
    work = [(name, values) for name, rows in materials.items() for values in rows]
    for name, values in progress(work, len(work), "image"):
        images[name].append(renderer.render(values))
    return images


def encode_view(
    truths: Sequence[np.ndarray], renders: Mapping[str, Sequence[np.ndarray]], side: int
) -> View:
    """Encode truth and renders, and maps of their differences.

    Args:
        truths: of each image, uint8 (size, size, 3).
        renders: by predictor, the same.
        side: of the encoded pictures in pixels; the maps are made at full size before.
    """
    return View(
        truths=[encode(image, side) for image in truths],
        renders={
            name: [encode(image, side) for image in images] for name, images in renders.items()
        },
        maps={
            name: [
                encode(flip_tones(flip_map(truth, image)), side, MAP_QUALITY)
                for truth, image in zip(truths, images, strict=True)
            ]
            for name, images in renders.items()
        },
    )


def picture_side(pictures: int, size: int) -> int:
    """Side in pixels at which so many pictures of a size fit the page's budget."""
    side = max(SMALLEST_SIDE, math.isqrt(PIXEL_BUDGET // pictures))
    return min(side, size, LARGEST_SIDE)


def flip_tones(errors: np.ndarray) -> np.ndarray:
    """A map of FLIP as grey, which the page makes brighter by a gain and colours.

    Its root is taken, so that eight bits hold small differences too; the page squares it.

    Args:
        errors: (height, width), 0 to 1.

    Returns:
        uint8 (height, width).
    """
    return np.rint(PEAK * np.sqrt(np.clip(errors, 0, 1))).astype(np.uint8)


def flip_stops() -> np.ndarray:
    """Colours of FLIP from 0 to 1 at even steps: (FLIP_STOPS, 3) in [0, 1], sRGB-encoded."""
    return flip_colors(np.linspace(0, 1, FLIP_STOPS)[None])[0] / PEAK


def encode(pixels: np.ndarray, width: int, quality: int = RENDER_QUALITY) -> str:
    """A picture as a data URI.

    Args:
        pixels: uint8 (height, width, 3), sRGB-encoded, or grey (height, width).
        width: of the encoded picture in pixels, no more than its own; its height follows.
        quality: that of WebP, 0 to 100.
    """
    image = Image.fromarray(pixels)
    if width != image.width:
        size = (width, round(image.height * width / image.width))
        image = image.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=6)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
