"""Triangle meshes with the vertex data that a generated shader reads, and where they come from."""

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.given_files import regular_file
from inverse_shading.runtime.jobs import logger
from inverse_shading.scene.gltf_file import BROKEN, read_gltf
from inverse_shading.scene.mesh_limits import LARGEST_FILE, check_limit
from inverse_shading.scene.obj_file import read_obj

READERS = {".obj": read_obj, ".glb": read_gltf, ".gltf": read_gltf}

# Radius: the shader squares distances in float32, which ends at about 1e-38 and 1e38.
SMALLEST, LARGEST = 1e-12, 1e12


@dataclass(frozen=True)
class Mesh:
    """Triangles in world space.

    Attributes:
        positions: float32 (vertices, 3), y up.
        normals: float32 (vertices, 3), unit length.
        tangents: float32 (vertices, 3), unit length, not parallel to the normals.
        texcoords: float32 (vertices, 2).
        triangles: uint32 (triangles, 3), places in the arrays above.
    """

    positions: np.ndarray
    normals: np.ndarray
    tangents: np.ndarray
    texcoords: np.ndarray
    triangles: np.ndarray

    def transformed(self, rotation: np.ndarray, offset: np.ndarray) -> "Mesh":
        """Rotate by an orthonormal 3x3 matrix, then move."""
        return Mesh(
            (self.positions @ rotation.T + offset).astype(np.float32),
            (self.normals @ rotation.T).astype(np.float32),
            (self.tangents @ rotation.T).astype(np.float32),
            self.texcoords,
            self.triangles,
        )

    @staticmethod
    def merged(meshes: list["Mesh"]) -> "Mesh":
        """Make one mesh of several."""
        starts = np.cumsum([0] + [len(mesh.positions) for mesh in meshes[:-1]])
        arrays = {
            field.name: np.concatenate([getattr(mesh, field.name) for mesh in meshes])
            for field in fields(Mesh)
            if field.name != "triangles"
        }
        triangles = [
            mesh.triangles + np.uint32(start) for mesh, start in zip(meshes, starts, strict=True)
        ]
        return Mesh(**arrays, triangles=np.concatenate(triangles))

    def bounding_sphere(self) -> tuple[np.ndarray, float]:
        """Centre of the bounding box of the used vertices, and the radius that holds them all."""
        corners = self.positions[np.unique(self.triangles)].astype(np.float64)
        center = (corners.min(axis=0) + corners.max(axis=0)) / 2
        return center, float(np.linalg.norm(corners - center, axis=1).max())


def load_mesh(path: str | Path) -> Mesh:
    """Load a mesh file, glTF node transforms applied.

    Missing normals are made here, smooth over the triangles that share a vertex, and so are normals
    that are no numbers; missing tangents are made from the texture coordinates, as MaterialX makes
    them. Triangles without area are left out.

    Raises:
        InputError: no such file, another type, unreadable, empty or degenerate geometry; it names
            the file and the cause.
    """
    path = Path(path)
    read = READERS.get(path.suffix.lower())
    if read is None:
        raise InputError(f"{path}: expected a mesh ending in {', '.join(READERS)}.")
    if not path.exists():
        raise InputError(f"{path}: no such file. Correct stage.mesh, or say builtin.")
    size = regular_file(path, "a mesh")
    try:
        check_limit(size, LARGEST_FILE, "bytes")
        # What overflows or is no number is found below.
        with np.errstate(all="ignore"):
            parts = [whole_part(**part) for part in read(path) if len(part["triangles"])]
    except InputError as problem:
        reason = str(problem).removesuffix(".")
        raise InputError(f"{path}: {reason}. Export it again, or say builtin.") from None
    except BROKEN as error:
        raise InputError(
            f"{path}: not a whole mesh file ({type(error).__name__}: {error}). Export it again, or "
            "say builtin."
        ) from error
    if not parts:
        raise InputError(
            f"{path}: found no triangles. Export the mesh as triangles (no strips, lines or "
            "points), or say builtin."
        )
    return checked(path, Mesh.merged(parts))


def whole_part(
    positions: np.ndarray,
    triangles: np.ndarray,
    normals: np.ndarray | None = None,
    tangents: np.ndarray | None = None,
    texcoords: np.ndarray | None = None,
) -> Mesh:
    """A mesh of what a file has of it; zero normals where it has none."""
    if texcoords is None:
        texcoords = np.zeros((len(positions), 2), np.float32)
    if tangents is None:
        shown = last_normals(positions, triangles) if normals is None else normals
        tangents = tangents_along_u(positions, shown, texcoords, triangles)
    if normals is None:
        normals = np.zeros_like(positions)
    return Mesh(positions, normals, tangents, texcoords, triangles)


def last_normals(positions: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Each vertex's normal from the last triangle that has it, float32 (vertices, 3).

    MaterialX shows them where a file has none. They are neither smooth nor flat, and another order
    of triangles looks different; here they only say what the tangents are square to.
    """
    corners = positions[triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    faces /= np.linalg.norm(faces, axis=1, keepdims=True)
    normals = np.zeros_like(positions)
    normals[triangles.reshape(-1)] = np.repeat(faces, 3, axis=0)
    return normals


def tangents_along_u(
    positions: np.ndarray, normals: np.ndarray, texcoords: np.ndarray, triangles: np.ndarray
) -> np.ndarray:
    """Tangents (vertices, 3) in the direction in which u grows, as MaterialX makes them.

    After Lengyel (terathon.com/code/tangent.html); without a direction of u, after Duff et al.,
    "Building an Orthonormal Basis, Revisited" (2017). Some may be no numbers.
    """
    edges = positions[triangles[:, 1:]] - positions[triangles[:, :1]]
    (x1, y1), (x2, y2) = np.moveaxis(
        texcoords[triangles[:, 1:]] - texcoords[triangles[:, :1]], 0, 2
    )
    area = x1 * y2 - x2 * y1
    x, y, z = normals.T
    # float32 all the way, as MaterialX computes.
    scale = np.where(area == 0, np.float32(0), 1 / area)
    along = (edges[:, 0] * y2[:, None] - edges[:, 1] * y1[:, None]) * scale[:, None]
    sums = np.zeros_like(positions)
    np.add.at(sums, triangles.reshape(-1), np.repeat(along, 3, axis=0))
    across = sums - normals * (normals * sums).sum(axis=1, keepdims=True)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    sign = np.where(z < 0, np.float32(-1), np.float32(1))
    a = -1 / (sign + z)
    anywhere = np.stack([1 + sign * x * x * a, sign * x * y * a, -sign * x], axis=1)
    return np.where(sums.any(axis=1, keepdims=True), across, anywhere)


def checked(path: Path, mesh: Mesh) -> Mesh:
    """Return `mesh` with whole normals and tangents, and without triangles that have no area.

    Raises:
        InputError: positions that are not finite, no triangle with an area, or a size that
            float32 can't square.
    """
    used = np.unique(mesh.triangles)
    if not np.isfinite(mesh.positions[used]).all():
        raise InputError(f"{path}: found positions that are not finite numbers. Export it again.")
    corners = mesh.positions[mesh.triangles].astype(np.float64)
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    seen = faces.any(axis=1)
    if not seen.any():
        raise InputError(f"{path}: all triangles are degenerate (no area). Export the mesh again.")
    if not seen.all():
        # The poles of a sphere of quads, for instance.
        logger.info("%s: left out %d triangles without area", path, len(seen) - seen.sum())
    mesh, faces = replace(mesh, triangles=mesh.triangles[seen]), faces[seen]
    _, radius = mesh.bounding_sphere()
    if not SMALLEST <= radius <= LARGEST:
        raise InputError(
            f"{path}: found a bounding sphere of radius {radius:.3g}, expected {SMALLEST:g} to "
            f"{LARGEST:g}. Scale the mesh and export it again."
        )
    normals = whole_normals(mesh, faces)
    tangents = whole_tangents(mesh.tangents, normals)
    return Mesh(mesh.positions, normals, tangents, mesh.texcoords, mesh.triangles)


def whole_normals(mesh: Mesh, faces: np.ndarray) -> np.ndarray:
    """Unit normals; missing ones are made from the triangles that share the vertex.

    A file may give normals to some faces only, which the loader leaves at zero for the others; it
    makes no numbers of triangles without area.

    Args:
        faces: float64 (triangles, 3), each triangle's normal times twice its area.
    """
    normals = unit(np.where(np.isfinite(mesh.normals), mesh.normals, 0.0).astype(np.float64))
    missing = ~normals.any(axis=1)
    if missing.any():
        sums = np.zeros_like(normals)
        for corner in range(3):
            np.add.at(sums, mesh.triangles[:, corner], faces)
        normals[missing] = unit(sums)[missing]
        # What only triangles without area share is never seen; any direction will do.
        normals[~normals.any(axis=1)] = (0.0, 1.0, 0.0)
    return normals.astype(np.float32)


def whole_tangents(tangents: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Unit tangents; one that is missing or along its normal becomes a direction across it."""
    tangents = unit(np.where(np.isfinite(tangents), tangents, 0.0).astype(np.float64))
    across = tangents - (tangents * normals).sum(axis=1, keepdims=True) * normals
    # The shader divides by this length; a thousandth still tells a direction in float32.
    missing = np.linalg.norm(across, axis=1) < 1e-3
    # The axis that the normal is farthest from: any direction across will do.
    axes = np.eye(3)[np.abs(normals[missing]).argmin(axis=1)]
    tangents[missing] = unit(np.cross(normals[missing], axes))
    return tangents.astype(np.float32)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scale vectors (n, 3) to length one; zero stays zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
