"""Mesh files: undamaged ones, and a slow reader after the standards that says what damaged ones hold."""

import base64
import json
import struct
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from inverse_shading.scene.mesh import Mesh, load_mesh
from tests.fuzz.harness import RIGHT, Input, Kind, Trial
from tests.fuzz.mutation import damage, damage_json, damage_text, encoded
from tests.support.meshes import Document, glb, write_obj

# The letters that `struct` gives glTF's kinds of numbers, and numbers of an element.
LETTERS = {5120: "b", 5121: "B", 5122: "h", 5123: "H", 5125: "I", 5126: "f"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}


class BrokenError(Exception):
    """What in a file no reader may take."""


def require(held: bool, what: str) -> None:
    if not held:
        raise BrokenError(what)


@lru_cache
def ball() -> Mesh:
    """A sphere of a few triangles with all vertex data."""
    around, down = np.meshgrid(
        np.linspace(0, 2 * np.pi, 7), np.linspace(0.4, 2.7, 4), indexing="ij"
    )
    normals = np.stack(
        [np.sin(down) * np.sin(around), np.cos(down), np.sin(down) * np.cos(around)], -1
    ).reshape(-1, 3)
    tangents = np.stack([np.cos(around), 0 * around, -np.sin(around)], -1).reshape(-1, 3)
    texcoords = np.stack([around / 7, down / 3], -1).reshape(-1, 2)
    corner = np.arange(6)[:, None] * 4 + np.arange(3)
    quads = np.stack([corner, corner + 1, corner + 5, corner, corner + 5, corner + 4], -1)
    data = (normals, normals, tangents, texcoords)
    return Mesh(*(part.astype(np.float32) for part in data), quads.reshape(-1, 3).astype(np.uint32))


def ball_document(sparse: bool = False) -> tuple[dict, bytes]:
    """The ball as glTF; if sparse, some of its positions are told apart."""
    document = Document()
    document.primitive(document.attributes(ball()), ball().triangles.astype("<u2"))
    if sparse:
        places = np.arange(0, 12, 3, dtype="<u2")
        document.json["accessors"][0]["sparse"] = {
            "count": len(places),
            "indices": {"bufferView": document.view(places), "componentType": 5123},
            "values": {"bufferView": document.view(ball().positions[places])},
        }
    return document.finished()


def with_data_uri(document: dict, content: bytes) -> bytes:
    """A .gltf file with its buffer inside."""
    uri = "data:application/octet-stream;base64," + base64.b64encode(content).decode()
    return encoded(document | {"buffers": [{"byteLength": len(content), "uri": uri}]})


def glb_bytes(generator: np.random.Generator | None) -> bytes:
    content = glb(*ball_document())
    return content if generator is None else damage(content, generator).content


def glb_members(generator: np.random.Generator | None) -> bytes:
    document, content = ball_document()
    return glb(document if generator is None else damage_json(document, generator), content)


def gltf_members(generator: np.random.Generator | None) -> bytes:
    document = json.loads(with_data_uri(*ball_document(sparse=True)))
    return encoded(document if generator is None else damage_json(document, generator))


def obj_words(generator: np.random.Generator | None, folder: Path) -> bytes:
    path = folder / "whole.obj"
    write_obj(path, ball(), normals=True, texcoords=True, corners=3)
    text = path.read_text()
    if generator is None:
        return text.encode()
    if generator.integers(2):
        return damage(text.encode(), generator).content
    return damage_text(text, generator).encode()


def elements(document: dict, number: int, buffers: list[bytes]) -> list[tuple]:
    """An accessor's elements, read one by one as glTF 2.0 says."""

    def entry(kind: str, place: int) -> dict:
        require(0 <= place < len(document[kind]), f"no {kind} {place}")
        return document[kind][place]

    def view(reference: dict, letter: str, width: int, count: int) -> list[tuple]:
        own = entry("bufferViews", reference["bufferView"])
        buffer = buffers[own["buffer"] if own["buffer"] >= 0 else len(buffers)]
        first, size = own.get("byteOffset", 0), struct.calcsize("<" + letter * width)
        stride, start = own.get("byteStride", size), reference.get("byteOffset", 0)
        require(first >= 0 and start >= 0, f"an offset of {first} or {start}")
        require(stride >= size, f"a stride of {stride} for {size} bytes")
        require(first + own["byteLength"] <= len(buffer), "a view past its buffer's end")
        end = start + stride * (count - 1) + size
        require(count > 0 and end <= own["byteLength"], f"{count} elements past their view's end")
        return [
            struct.unpack_from("<" + letter * width, buffer, first + start + stride * i)
            for i in range(count)
        ]

    accessor = entry("accessors", number)
    letter, width = LETTERS[accessor["componentType"]], WIDTHS[accessor["type"]]
    count = accessor["count"]
    if accessor.get("bufferView") is None:
        values = [(0,) * width] * count
    else:
        values = view(accessor, letter, width, count)
    if accessor.get("sparse") is not None:
        sparse = accessor["sparse"]
        code = LETTERS[sparse["indices"]["componentType"]]
        places = view(sparse["indices"], code, 1, sparse["count"])
        changed = view(sparse["values"], letter, width, sparse["count"])
        for (place,), value in zip(places, changed, strict=True):
            require(0 <= place < count, f"a sparse place {place} of {count}")
            values[place] = value
    return values


def wrong_gltf(path: Path, found: Mesh) -> str | None:
    """What is wrong with a mesh that a glTF file was taken for."""
    content = path.read_bytes()
    if path.suffix == ".glb":
        length = struct.unpack_from("<I", content, 12)[0]
        document = json.loads(content[20 : 20 + length])
        buffers = [content[28 + length :]]
    else:
        document = json.loads(content)
        uris = [buffer["uri"] for buffer in document["buffers"]]
        buffers = [base64.b64decode(uri.partition(",")[2]) for uri in uris]
    positions, triangles = [], []
    for mesh in document["meshes"]:
        for primitive in mesh["primitives"]:
            if primitive.get("mode", 4) != 4:
                continue
            data = {
                name: elements(document, at, buffers)
                for name, at in primitive["attributes"].items()
            }
            places = [place for (place,) in elements(document, primitive["indices"], buffers)]
            vertices = data["POSITION"]
            require(
                all(0 <= place < len(vertices) for place in places), "an index past the vertices"
            )
            triangles += [
                tuple(place + len(positions) for place in places[i : i + 3])
                for i in range(0, len(places) - 2, 3)
            ]
            positions += vertices
    broken = wrong_mesh(found)
    whole, _ = ball_document()
    # Elsewhere nodes move, repeat or leave out what meshes hold.
    as_they_are = all(document.get(part) == whole[part] for part in ("nodes", "scenes"))
    if broken or not as_they_are:
        return broken
    # Only floats are taken as they are written.
    if np.array_equal(found.positions, np.array(positions, np.float32)[:, :3]):
        more = set(map(tuple, found.triangles.tolist())) - set(triangles)
        return f"triangles that the file hasn't: {more}" if more else None
    return "positions that the file hasn't"


def wrong_obj(path: Path, found: Mesh) -> str | None:
    """What is wrong with a mesh that an OBJ file was taken for."""
    lines = [line.partition(b"#")[0].split() for line in path.read_bytes().splitlines()]
    points = {
        tuple(
            np.array([float(word) for word in [*line[1:], "0", "0", "0"][:3]], np.float32).tolist()
        )
        for line in lines
        if line[:1] == [b"v"]
    }
    most = sum(max(0, len(line) - 3) for line in lines if line[:1] == [b"f"])
    used = {tuple(row) for row in found.positions[np.unique(found.triangles)].tolist()}
    if not used <= points:
        return f"positions that the file hasn't: {sorted(used - points)[:3]}"
    if len(found.triangles) > most:
        return f"{len(found.triangles)} triangles, the file has {most}"
    return wrong_mesh(found)


def wrong_mesh(found: Mesh) -> str | None:
    """What of a mesh breaks the promise of `Mesh`, wherever it is from."""
    if not len(found.triangles) or found.triangles.max() >= len(found.positions):
        return "no triangles, or past the vertices"
    used = np.unique(found.triangles)
    for name in ("normals", "tangents"):
        lengths = np.linalg.norm(getattr(found, name)[used], axis=1)
        if not np.allclose(lengths, 1, atol=1e-3):
            return f"{name} that aren't of unit length"
    return None if np.isfinite(found.positions[used]).all() else "positions that aren't finite"


def make(
    write: Callable[[np.random.Generator | None], bytes],
    suffix: str,
    one: Input,
    folder: Path,
    shared: Path,
) -> Trial:
    """A damaged mesh; number 0 is undamaged."""
    path = folder / f"mesh{suffix}"
    more = (folder,) if suffix == ".obj" else ()
    path.write_bytes(write(one.generator if one.number else None, *more))
    wrong = wrong_obj if suffix == ".obj" else wrong_gltf
    expected = None if one.number else RIGHT
    return Trial(lambda: load_mesh(path), partial(wrong, path), (path.name,), expected)


KINDS = {
    name: Kind("meshes, mutated", 750, partial(make, write, suffix))
    for name, write, suffix in (
        ("glb bytes", glb_bytes, ".glb"),
        ("glb members", glb_members, ".glb"),
        ("gltf members", gltf_members, ".gltf"),
        ("obj", obj_words, ".obj"),
    )
}
