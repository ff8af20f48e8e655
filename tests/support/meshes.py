"""Mesh files for tests."""

import json
import struct
from pathlib import Path

import numpy as np

from inverse_shading.scene.mesh import Mesh

TETRAHEDRON = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.uint32)

OBJ = """v 0 0 0
v 1 0 0
v 0 1 0
v 0 0 1
f 1 3 2
f 1 2 4
f 1 4 3
f 2 3 4
"""

COMPONENTS = {"f4": 5126, "u4": 5125, "u2": 5123, "i2": 5122}
ATTRIBUTES = ("POSITION", "NORMAL", "TEXCOORD_0", "TANGENT")


class Document:
    """A glTF document in the making, of one mesh under one node, and its binary chunk."""

    def __init__(self, **node):
        self.json = {
            "asset": {"version": "2.0"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [{"mesh": 0} | node],
            "meshes": [{"primitives": []}],
            "accessors": [],
            "bufferViews": [],
        }
        self.content = b""

    def view(self, data: np.ndarray, **more) -> int:
        data = np.ascontiguousarray(data).tobytes()
        view = {"buffer": 0, "byteOffset": len(self.content), "byteLength": len(data)}
        self.json["bufferViews"].append(view | more)
        self.content += data + b"\0" * (-len(data) % 4)
        return len(self.json["bufferViews"]) - 1

    def accessor(self, data: np.ndarray, view: int | None = None, **more) -> int:
        """An accessor of an array (count,) or (count, width), in a view of its own or a given one."""
        accessor = {
            "bufferView": self.view(data) if view is None else view,
            "componentType": COMPONENTS[data.dtype.str[1:]],
            "count": len(data),
            "type": "SCALAR" if data.ndim == 1 else f"VEC{data.shape[1]}",
        }
        self.json["accessors"].append(accessor | more)
        return len(self.json["accessors"]) - 1

    def primitive(self, attributes: dict, triangles: np.ndarray, **more) -> None:
        indices = self.accessor(triangles.reshape(-1))
        primitive = {"attributes": attributes, "indices": indices}
        self.json["meshes"][0]["primitives"].append(primitive | more)

    def attributes(self, mesh: Mesh, names=ATTRIBUTES) -> dict:
        """Accessors of what a mesh has."""
        data = {
            "POSITION": mesh.positions,
            "NORMAL": mesh.normals,
            "TEXCOORD_0": mesh.texcoords,
            # The fourth number is the bitangent's sign.
            "TANGENT": np.pad(mesh.tangents, ((0, 0), (0, 1)), constant_values=1),
        }
        return {name: self.accessor(data[name].astype("<f4")) for name in names}

    def finished(self) -> tuple[dict, bytes]:
        return self.json | {"buffers": [{"byteLength": len(self.content)}]}, self.content

    def save(self, path: Path) -> None:
        path.write_bytes(glb(*self.finished()))


def gltf(positions=TETRAHEDRON, faces=FACES, **node):
    """A document of positions and indices alone under one node, and its binary chunk."""
    document = Document(**node)
    document.primitive({"POSITION": document.accessor(positions)}, faces)
    return document.finished()


def glb(document, content):
    """The bytes of a .glb file."""
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text
    body += struct.pack("<I4s", len(content), b"BIN\0") + content
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


def write_glb(path: Path, mesh: Mesh, node: dict | None = None, names=ATTRIBUTES) -> None:
    """Write one mesh under one node.

    Args:
        node: the node's translation, rotation (quaternion x, y, z, w) and scale.
        names: of the attributes that the file has.
    """
    document = Document(**(node or {}))
    document.primitive(document.attributes(mesh, names), mesh.triangles.astype("<u4"))
    document.save(path)


def write_obj(path: Path, mesh: Mesh, normals: bool, texcoords: bool, corners: int = 3) -> None:
    """Write a mesh as Wavefront OBJ, with 4 corners of a face in place of each two triangles."""
    data = {"v": mesh.positions, "vt": mesh.texcoords[: None if texcoords else 0]}
    data["vn"] = mesh.normals[: None if normals else 0]
    lines = [
        " ".join([kind, *map(repr, row)]) for kind, rows in data.items() for row in rows.tolist()
    ]
    word = "{0}" + ("/{0}" if texcoords else "/" if normals else "") + ("/{0}" if normals else "")
    faces = mesh.triangles
    if corners == 4:
        faces = np.concatenate([faces[::2], faces[1::2, 2:]], axis=1)
    lines += [
        "f " + " ".join(word.format(place) for place in face) for face in (faces + 1).tolist()
    ]
    path.write_text("\n".join(lines) + "\n")


def torus() -> Mesh:
    """A thick ring with its own texture coordinates, standing upright."""
    around, across = np.meshgrid(
        np.linspace(0, 2 * np.pi, 97), np.linspace(0, 2 * np.pi, 49), indexing="ij"
    )
    ring = np.stack([np.cos(around), np.sin(around), np.zeros_like(around)], axis=-1)
    normals = ring * np.cos(across)[..., None]
    normals[..., 2] = np.sin(across)
    tangents = np.stack([-np.sin(around), np.cos(around), np.zeros_like(around)], axis=-1)
    texcoords = np.stack([around, across], axis=-1) / (2 * np.pi)
    a = np.arange(96)[:, None] * 49 + np.arange(48)
    quads = np.stack([a, a + 49, a + 50, a, a + 50, a + 1], axis=-1)
    return Mesh(
        (ring + 0.4 * normals).reshape(-1, 3).astype(np.float32),
        normals.reshape(-1, 3).astype(np.float32),
        tangents.reshape(-1, 3).astype(np.float32),
        texcoords.reshape(-1, 2).astype(np.float32),
        quads.reshape(-1, 3).astype(np.uint32),
    )
