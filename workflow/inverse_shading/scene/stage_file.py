"""The stage file: all that a frame depends on but the material, in one checked file.

Whoever renders needs this file and OpenGL: no mesh and no MaterialX.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inverse_shading.runtime.artefacts import (
    read_description,
    read_tensors,
    unusable,
    write_tensors,
)

# Raised when the file's contents change in form or meaning.
VERSION = 2

# Of the description in the file, and how a stage is told from other files of tensors.
DESCRIPTION_KEY = "inverse_shading_stage"


@dataclass(frozen=True)
class Stage:
    """Object, light and view.

    Attributes:
        mask: bool (size, size), first row on top; True where the object is.
        surface: float32 (3, covered, 3): world position, normal and tangent of the covered pixels,
            in the mask's reading order.
        radiance: float32 (height, width, 3), the environment, linear.
        irradiance: float32 (32, 64, 3), its cosine-convolved map.
        background: uint8 (size, size, 3), sRGB-encoded.
        view_position: float64 (3,), the eye in world space.
        environment_samples: directions sampled per pixel.
        pixel_stage: GLSL that shades the packed surface.
        uniforms: name of each input's GLSL uniform → its places among the ten values.
        materialx_version: what wrote the GLSL.
    """

    mask: np.ndarray
    surface: np.ndarray
    radiance: np.ndarray
    irradiance: np.ndarray
    background: np.ndarray
    view_position: np.ndarray
    environment_samples: int
    pixel_stage: str
    uniforms: dict[str, tuple[int, ...]]
    materialx_version: str

    @property
    def frame_size(self) -> int:
        """Side of the square frame in pixels."""
        return len(self.mask)


def save_stage(path: str | Path, stage: Stage) -> None:
    """Write a stage as one safetensors file, with its checksum beside it."""
    tensors = {
        "mask": stage.mask.astype(np.uint8),
        "surface": stage.surface,
        "radiance": stage.radiance,
        "irradiance": stage.irradiance,
        "background": stage.background,
        "view_position": stage.view_position,
        "pixel_stage": np.frombuffer(stage.pixel_stage.encode(), np.uint8),
    }
    description = {
        "version": VERSION,
        "materialx_version": stage.materialx_version,
        "environment_samples": stage.environment_samples,
        "uniforms": stage.uniforms,
    }
    write_tensors(path, tensors, description, DESCRIPTION_KEY)


def read_stage(path: str | Path) -> Stage:
    """Read a stage file and check that it is whole.

    Raises:
        InputError: missing, foreign, of another version, cut short or damaged; it names the file.
    """
    description = read_description(path, "a stage file", DESCRIPTION_KEY)
    if description.get("version") != VERSION:
        raise unusable(
            path,
            f"found a stage file of version {description.get('version')}, expected {VERSION}",
        )
    tensors = read_tensors(path, "numpy")
    return Stage(
        mask=tensors["mask"].astype(bool),
        surface=tensors["surface"],
        radiance=tensors["radiance"],
        irradiance=tensors["irradiance"],
        background=tensors["background"],
        view_position=tensors["view_position"],
        environment_samples=description["environment_samples"],
        pixel_stage=tensors["pixel_stage"].tobytes().decode(),
        uniforms={name: tuple(places) for name, places in description["uniforms"].items()},
        materialx_version=description["materialx_version"],
    )
