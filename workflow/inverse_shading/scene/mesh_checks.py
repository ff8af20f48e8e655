"""Checks of a mesh file that MaterialX's loaders leave out: they would read past the data's end.

Only what can crash or mislead a loader is looked at (glTF 2.0, sections 3.6, 3.7 and 4.4; Wavefront
OBJ's `v`, `vt`, `vn` and `f`).
"""

import base64
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import numpy as np

# Bytes of a number and numbers of an element, by the names that glTF gives them.
COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
ELEMENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
TRIANGLES = 4
# What a corner of an OBJ face refers to, in the order of its numbers.
OBJ_DATA = {b"v": "vertex", b"vt": "texture coordinate", b"vn": "normal"}

COMPRESSION = ("KHR_draco_mesh_compression", "EXT_meshopt_compression")


def mesh_file_problem(path: Path) -> str | None:
    """Say what is wrong with an .obj, .glb or .gltf file; None if a loader can be let at it."""
    try:
        if path.suffix.lower() == ".obj":
            return next(obj_problems(path.read_bytes()), None)
        document, binary = read_container(path)
        return next(document_problems(document, binary, path.parent), None)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, struct.error) as error:
        # A missing or mistyped member of the document raises one of these, wherever it is.
        return f"not a whole mesh file ({type(error).__name__}: {error})"


def obj_problems(content: bytes) -> Iterator[str]:
    """Positions and normals that are no numbers (the loader makes 0 of them), and stray faces."""
    counts, highest = dict.fromkeys(OBJ_DATA, 0), dict.fromkeys(OBJ_DATA, 0)
    for number, line in enumerate(content.splitlines(), start=1):
        kind, *words = line.partition(b"#")[0].split() or [b""]
        if kind in (b"v", b"vn") and not np.isfinite([float(word) for word in words]).all():
            yield f"line {number} has values that are not finite numbers"
        if kind in counts:
            counts[kind] += 1
        elif kind == b"f":
            for kind, place in corner_numbers(words):
                # Numbers below zero count back from the last one so far.
                if place == 0 or place < -counts[kind]:
                    yield f"line {number} has a face of a {OBJ_DATA[kind]} before the first"
                highest[kind] = max(highest[kind], place)
    for kind, name in OBJ_DATA.items():
        if highest[kind] > counts[kind]:
            yield f"a face of {name} {highest[kind]} where the file has {counts[kind]}"


def corner_numbers(words: list[bytes]) -> Iterator[tuple[bytes, int]]:
    """Which `v`, `vt` and `vn` a face refers to: `1`, `1/2`, `1//3` or `1/2/3` a corner."""
    for word in words:
        for kind, place in zip(OBJ_DATA, word.split(b"/"), strict=False):
            if place:
                yield kind, int(place)


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


def document_problems(document: dict, binary: bytes, folder: Path) -> Iterator[str]:
    """All that is wrong with what the meshes refer to."""
    for name in COMPRESSION:
        if name in document.get("extensionsRequired", []):
            yield f"compressed by {name}, which MaterialX can't read"
    buffers = [read_buffer(entry, binary, folder) for entry in document.get("buffers", [])]
    for index, (entry, content) in enumerate(
        zip(document.get("buffers", []), buffers, strict=True)
    ):
        if len(content) < entry["byteLength"]:
            yield f"buffer {index} has {len(content)} bytes, expected {entry['byteLength']}"
    for mesh in document.get("meshes", []):
        for primitive in mesh["primitives"]:
            if primitive.get("mode", TRIANGLES) != TRIANGLES:
                continue
            if "indices" not in primitive:
                yield "a primitive without indices, which MaterialX can't read"
                continue
            attributes = primitive["attributes"]
            if "POSITION" not in attributes:
                yield "a primitive without positions"
                continue
            for accessor in {*attributes.values(), primitive["indices"]}:
                yield from accessor_problems(document, accessor)
            counts = {name: document["accessors"][at]["count"] for name, at in attributes.items()}
            if len(set(counts.values())) != 1:
                yield f"a primitive whose vertex data have different lengths: {counts}"
            yield from index_problems(document, primitive["indices"], counts["POSITION"], buffers)


def read_buffer(entry: dict, binary: bytes, folder: Path) -> bytes:
    """A buffer's bytes: the binary chunk, base64 in the document, or another file."""
    uri = entry.get("uri")
    if uri is None:
        return binary
    if uri.startswith("data:"):
        return base64.b64decode(uri.partition(",")[2])
    return (folder / unquote(uri)).read_bytes()


def accessor_span(document: dict, accessor: dict) -> tuple[int, int, int]:
    """Start of an accessor's data in its buffer, distance of its elements, end of its last one."""
    view = document["bufferViews"][accessor["bufferView"]]
    element = np.dtype(COMPONENTS[accessor["componentType"]]).itemsize * ELEMENTS[accessor["type"]]
    stride = view.get("byteStride", element)
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    return start, stride, start + stride * (accessor["count"] - 1) + element


def accessor_problems(document: dict, index: int) -> Iterator[str]:
    """Does an accessor's data lie within its view, and the view within its buffer?"""
    accessor = document["accessors"][index]
    if "bufferView" not in accessor:
        if "sparse" not in accessor:
            yield f"accessor {index} has no data"
        return
    view = document["bufferViews"][accessor["bufferView"]]
    view_end = view.get("byteOffset", 0) + view["byteLength"]
    if view_end > document["buffers"][view["buffer"]]["byteLength"]:
        yield f"buffer view {accessor['bufferView']} reaches past its buffer's end"
    if accessor["count"] < 1 or accessor_span(document, accessor)[2] > view_end:
        yield f"accessor {index} has {accessor['count']} elements, not what its buffer view holds"


def index_problems(
    document: dict, index: int, vertices: int, buffers: list[bytes]
) -> Iterator[str]:
    """Is each index the number of a vertex? Sparse indices, which nobody writes, are left alone."""
    accessor = document["accessors"][index]
    if "bufferView" not in accessor:
        return
    start, stride, end = accessor_span(document, accessor)
    content = buffers[document["bufferViews"][accessor["bufferView"]]["buffer"]][start:end]
    kind = np.dtype(COMPONENTS[accessor["componentType"]])
    numbers = np.ndarray((accessor["count"],), kind, content, strides=(stride,))
    if numbers.max() >= vertices:
        yield f"an index {numbers.max()} where a primitive has {vertices} vertices"
