"""glTF files (.glb and .gltf): the triangles of every mesh, where its nodes put it.

Written after glTF 2.0, sections 3.5 to 3.7 and 4.4. What the standard leaves open, and tangents, are
taken as MaterialX's loader takes them: its frames are what ours are compared with.
"""

import base64
import json
import struct
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from inverse_shading.runtime.errors import InputError

# Kinds of numbers, and numbers of an element, by the names that glTF gives them.
COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
ELEMENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
TRIANGLES = 4
ATTRIBUTES = {
    "POSITION": ("positions", 3),
    "NORMAL": ("normals", 3),
    "TANGENT": ("tangents", 3),
    "TEXCOORD_0": ("texcoords", 2),
}
COMPRESSION = ("KHR_draco_mesh_compression", "EXT_meshopt_compression")


def read_gltf(path: Path) -> list[dict[str, np.ndarray]]:
    """Read the triangles of a .glb or .gltf file, one part for each primitive and place.

    Returns:
        Of each part `positions` float32 (vertices, 3), `triangles` uint32 (triangles, 3) and, as
        far as the file has them, `normals` and `tangents` float32 (vertices, 3) and `texcoords`
        float32 (vertices, 2), v up. Positions and normals are in world space.

    Raises:
        InputError: what is wrong with the file, without its name.
        OSError: a buffer's file can't be read.
        ValueError, LookupError, TypeError, AttributeError, ArithmeticError, MemoryError,
            RecursionError, struct.error: a member of the document is missing or mistyped.
    """
    document, binary = read_container(path)
    for name in COMPRESSION:
        if name in document.get("extensionsRequired", []):
            raise InputError(f"compressed by {name}, expected a mesh without compression")
    buffers = [read_buffer(entry, binary, path.parent) for entry in document.get("buffers", [])]
    for number, (entry, content) in enumerate(
        zip(document.get("buffers", []), buffers, strict=True)
    ):
        if len(content) < entry["byteLength"]:
            raise InputError(
                f"buffer {number} has {len(content)} bytes, expected {entry['byteLength']}"
            )
    places = mesh_places(document)
    parts = []
    for number, mesh in enumerate(document.get("meshes", [])):
        primitives = [
            read_primitive(document, primitive, buffers)
            for primitive in mesh["primitives"]
            if primitive.get("mode", TRIANGLES) == TRIANGLES
        ]
        # A mesh that no node holds stands where its positions say.
        for matrix in places.get(number, [np.eye(4, dtype=np.float32)]):
            parts += [placed(part, matrix) for part in primitives]
    return parts


def read_container(path: Path) -> tuple[dict, bytes]:
    """The JSON document and the binary chunk, which is empty in a .gltf file."""
    data = path.read_bytes()
    if path.suffix.lower() == ".gltf":
        return json.loads(data), b""
    magic, version, length = struct.unpack_from("<4sII", data)
    if magic != b"glTF" or version != 2 or length > len(data):
        raise ValueError(f"{len(data)} bytes, its head says {magic!r}, {version}, {length}")
    chunks, start = {}, 12
    while start + 8 <= length:
        size, kind = struct.unpack_from("<I4s", data, start)
        if start + 8 + size > length:
            raise ValueError("a chunk is cut short")
        chunks.setdefault(kind, data[start + 8 : start + 8 + size])
        start += 8 + size
    return json.loads(chunks[b"JSON"]), chunks.get(b"BIN\0", b"")


def read_buffer(entry: dict, binary: bytes, folder: Path) -> bytes:
    """A buffer's bytes: the binary chunk, base64 in the document, or another file."""
    uri = entry.get("uri")
    if uri is None:
        return binary
    if uri.startswith("data:"):
        return base64.b64decode(uri.partition(",")[2])
    return (folder / unquote(uri)).read_bytes()


def find(document: dict, kind: str, number: int) -> dict:
    """An entry of one of the document's lists, which are numbered from 0."""
    if number < 0:
        raise IndexError(f"number {number} in {kind}")
    return document[kind][number]


def mesh_places(document: dict) -> dict[int, list[np.ndarray]]:
    """Number of each mesh that a scene shows → matrices (4, 4) of the nodes that hold it."""
    places = {}
    for scene in document.get("scenes", []):
        seen = set()
        waiting = [(number, ()) for number in reversed(scene.get("nodes", []))]
        while waiting:
            number, above = waiting.pop()
            if number in seen:
                raise ValueError(f"node {number} has two parents or is its own")
            seen.add(number)
            node = find(document, "nodes", number)
            own = node_matrix(node)
            if "mesh" in node:
                places.setdefault(node["mesh"], []).append(world_matrix(own, above))
            waiting += [(child, (own, *above)) for child in reversed(node.get("children", []))]
    return places


def world_matrix(matrix: np.ndarray, above: tuple[np.ndarray, ...]) -> np.ndarray:
    """A node's matrix in world space.

    Args:
        above: matrices of the nodes above it, the nearest first.
    """
    for parent in above:
        matrix = np.pad(transformed(matrix[:, :3], parent), ((0, 0), (0, 1)))
        matrix[3] += parent[3]
    return matrix


def node_matrix(node: dict) -> np.ndarray:
    """A node's own matrix, float32 (4, 4), for row vectors."""
    if "matrix" in node:
        return np.array(node["matrix"], np.float32).reshape(4, 4)
    x, y, z, w = np.array(node.get("rotation", (0, 0, 0, 1)), np.float32)
    rotation = [
        [1 - 2 * y * y - 2 * z * z, 2 * x * y + 2 * z * w, 2 * x * z - 2 * y * w],
        [2 * x * y - 2 * z * w, 1 - 2 * x * x - 2 * z * z, 2 * y * z + 2 * x * w],
        [2 * x * z + 2 * y * w, 2 * y * z - 2 * x * w, 1 - 2 * x * x - 2 * y * y],
    ]
    matrix = np.eye(4, dtype=np.float32)
    scale = np.array(node.get("scale", (1, 1, 1)), np.float32)
    matrix[:3, :3] = np.array(rotation) * scale[:, None]
    matrix[3, :3] = node.get("translation", (0, 0, 0))
    return matrix


def transformed(vectors: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Row vectors (n, 3) times the upper left of `matrix`, summed in the order that C would."""
    return (
        vectors[:, :1] * matrix[0, :3]
        + vectors[:, 1:2] * matrix[1, :3]
        + vectors[:, 2:] * matrix[2, :3]
    )


def placed(part: dict[str, np.ndarray], matrix: np.ndarray) -> dict[str, np.ndarray]:
    """A part in world space. Tangents stay as they are in the file, as MaterialX leaves them."""
    moved = {"positions": transformed(part["positions"], matrix) + matrix[3, :3]}
    if "normals" in part:
        turn = matrix[:3, :3].astype(float)
        # By the inverse transposed; a flattened mesh's are no numbers, and are made anew.
        cofactors = np.cross(turn[[1, 2, 0]], turn[[2, 0, 1]])
        inverse = (cofactors / np.linalg.det(turn)).astype(np.float32)
        normals = transformed(part["normals"], inverse)
        moved["normals"] = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    return part | moved


def read_primitive(document: dict, primitive: dict, buffers: list[bytes]) -> dict[str, np.ndarray]:
    """A primitive's triangles, in the coordinates of its mesh.

    Raises:
        InputError: no indices or positions, data past their buffer's end, vertex data of different
            lengths or of too few numbers, an index past the vertices or of another type, tangents
            without normals.
    """
    attributes = primitive["attributes"]
    if "indices" not in primitive:
        raise InputError("a primitive without indices, expected the numbers of its vertices")
    if "POSITION" not in attributes:
        raise InputError("a primitive without positions")
    if "TANGENT" in attributes and "NORMAL" not in attributes:
        raise InputError("a primitive with tangents but without normals")
    data = {name: read_accessor(document, at, buffers) for name, at in attributes.items()}
    counts = {name: len(values) for name, values in data.items()}
    if len(set(counts.values())) != 1:
        raise InputError(f"a primitive whose vertex data have different lengths: {counts}")
    for attribute, (_, width) in ATTRIBUTES.items():
        if attribute in data and data[attribute].shape[1] < width:
            raise InputError(
                f"{attribute} of {data[attribute].shape[1]} numbers a vertex, expected {width}"
            )
    indices = read_accessor(document, primitive["indices"], buffers)
    if indices.dtype.kind != "u":
        raise InputError(f"indices of type {indices.dtype}, expected whole numbers without a sign")
    if indices.max() >= counts["POSITION"]:
        raise InputError(
            f"an index {indices.max()} where a primitive has {counts['POSITION']} vertices"
        )
    part = {
        name: data[attribute].astype(np.float32)[:, :width]
        for attribute, (name, width) in ATTRIBUTES.items()
        if attribute in data
    }
    if "texcoords" in part:
        # glTF counts v downwards.
        part["texcoords"] = part["texcoords"] * np.float32([1, -1]) + np.float32([0, 1])
    whole = len(indices) // 3 * 3
    return part | {"triangles": indices[:whole].astype(np.uint32).reshape(-1, 3)}


def read_accessor(document: dict, number: int, buffers: list[bytes]) -> np.ndarray:
    """An accessor's elements, (count, numbers of an element); normalised integers as float64.

    Raises:
        InputError: it has no data, or they reach past the end of their view or buffer.
    """
    accessor = find(document, "accessors", number)
    count, width = accessor["count"], ELEMENTS[accessor["type"]]
    kind = np.dtype(COMPONENTS[accessor["componentType"]])
    name = f"accessor {number}"
    if "bufferView" in accessor:
        elements = read_view(document, accessor, kind, count, width, buffers, name)
    elif "sparse" in accessor:
        if count > sum(map(len, buffers)):
            raise InputError(f"{name} has {count} elements, more than its file has bytes")
        elements = np.zeros((count, width), kind)
    else:
        raise InputError(f"{name} has no data")
    if "sparse" in accessor:
        sparse = accessor["sparse"]
        places = np.dtype(COMPONENTS[sparse["indices"]["componentType"]])
        at = read_view(document, sparse["indices"], places, sparse["count"], 1, buffers, name)
        values = read_view(document, sparse["values"], kind, sparse["count"], width, buffers, name)
        elements = elements.copy()
        elements[at[:, 0]] = values
    if accessor.get("normalized") and kind.kind != "f":
        elements = elements / np.iinfo(kind).max
    return elements


def read_view(
    document: dict,
    reference: dict,
    kind: np.dtype,
    count: int,
    width: int,
    buffers: list[bytes],
    name: str,
) -> np.ndarray:
    """`count` elements of `width` numbers from the buffer view that `reference` names."""
    number = reference["bufferView"]
    view = find(document, "bufferViews", number)
    buffer = find(document, "buffers", view["buffer"])
    view_start = view.get("byteOffset", 0)
    if view_start + view["byteLength"] > buffer["byteLength"]:
        raise InputError(f"buffer view {number} reaches past its buffer's end")
    element = kind.itemsize * width
    start, stride = reference.get("byteOffset", 0), view.get("byteStride", element)
    if count < 1 or start < 0 or start + stride * (count - 1) + element > view["byteLength"]:
        raise InputError(f"{name} has {count} elements, not what its buffer view holds")
    # NumPy itself refuses what would lie outside the buffer.
    return np.ndarray(
        (count, width), kind, buffers[view["buffer"]], view_start + start, (stride, kind.itemsize)
    )
