"""The mesh as the camera sees it: position, normal and tangent of every covered pixel."""

from dataclasses import dataclass

import moderngl
import numpy as np

from inverse_shading.runtime.errors import InputError
from inverse_shading.scene.camera import Camera
from inverse_shading.scene.mesh import Mesh
from inverse_shading.scene.shader import SURFACE

# A pixel is covered where the alpha that this stage writes is found.
PIXEL_STAGE = """#version 400
in VertexData
{
    vec3 normalWorld;
    vec3 tangentWorld;
    vec3 positionWorld;
} vd;
layout(location = 0) out vec4 g_position;
layout(location = 1) out vec4 g_normal;
layout(location = 2) out vec4 g_tangent;

void main()
{
    g_position = vec4(vd.positionWorld, 1.0);
    g_normal = vec4(vd.normalWorld, 1.0);
    g_tangent = vec4(vd.tangentWorld, 1.0);
}
"""


@dataclass(frozen=True)
class GBuffer:
    """Surface data of the covered pixels, packed in reading order.

    Attributes:
        mask: bool (size, size), first row on top; True where the mesh covers the pixel's centre.
        surface: float32 (3, covered, 3): position, interpolated normal and tangent, world space.
    """

    mask: np.ndarray
    surface: np.ndarray


def rasterise(
    context: moderngl.Context, vertex_stage: str, mesh: Mesh, camera: Camera, frame_size: int
) -> GBuffer:
    """Draw the mesh with the generated vertex stage, unchanged, and read back what it hands on.

    Raises:
        InputError: the mesh covers no pixel.
    """
    program = context.program(vertex_shader=vertex_stage, fragment_shader=PIXEL_STAGE)
    identity = np.eye(4, dtype=np.float32)
    matrices = {
        "u_worldMatrix": identity,
        "u_worldInverseTransposeMatrix": identity,
        "u_viewProjectionMatrix": camera.view_projection,
    }
    for name, matrix in matrices.items():
        # OpenGL reads columns first.
        program[name].write(np.ascontiguousarray(matrix.T, dtype=np.float32).tobytes())
    streams = {"i_position": mesh.positions, "i_normal": mesh.normals, "i_tangent": mesh.tangents}
    buffers = {
        name: context.buffer(np.ascontiguousarray(data).tobytes()) for name, data in streams.items()
    }
    triangles = context.buffer(np.ascontiguousarray(mesh.triangles).tobytes())
    vertices = context.vertex_array(
        program, [(buffer, "3f", name) for name, buffer in buffers.items()], triangles
    )
    size = (frame_size, frame_size)
    targets = [context.texture(size, 4, dtype="f4") for _ in SURFACE]
    depth = context.depth_renderbuffer(size)
    framebuffer = context.framebuffer(targets, depth)
    framebuffer.use()
    framebuffer.clear()
    # As MaterialX's own renderer draws: nearest surface, back faces too.
    context.enable_only(moderngl.DEPTH_TEST)
    context.depth_func = "<"
    vertices.render(moderngl.TRIANGLES)
    layers = np.stack([np.frombuffer(target.read(), np.float32) for target in targets])
    for resource in (vertices, triangles, *buffers.values(), framebuffer, depth, *targets, program):
        resource.release()
    # OpenGL's first row is the lowest.
    layers = layers.reshape(len(SURFACE), frame_size, frame_size, 4)[:, ::-1]
    mask = layers[0, ..., 3] == 1
    if not mask.any():
        raise InputError(
            "The camera sees nothing of the mesh: no pixel is covered. Correct stage.camera or "
            "stage.mesh, or raise render.frame_size."
        )
    return GBuffer(mask, np.ascontiguousarray(layers[:, mask, :3]))
