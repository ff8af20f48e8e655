"""Triangle meshes with the vertex data that a generated shader reads, and where they come from."""

from dataclasses import dataclass, fields, replace
from pathlib import Path

import MaterialX as mx
import numpy as np

from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.jobs import logger
from inverse_shading.scene.mesh_checks import mesh_file_problem

EXTENSIONS = (".obj", ".glb", ".gltf")

# Radius: the shader squares distances in float32, which ends at about 1e-38 and 1e38.
SMALLEST, LARGEST = 1e-12, 1e12

# Debian's names for what MaterialX's loaders link against.
REMEDY = "apt-get install -y libegl1 libgl1 libgl1-mesa-dri libx11-6"


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
    """Load a mesh file with MaterialX's own loaders, glTF node transforms applied.

    Missing normals are made here, smooth over the triangles that share a vertex, and so are normals
    that are no numbers; missing tangents are the loader's or, where it gives none, made here.
    Triangles without area are left out.

    Raises:
        InputError: no such file, another type, unreadable, empty or degenerate geometry, or
            MaterialX's loaders can't be imported; it names the file and the cause.
    """
    path = Path(path)
    if path.suffix.lower() not in EXTENSIONS:
        raise InputError(f"{path}: expected a mesh ending in {', '.join(EXTENSIONS)}.")
    if not path.is_file():
        raise InputError(f"{path}: no such file. Correct stage.mesh, or say builtin.")
    problem = mesh_file_problem(path)
    if problem:
        raise InputError(f"{path}: {problem}. Export it again, or say builtin.")
    mx_render = import_materialx_render()
    handler = mx_render.GeometryHandler.create()
    handler.addLoader(mx_render.TinyObjLoader.create())
    handler.addLoader(mx_render.CgltfLoader.create())
    if not handler.loadGeometry(mx.FilePath(str(path)), False) or not handler.getMeshes():
        raise InputError(
            f"{path}: MaterialX can't load this mesh; the file is broken, empty or holds no "
            "triangles. Export it again (triangles, uncompressed), or say builtin."
        )
    parts = [part for loaded in handler.getMeshes() for part in read_loaded(path, loaded)]
    if not parts:
        raise InputError(f"{path}: found no triangles. Export the mesh as triangles.")
    return checked(path, Mesh.merged(parts))


def import_materialx_render():
    """Import MaterialX's loaders, which link against X11 and GL though they need no display.

    Raises:
        InputError: the import fails; it says which packages to install.
    """
    try:
        import MaterialX.PyMaterialXRender as mx_render
    except ImportError as error:
        raise InputError(
            f"MaterialX's mesh loaders can't be imported ({error}). Install the libraries that they "
            f"link against, on Debian or Ubuntu by: {REMEDY}"
        ) from error
    return mx_render


def read_loaded(path: Path, loaded) -> list[Mesh]:
    """Copy one of MaterialX's meshes into arrays; nothing of it if it has no triangles."""
    indices = [
        loaded.getPartition(index).getIndices() for index in range(loaded.getPartitionCount())
    ]
    triangles = np.concatenate([np.zeros(0), *indices]).astype(np.uint32)
    if len(triangles) == 0:
        return []
    streams = {}
    for kind, width in (("position", 3), ("normal", 3), ("tangent", 3), ("texcoord", 2)):
        stream = loaded.getStream(kind, 0)
        if stream is None:
            raise InputError(
                f"{path}: mesh {loaded.getName()!r} has no {kind} data, and MaterialX could make "
                "none. Export it with positions, normals and texture coordinates."
            )
        data = np.asarray(stream.getData(), dtype=np.float32)
        streams[kind] = data.reshape(-1, stream.getStride())[:, :width]
    counts = {kind: len(data) for kind, data in streams.items()}
    if len(set(counts.values())) != 1 or triangles.max() >= counts["position"]:
        raise InputError(
            f"{path}: mesh {loaded.getName()!r} has vertex data of different lengths ({counts}) or "
            f"a vertex number {triangles.max()} past their end. Export it again."
        )
    mesh = Mesh(
        streams["position"],
        streams["normal"],
        streams["tangent"],
        streams["texcoord"],
        triangles.reshape(-1, 3),
    )
    if normals_are_made_up(mesh):
        mesh = replace(mesh, normals=np.zeros_like(mesh.normals))
    return [mesh]


def normals_are_made_up(mesh: Mesh) -> bool:
    """Are these the normals that MaterialX gives to a file without any?

    It takes each vertex's from the last triangle that has the vertex. On a surface whose triangles
    share vertices that is neither smooth nor flat, and another order of triangles looks different.
    """
    corners = mesh.positions[mesh.triangles]
    # float32 all the way, as the loader computes.
    with np.errstate(all="ignore"):
        faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        faces /= np.linalg.norm(faces, axis=1, keepdims=True)
    last = np.full_like(mesh.normals, np.nan)
    last[mesh.triangles.reshape(-1)] = np.repeat(faces, 3, axis=0)
    known = np.isfinite(last).all(axis=1) & np.isfinite(mesh.normals).all(axis=1)
    return np.allclose(mesh.normals[known], last[known], atol=1e-3)


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
