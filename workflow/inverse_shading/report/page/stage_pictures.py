"""Pictures of a stage: its object in two plain materials, and the light about it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inverse_shading.evaluation.views import Views
from inverse_shading.render.frames import Renderer
from inverse_shading.render.framing import Box, crop_box
from inverse_shading.report.page.renders import encode
from inverse_shading.scene.srgb import srgb_encode
from inverse_shading.scene.stage_file import Stage, read_stage

# base, base_color, specular, roughness, specular_color, metalness: a grey paint, and a mirror.
PAINT = np.array([0.8, 0.6, 0.6, 0.6, 1.0, 0.4, 1.0, 1.0, 1.0, 0.0])
MIRROR = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0])

# Width in pixels of a frame in the page, and of an environment.
FRAME_WIDTH, ENVIRONMENT_WIDTH = 448, 640

# Share of the environment's texels that may be shown as white.
WHITE = 0.02


@dataclass(frozen=True)
class StagePictures:
    """A stage as the page shows it.

    Attributes:
        stage: what the stage file holds.
        paint, mirror: frames of the object in these materials, as data URIs.
        environment: the light from all directions, brightened or dimmed to be seen, likewise.
        crop: left, upper and side of the square that images are cropped to, as shares of the frame.
    """

    stage: Stage
    paint: str
    mirror: str
    environment: str
    crop: tuple[float, float, float]


def picture_stage(path: str | Path, views: Views) -> StagePictures:
    """Picture one of the stages.

    Args:
        path: the stage file.
        views: where to render, and how images are cropped.

    Raises:
        InputError: the stage can't be read, or nothing can render.
    """
    stage = read_stage(path)
    width = min(FRAME_WIDTH, stage.frame_size)
    with Renderer(path, views.resources.device, views.resources.threads) as renderer:
        paint, mirror = (encode(renderer.render(values), width) for values in (PAINT, MIRROR))
    environment = visible_environment(stage.radiance)
    return StagePictures(
        stage,
        paint,
        mirror,
        encode(environment, min(ENVIRONMENT_WIDTH, environment.shape[1])),
        _shares(crop_box(stage.mask, views.framing["margin"]), stage.frame_size),
    )


def visible_environment(radiance: np.ndarray) -> np.ndarray:
    """An environment at the exposure that leaves few of its texels white.

    Args:
        radiance: (height, width, 3), linear, from 0 up.

    Returns:
        uint8 (height, width, 3), sRGB-encoded.
    """
    white = np.quantile(radiance.max(axis=-1), 1 - WHITE)
    # A few lamps in the dark: nothing but they has light.
    exposed = radiance / (white if white > 0 else radiance.max())
    return np.rint(255 * srgb_encode(np.clip(exposed, 0, 1))).astype(np.uint8)


def _shares(box: Box, size: int) -> tuple[float, float, float]:
    left, upper, right, _ = box
    return left / size, upper / size, (right - left) / size
