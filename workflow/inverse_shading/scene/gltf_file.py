"""glTF files (.glb and .gltf): the triangles of every mesh, where its nodes put it.

Written after glTF 2.0, sections 3.5 to 3.7 and 4.4. What the standard leaves open, and tangents, are
taken as MaterialX's loader takes them: its frames are what ours are compared with.
"""

import base64
import json
import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.given_files import regular_file
from inverse_shading.scene.mesh_limits import (
    LARGEST_FILE,
    MOST_TRIANGLES,
    MOST_VERTICES,
    check_limit,
)

# Kinds of numbers, and numbers of an element, by the names that glTF gives them.
COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
ELEMENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
TRIANGLES, STRIPS_AND_FANS = 4, (5, 6)
ATTRIBUTES = {
    "POSITION": ("positions", 3),
    "NORMAL": ("normals", 3),
    "TANGENT": ("tangents", 3),
    "TEXCOORD_0": ("texcoords", 2),
}
COMPRESSION = ("KHR_draco_mesh_compression", "EXT_meshopt_compression")

# What reading raises where a member of a document is missing or mistyped, wherever it is.
BROKEN = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    RecursionError,
    struct.error,
)

# Values of the JSON document, numbers of the vertex data, kinds of them that a primitive has,
# primitives in all places, chunks of a .glb file, and nodes that are passed in all scenes: from each
# down, and from each mesh back up.
MOST_VALUES = 4_000_000
MOST_NUMBERS = 16 * MOST_VERTICES
MOST_ATTRIBUTES = 32
MOST_PARTS = 50_000
MOST_CHUNKS = 100
MOST_STEPS = 400_000


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
    primitives = [each for mesh in document.get("meshes", []) for each in mesh["primitives"]]
    if any(primitive.get("mode") in STRIPS_AND_FANS for primitive in primitives):
        raise InputError("found triangle strips or fans, expected separate triangles (mode 4)")
    buffers = read_buffers(document, binary, path)
    places = mesh_places(document)
    check_size(document, places)
    parts = []
    for number, mesh in enumerate(document.get("meshes", [])):
        primitives = [
            read_primitive(document, primitive, buffers) for primitive in triangles_of(mesh)
        ]
        # A mesh that no node holds stands where its positions say.
        for matrix in places.get(number, [np.eye(4, dtype=np.float32)]):
            parts += [placed(part, matrix) for part in primitives]
    return parts


def read_container(path: Path) -> tuple[dict, bytes]:
    """The JSON document and the binary chunk, which is empty in a .gltf file."""
    data = path.read_bytes()
    if path.suffix.lower() == ".gltf":
        return read_document(data), b""
    magic, version, length = struct.unpack_from("<4sII", data)
    if magic != b"glTF" or version != 2 or length > len(data):
        raise ValueError(f"{len(data)} bytes, its head says {magic!r}, {version}, {length}")
    chunks, start, count = {}, 12, 0
    while start + 8 <= length:
        size, kind = struct.unpack_from("<I4s", data, start)
        if start + 8 + size > length:
            raise ValueError("a chunk is cut short")
        chunks.setdefault(kind, data[start + 8 : start + 8 + size])
        start += 8 + size
        count += 1
        check_limit(count, MOST_CHUNKS, "chunks")
    return read_document(chunks[b"JSON"]), chunks.get(b"BIN\0", b"")


def read_document(data: bytes) -> dict:
    """The JSON document, whose values take many times their bytes of memory."""
    check_limit(sum(map(data.count, (b",", b"[", b"{"))), MOST_VALUES, "values in the document")
    return json.loads(data)


def read_buffers(document: dict, binary: bytes, path: Path) -> list[bytes]:
    """Every buffer's bytes: the binary chunk, base64 in the document, or another file."""
    buffers, total = [], 0
    for number, entry in enumerate(document.get("buffers", [])):
        uri = entry.get("uri")
        if uri is None:
            content = binary
        elif uri.startswith("data:"):
            check_limit(total + len(uri) * 3 // 4, LARGEST_FILE, "bytes in buffers")
            content = base64.b64decode(uri.partition(",")[2])
        else:
            file = below(path, unquote(uri))
            size = regular_file(file, "a buffer of the mesh")
            check_limit(total + size, LARGEST_FILE, "bytes in buffers")
            content = file.read_bytes()
        total += 0 if uri is None else len(content)
        if len(content) < whole(f"buffer {number}", entry, "byteLength"):
            raise InputError(
                f"buffer {number} has {len(content)} bytes, expected {entry['byteLength']}"
            )
        buffers.append(content)
    return buffers


def buffer_files(path: str | Path) -> list[Path]:
    """Files beside a .gltf file that hold its buffers.

    None of another kind of file, and none of one that can't be read or isn't there: whoever reads the
    mesh says what is wrong with it.
    """
    path = Path(path)
    if path.suffix.lower() != ".gltf":
        return []
    try:
        check_limit(regular_file(path, "a mesh"), LARGEST_FILE, "bytes")
        document, _ = read_container(path)
        uris = [entry.get("uri") for entry in document.get("buffers", [])]
        references = [unquote(uri) for uri in uris if uri and not uri.startswith("data:")]
        files = [path.parent / each for each in references if below(path, each).is_file()]
    except (InputError, *BROKEN):
        return []
    return files


def below(path: Path, reference: str) -> Path:
    """Where a reference leads, which must be below the folder of the file that has it.

    Raises:
        InputError: it is absolute, or leads out of the folder, be it through a link.
    """
    file = Path(os.path.realpath(path.parent / reference))
    # A link to a mesh file means the file, and what lies beside that.
    folders = {path.parent.resolve(), path.resolve().parent}
    if Path(reference).is_absolute() or not any(map(file.is_relative_to, folders)):
        raise InputError(
            f"a reference {reference[:200]!r} that leads out of the mesh's folder, expected a file "
            "below it"
        )
    return file


def whole(name: str, entry: dict, key: str, default: int | None = None) -> int:
    """A whole number from 0 up.

    Args:
        name: of the entry, for the message.
        default: where the entry has none; None if it must have one.
    """
    value = entry[key] if default is None else entry.get(key, default)
    if type(value) is not int or value < 0:
        raise InputError(f"{name} has a {key} of {value!r:.70}, expected a whole number from 0")
    return value


def floats(values: object, count: int) -> np.ndarray:
    """A list of so many numbers, float32 (count,)."""
    if (
        not isinstance(values, list | tuple)
        or len(values) != count
        or not all(type(value) in (int, float) for value in values)
    ):
        raise ValueError(f"found {str(values)[:70]}, expected {count} numbers")
    return np.array(values, np.float32)


def find(document: dict, kind: str, number: int) -> dict:
    """An entry of one of the document's lists, which are numbered from 0."""
    if type(number) is not int or number < 0:
        raise IndexError(f"number {str(number)[:70]} in {kind}")
    return document[kind][number]


def triangles_of(mesh: dict) -> list[dict]:
    """The primitives of a mesh that are triangles."""
    return [
        primitive
        for primitive in mesh["primitives"]
        if primitive.get("mode", TRIANGLES) == TRIANGLES
    ]


def mesh_places(document: dict) -> dict[int, list[np.ndarray]]:
    """Number of each mesh that a scene shows → matrices (4, 4) of the nodes that hold it."""
    places, steps = {}, 0
    for scene in document.get("scenes", []):
        # Of each node the one above it; of each that was reached its own matrix.
        waiting = [(number, None) for number in reversed(scene.get("nodes", []))]
        above, own = {}, {}
        while waiting:
            number, parent = waiting.pop()
            if number in above:
                raise ValueError(f"node {number} has two parents or is its own")
            node = find(document, "nodes", number)
            above[number], own[number] = parent, node_matrix(node)
            steps += 1
            if "mesh" in node:
                find(document, "meshes", node["mesh"])
                matrix = own[number]
                while parent is not None:
                    matrix = carried(matrix, own[parent])
                    parent = above[parent]
                    steps += 1
                    check_limit(steps, MOST_STEPS, "nodes on the way to its meshes")
                places.setdefault(node["mesh"], []).append(matrix)
            check_limit(steps, MOST_STEPS, "nodes on the way to its meshes")
            waiting += [(child, number) for child in reversed(node.get("children", []))]
    return places


def carried(matrix: np.ndarray, parent: np.ndarray) -> np.ndarray:
    """A node's matrix in the coordinates of the node above its parent."""
    moved = np.zeros((4, 4), np.float32)
    moved[:, :3] = transformed(matrix[:, :3], parent)
    moved[3] += parent[3]
    return moved


def node_matrix(node: dict) -> np.ndarray:
    """A node's own matrix, float32 (4, 4), for row vectors."""
    if "matrix" in node:
        return floats(node["matrix"], 16).reshape(4, 4)
    matrix = np.eye(4, dtype=np.float32)
    x, y, z, w = floats(node.get("rotation", (0, 0, 0, 1)), 4)
    rotation = [
        [1 - 2 * y * y - 2 * z * z, 2 * x * y + 2 * z * w, 2 * x * z - 2 * y * w],
        [2 * x * y - 2 * z * w, 1 - 2 * x * x - 2 * z * z, 2 * y * z + 2 * x * w],
        [2 * x * z + 2 * y * w, 2 * y * z - 2 * x * w, 1 - 2 * x * x - 2 * y * y],
    ]
    scale = floats(node.get("scale", (1, 1, 1)), 3)
    matrix[:3, :3] = np.array(rotation) * scale[:, None]
    matrix[3, :3] = floats(node.get("translation", (0, 0, 0)), 3)
    return matrix


def check_size(document: dict, places: Mapping[int, Sequence[np.ndarray]]) -> None:
    """Check how much there is to read, before any of it is.

    Raises:
        InputError: too many vertices or triangles, in all places together, or too many numbers.
    """
    parts = vertices = triangles = numbers = 0
    for number, mesh in enumerate(document.get("meshes", [])):
        copies = len(places.get(number, [None]))
        for primitive in triangles_of(mesh):
            parts += copies
            check_limit(parts, MOST_PARTS, "primitives")
            check_limit(len(primitive["attributes"]), MOST_ATTRIBUTES, "attributes")
            for name, at in primitive["attributes"].items():
                accessor = find(document, "accessors", at)
                count = whole(f"accessor {at}", accessor, "count")
                numbers += count * ELEMENTS[accessor["type"]]
                vertices += copies * count if name == "POSITION" else 0
            if "indices" in primitive:
                indices = find(document, "accessors", primitive["indices"])
                name = f"accessor {primitive['indices']}"
                triangles += copies * whole(name, indices, "count") // 3
            check_limit(vertices, MOST_VERTICES, "vertices")
            check_limit(triangles, MOST_TRIANGLES, "triangles")
            check_limit(numbers, MOST_NUMBERS, "numbers of vertices")


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
    if indices.shape[1] != 1 or len(indices) % 3:
        raise InputError(
            f"{len(indices)} indices of {indices.shape[1]} numbers, expected three of one number a "
            "triangle"
        )
    if indices.max() >= counts["POSITION"]:
        raise InputError(
            f"an index {indices.max()} where a primitive has {counts['POSITION']} vertices"
        )
    part = {
        name: data[attribute][:, :width].astype(np.float32)
        for attribute, (name, width) in ATTRIBUTES.items()
        if attribute in data
    }
    if "texcoords" in part:
        # glTF counts v downwards.
        part["texcoords"] = part["texcoords"] * np.float32([1, -1]) + np.float32([0, 1])
    return part | {"triangles": indices.astype(np.uint32).reshape(-1, 3)}


def read_accessor(document: dict, number: int, buffers: list[bytes]) -> np.ndarray:
    """An accessor's elements, (count, numbers of an element); normalised integers as float64.

    Raises:
        InputError: it has no data, they reach past the end of their view or buffer, or sparse places
            are out of order or past its end.
    """
    accessor = find(document, "accessors", number)
    name = f"accessor {number}"
    count, width = whole(name, accessor, "count"), ELEMENTS[accessor["type"]]
    kind = np.dtype(COMPONENTS[accessor["componentType"]])
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
        changed = whole(f"sparse data of {name}", sparse, "count")
        at = read_view(document, sparse["indices"], places, changed, 1, buffers, name)[:, 0]
        values = read_view(document, sparse["values"], kind, changed, width, buffers, name)
        if places.kind != "u" or at[-1] >= count or (at[1:] <= at[:-1]).any():
            raise InputError(f"{name} has sparse places out of order, or past its {count} elements")
        elements = elements.copy()
        elements[at] = values
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
    view_name = f"buffer view {number}"
    view_start = whole(view_name, view, "byteOffset", 0)
    view_length = whole(view_name, view, "byteLength")
    if view_start + view_length > buffer["byteLength"]:
        raise InputError(f"{view_name} reaches past its buffer's end")
    element = kind.itemsize * width
    start = whole(name, reference, "byteOffset", 0)
    stride = whole(view_name, view, "byteStride", element)
    if stride < element:
        raise InputError(f"{view_name} has a byteStride of {stride}, below an element's {element}")
    if count < 1 or start + stride * (count - 1) + element > view_length:
        raise InputError(f"{name} has {count} elements, not what its buffer view holds")
    return np.ndarray(
        (count, width), kind, buffers[view["buffer"]], view_start + start, (stride, kind.itemsize)
    )
