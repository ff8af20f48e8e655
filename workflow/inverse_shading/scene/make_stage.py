"""The stage: object, light and view, made once for all images and written as one file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import MaterialX as mx
import numpy as np

from inverse_shading.scene.backdrop import paint_backdrop
from inverse_shading.scene.built_in_lights import find_light
from inverse_shading.scene.camera import place_camera
from inverse_shading.scene.environment import irradiance_map
from inverse_shading.scene.gbuffer import rasterise
from inverse_shading.scene.mesh import Mesh, load_mesh
from inverse_shading.scene.opengl import create_context
from inverse_shading.scene.shader import (
    pack_essl_pixel_stage,
    pack_pixel_stage,
    surface_shader,
)
from inverse_shading.scene.shader_ball import shader_ball
from inverse_shading.scene.stage_file import Stage, StageMesh, save_stage

# Instead of a mesh's path: the one that the project makes itself.
BUILTIN = "builtin"


def make_stage(
    config: Mapping[str, Any],
    frame_size: int,
    environment_samples: int,
    device: str | int = "auto",
) -> Stage:
    """Load or make mesh and environment, and rasterise the G-buffer.

    Args:
        config: the `stage` section of the configuration: mesh, environment, camera, background.
        frame_size: side of the square frame in pixels.
        environment_samples: directions sampled of the environment per pixel.
        device: where to rasterise; see `opengl.create_context`.

    Raises:
        InputError: a mesh or environment that can't be used, or no OpenGL driver.
    """
    mesh = shader_ball() if config["mesh"] == BUILTIN else load_mesh(config["mesh"])
    radiance = find_light(config["environment"])
    camera = place_camera(*mesh.bounding_sphere(), **config["camera"])
    shader = surface_shader()
    context = create_context(device)
    try:
        gbuffer = rasterise(context, shader.vertex_stage, mesh, camera, frame_size)
    finally:
        context.release()
    return Stage(
        mask=gbuffer.mask,
        surface=gbuffer.surface,
        radiance=radiance,
        irradiance=irradiance_map(radiance),
        background=paint_backdrop(mesh, camera, config["background"], frame_size),
        view_position=camera.position,
        environment_samples=environment_samples,
        pixel_stage=pack_pixel_stage(shader.pixel_stage, shader.uniforms, environment_samples),
        essl_pixel_stage=pack_essl_pixel_stage(shader, environment_samples),
        uniforms=shader.uniforms,
        materialx_version=mx.getVersionString(),
        mesh=stage_mesh(mesh),
    )


def stage_mesh(mesh: Mesh) -> StageMesh:
    """The vertices that triangles use, without tangents and texture coordinates.

    No material has a texture, and the stage's own surface has its tangents already.
    """
    used, triangles = np.unique(mesh.triangles, return_inverse=True)
    return StageMesh(
        mesh.positions[used], mesh.normals[used], triangles.reshape(-1, 3).astype(np.uint32)
    )


def write_stage(
    path: str | Path,
    config: Mapping[str, Any],
    frame_size: int,
    environment_samples: int,
    device: str | int = "auto",
) -> None:
    """Make the stage (see `make_stage`) and write it; the same bytes for the same arguments."""
    save_stage(path, make_stage(config, frame_size, environment_samples, device))
