"""A mesh with one glTF material as a .glb file, glTF 2.0."""

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from inverse_shading import __version__
from inverse_shading.scene.stage_file import StageMesh

# Of the container and its chunks, and what pads JSON and bytes to whole words.
MAGIC, VERSION = b"glTF", 2
CHUNKS = ((b"JSON", b" "), (b"BIN\0", b"\0"))

# Enumerants of OpenGL that the format takes over.
FLOAT, UNSIGNED_INT = 5126, 5125
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963

# Where the format keeps inputs of gltf_pbr that it has no place for itself, and what may be left out.
EXTENSIONS = {
    "KHR_materials_specular": {
        "specularFactor": "specular",
        "specularColorFactor": "specular_color",
    },
    "KHR_materials_ior": {"ior": "ior"},
    "KHR_materials_clearcoat": {
        "clearcoatFactor": "clearcoat",
        "clearcoatRoughnessFactor": "clearcoat_roughness",
    },
}
SPARE_EXTENSIONS = ("KHR_materials_clearcoat",)


def glb_bytes(mesh: StageMesh, values: Mapping[str, Any]) -> bytes:
    """The file.

    Args:
        values: inputs of gltf_pbr: base_color, metallic, roughness, those of the extensions
            KHR_materials_specular and _ior, and those of _clearcoat or none of them.
    """
    material = _material(values)
    parts = [
        (mesh.positions, "VEC3", FLOAT, ARRAY_BUFFER),
        (mesh.normals, "VEC3", FLOAT, ARRAY_BUFFER),
        (mesh.triangles.reshape(-1), "SCALAR", UNSIGNED_INT, ELEMENT_ARRAY_BUFFER),
    ]
    views, accessors, content = [], [], b""
    for array, kind, component, usage in parts:
        data = np.ascontiguousarray(array).tobytes()
        views.append(
            {"buffer": 0, "byteOffset": len(content), "byteLength": len(data), "target": usage}
        )
        accessors.append(
            {
                "bufferView": len(views) - 1,
                "componentType": component,
                "count": len(array),
                "type": kind,
            }
        )
        content += data
    accessors[0] |= {
        "min": mesh.positions.min(axis=0).tolist(),
        "max": mesh.positions.max(axis=0).tolist(),
    }
    document = {
        "asset": {"version": "2.0", "generator": f"inverse-shading {__version__}"},
        "extensionsUsed": sorted(material["extensions"]),
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [
            {
                "primitives": [
                    {"attributes": {"POSITION": 0, "NORMAL": 1}, "indices": 2, "material": 0}
                ]
            }
        ],
        "materials": [material],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(content)}],
    }
    text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    body = b""
    for (name, padding), chunk in zip(CHUNKS, (text, content), strict=True):
        chunk += padding * (-len(chunk) % 4)
        body += struct.pack("<I4s", len(chunk), name) + chunk
    return struct.pack("<4sII", MAGIC, VERSION, 12 + len(body)) + body


def _material(values: Mapping[str, Any]) -> dict:
    extensions = {
        name: {factor: values[key] for factor, key in factors.items()}
        for name, factors in EXTENSIONS.items()
        if name not in SPARE_EXTENSIONS or values.keys() >= set(factors.values())
    }
    return {
        "pbrMetallicRoughness": {
            "baseColorFactor": [*values["base_color"], 1.0],
            "metallicFactor": values["metallic"],
            "roughnessFactor": values["roughness"],
        },
        "extensions": extensions,
        # The stage shows back faces too.
        "doubleSided": True,
    }
