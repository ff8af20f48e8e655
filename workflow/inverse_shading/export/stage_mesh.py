"""The mesh of a stage, which the stage file doesn't hold: found, and checked against its surface."""

from pathlib import Path

import numpy as np

from inverse_shading.runtime.errors import InputError
from inverse_shading.scene.make_stage import BUILTIN
from inverse_shading.scene.mesh import Mesh, load_mesh
from inverse_shading.scene.shader_ball import shader_ball
from inverse_shading.scene.stage_file import Stage

# Points of the stage's surface that are looked for on the mesh, and how far off they may be as a share
# of its radius: more than float32 rounds, less than shows.
POINTS, NEAR = 32, 1e-4


def find_mesh(mesh: str | Path, stage: Stage) -> Mesh:
    """Load a mesh, or make the built-in one, and check that the stage shows it.

    Args:
        mesh: "builtin" or a path, see `mesh.load_mesh`.

    Raises:
        InputError: it can't be used, or the stage shows another one.
    """
    found = shader_ball() if str(mesh) == BUILTIN else load_mesh(mesh)
    positions = stage.surface[0].astype(np.float64)
    chosen = positions[np.linspace(0, len(positions) - 1, POINTS).astype(int)]
    _, radius = found.bounding_sphere()
    corners = found.positions[found.triangles].astype(np.float64)
    missing = sum(not _touches(point, corners, NEAR * radius) for point in chosen)
    if missing:
        raise InputError(
            f"{mesh}: found another mesh than the stage shows ({missing} of {POINTS} points of its "
            "surface are not on this one). Give the mesh that the stage was made with as --mesh."
        )
    return found


def _touches(point: np.ndarray, corners: np.ndarray, reach: float) -> bool:
    """Whether a point lies on one of the triangles (n, 3, 3)."""
    near = (corners.min(axis=1) - reach <= point).all(axis=1)
    near &= (corners.max(axis=1) + reach >= point).all(axis=1)
    first, second, third = np.moveaxis(corners[near], 1, 0)
    along, across, offset = second - first, third - first, point - first
    normals = np.cross(along, across)
    areas = np.maximum(np.linalg.norm(normals, axis=1), 1e-300)
    height = np.abs((offset * normals).sum(axis=1)) / areas
    # Barycentric coordinates, with as much room as the reach is of each triangle's height.
    room = reach * np.maximum(np.linalg.norm(along, axis=1), np.linalg.norm(across, axis=1)) / areas
    v = (np.cross(offset, across) * normals).sum(axis=1) / areas**2
    w = (np.cross(along, offset) * normals).sum(axis=1) / areas**2
    inside = (v >= -room) & (w >= -room) & (v + w <= 1 + 2 * room)
    return bool(((height <= reach) & inside).any())
