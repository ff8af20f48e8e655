"""A mesh as binary glTF, so that the official renderer loads what ours draws."""

import json
import struct
from pathlib import Path

import numpy as np

FLOAT, UNSIGNED_INT = 5126, 5125
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963


def write_glb(path: Path, mesh, node: dict | None = None, with_tangents: bool = True) -> None:
    """Write one mesh under one node.

    Args:
        mesh: an `inverse_shading.scene.mesh.Mesh`.
        node: the node's translation, rotation (quaternion x, y, z, w) and scale.
    """
    streams = {
        "POSITION": mesh.positions,
        "NORMAL": mesh.normals,
        "TEXCOORD_0": mesh.texcoords,
    }
    if with_tangents:
        # The fourth number is the bitangent's sign.
        streams["TANGENT"] = np.pad(mesh.tangents, ((0, 0), (0, 1)), constant_values=1)
    views, accessors, attributes, content = [], [], {}, b""

    def add(data: np.ndarray, kind: str, component: int, target: int) -> int:
        nonlocal content
        data = np.ascontiguousarray(data)
        views.append({"buffer": 0, "byteOffset": len(content), "byteLength": data.nbytes, "target": target})  # fmt: skip
        accessor = {"bufferView": len(views) - 1, "componentType": component, "count": len(data), "type": kind}  # fmt: skip
        if kind == "VEC3":
            accessor |= {"min": data.min(axis=0).tolist(), "max": data.max(axis=0).tolist()}
        accessors.append(accessor)
        content += data.tobytes()
        return len(accessors) - 1

    for name, data in streams.items():
        attributes[name] = add(data.astype("<f4"), f"VEC{data.shape[1]}", FLOAT, ARRAY_BUFFER)
    triangles = mesh.triangles.astype("<u4").reshape(-1)
    indices = add(triangles, "SCALAR", UNSIGNED_INT, ELEMENT_ARRAY_BUFFER)
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "object"} | (node or {})],
        "meshes": [
            {"name": "mesh", "primitives": [{"attributes": attributes, "indices": indices}]}
        ],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(content)}],
    }
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    content += b"\0" * (-len(content) % 4)
    length = 12 + 8 + len(text) + 8 + len(content)
    path.write_bytes(
        struct.pack("<4sII", b"glTF", 2, length)
        + struct.pack("<I4s", len(text), b"JSON")
        + text
        + struct.pack("<I4s", len(content), b"BIN\0")
        + content
    )
