"""The stage file: all that a frame depends on but the material, in one checked file.

Whoever renders needs this file and OpenGL: no mesh file and no MaterialX. The whole mesh is in it for
exports, which hand it on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.runtime.artefacts import (
    read_description,
    read_tensors,
    unusable,
    write_tensors,
)

# Raised when the file's contents change in form or meaning.
VERSION = 4

# The same without the mesh. Such files are still read.
VERSION_WITHOUT_MESH = 3

# Type and shape of each tensor; an axis of the same name has the same length everywhere.
FORMS = {
    "mask": (np.uint8, ("side", "side")),
    "surface": (np.float32, (3, "covered", 3)),
    "radiance": (np.float32, ("height", "width", 3)),
    "irradiance": (np.float32, ("rows", "columns", 3)),
    "background": (np.uint8, ("side", "side", 3)),
    "view_position": (np.float64, (3,)),
    "pixel_stage": (np.uint8, ("bytes",)),
    "essl_pixel_stage": (np.uint8, ("essl_bytes",)),
}
MESH_FORMS = {
    "mesh_positions": (np.float32, ("vertices", 3)),
    "mesh_normals": (np.float32, ("vertices", 3)),
    "mesh_triangles": (np.uint32, ("triangles", 3)),
}

# Of the description in the file, and how a stage is told from other files of tensors.
DESCRIPTION_KEY = "inverse_shading_stage"


class StageMesh(NamedTuple):
    """The whole object, also what the camera doesn't see, in world space.

    Attributes:
        positions: float32 (vertices, 3), y up.
        normals: float32 (vertices, 3), unit length.
        triangles: uint32 (triangles, 3), places in the arrays above; every vertex is used.
    """

    positions: np.ndarray
    normals: np.ndarray
    triangles: np.ndarray


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
        essl_pixel_stage: the same in ESSL, for a browser.
        uniforms: name of each input's GLSL uniform → its places among the ten values.
        materialx_version: what wrote the GLSL.
        mesh: None in a stage of an older version.
    """

    mask: np.ndarray
    surface: np.ndarray
    radiance: np.ndarray
    irradiance: np.ndarray
    background: np.ndarray
    view_position: np.ndarray
    environment_samples: int
    pixel_stage: str
    essl_pixel_stage: str
    uniforms: dict[str, tuple[int, ...]]
    materialx_version: str
    mesh: StageMesh | None = None

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
        "essl_pixel_stage": np.frombuffer(stage.essl_pixel_stage.encode(), np.uint8),
    }
    if stage.mesh is not None:
        tensors |= zip(MESH_FORMS, stage.mesh, strict=True)
    description = {
        "version": VERSION_WITHOUT_MESH if stage.mesh is None else VERSION,
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
    version = description.get("version") if isinstance(description, dict) else None
    if version not in (VERSION_WITHOUT_MESH, VERSION):
        raise unusable(path, f"found a stage file of version {version}, expected {VERSION}")
    tensors = read_tensors(path, "numpy")
    _check_tensors(path, tensors, FORMS if version == VERSION_WITHOUT_MESH else FORMS | MESH_FORMS)
    _check_description(path, description)
    try:
        shader, essl = (
            tensors[name].tobytes().decode() for name in ("pixel_stage", "essl_pixel_stage")
        )
    except UnicodeDecodeError as error:
        raise unusable(path, f"found a shader that is no text ({error})") from error
    return Stage(
        mask=tensors["mask"].astype(bool),
        surface=tensors["surface"],
        radiance=tensors["radiance"],
        irradiance=tensors["irradiance"],
        background=tensors["background"],
        view_position=tensors["view_position"],
        environment_samples=description["environment_samples"],
        pixel_stage=shader,
        essl_pixel_stage=essl,
        uniforms={name: tuple(places) for name, places in description["uniforms"].items()},
        materialx_version=description["materialx_version"],
        mesh=None
        if version == VERSION_WITHOUT_MESH
        else StageMesh(*(tensors[name] for name in MESH_FORMS)),
    )


def _check_tensors(path: str | Path, tensors: Mapping[str, np.ndarray], forms: Mapping) -> None:
    # Such as the mesh in a file whose version, damaged, says that it has none.
    further = ", ".join(sorted(tensors.keys() - forms.keys()))
    if further:
        raise unusable(path, f"found {further}, expected {', '.join(forms)}")
    lengths: dict[str, int] = {}
    for name, (dtype, shape) in forms.items():
        found = tensors.get(name)
        fits = (
            found is not None
            and found.dtype == dtype
            and len(found.shape) == len(shape)
            and all(
                length == (axis if isinstance(axis, int) else lengths.setdefault(axis, length))
                for length, axis in zip(found.shape, shape, strict=True)
            )
        )
        if not fits:
            kind = "nothing" if found is None else f"{found.dtype} {found.shape}"
            expected = ", ".join(str(lengths.get(axis, axis)) for axis in shape)
            raise unusable(
                path, f"found {kind} as {name}, expected {np.dtype(dtype).name} ({expected})"
            )
        if not np.isfinite(found).all():
            raise unusable(path, f"found a value that is not a finite number in {name}")
    covered = int(np.count_nonzero(tensors["mask"]))
    if covered != lengths["covered"]:
        raise unusable(
            path, f"found the surface of {lengths['covered']} pixels, expected {covered} as in mask"
        )
    if "vertices" in lengths:
        last = int(tensors["mesh_triangles"].max(initial=0))
        if last >= lengths["vertices"]:
            raise unusable(
                path, f"found vertex {last} in mesh_triangles of {lengths['vertices']} vertices"
            )


def _check_description(path: str | Path, description: Mapping) -> None:
    samples, uniforms = description.get("environment_samples"), description.get("uniforms")
    places = set(range(len(PARAMETERS)))
    if type(samples) is not int or samples < 1:
        raise unusable(path, f"found {samples!r} environment_samples, expected a number from 1")
    if not isinstance(uniforms, dict) or not all(
        isinstance(part, list) and all(type(place) is int and place in places for place in part)
        for part in uniforms.values()
    ):
        raise unusable(path, "found no uniforms, expected the inputs' places by name")
    if not isinstance(description.get("materialx_version"), str):
        raise unusable(path, "found no materialx_version, expected text")
