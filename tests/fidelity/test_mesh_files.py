"""Mesh files give the vertices that MaterialX's own loaders give, which the official renderer draws."""

import base64
import json
from dataclasses import replace

import MaterialX as mx
import numpy as np
import pytest

from inverse_shading.scene.mesh import load_mesh
from tests.support.meshes import ATTRIBUTES, Document, torus, write_glb, write_obj

TORUS = torus()
# Across and along, so that no tangent of the file is the one that texture coordinates give.
FILES = replace(TORUS, tangents=TORUS.tangents + 0.7 * np.cross(TORUS.normals, TORUS.tangents))
NODE = {
    "translation": [0.5, -2, 1],
    "rotation": [0.2, 0.4, 0.1, 0.888819],
    "scale": [2, 1.5, 0.7],
}
MIRROR = {"matrix": [-1, 0, 0, 0, 0, 0.8, 0.6, 0, 0, -0.6, 0.8, 0, 1, 0, 2, 1]}


def official(path):
    """Positions, normals and tangents of every triangle's corners, (triangles, 3, 3) each; count."""
    mx_render = pytest.importorskip("MaterialX.PyMaterialXRender")
    handler = mx_render.GeometryHandler.create()
    handler.addLoader(mx_render.TinyObjLoader.create())
    handler.addLoader(mx_render.CgltfLoader.create())
    assert handler.loadGeometry(mx.FilePath(str(path)), False)
    found = {"position": [], "normal": [], "tangent": []}
    for mesh in handler.getMeshes():
        parts = [mesh.getPartition(index) for index in range(mesh.getPartitionCount())]
        triangles = np.concatenate([part.getIndices() for part in parts]).reshape(-1, 3)
        for kind, corners in found.items():
            stream = mesh.getStream(kind, 0)
            data = np.array(stream.getData(), np.float32).reshape(-1, stream.getStride())
            corners.append(data[triangles.astype(int), :3])
    vertices = sum(mesh.getVertexCount() for mesh in handler.getMeshes())
    return *(np.concatenate(corners) for corners in found.values()), vertices


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def assert_like_the_official(path, with_normals=True):
    mesh = load_mesh(path)
    positions, normals, tangents, vertices = official(path)
    assert len(mesh.positions) == vertices
    np.testing.assert_allclose(mesh.positions[mesh.triangles], positions, atol=1e-5)
    np.testing.assert_allclose(mesh.tangents[mesh.triangles], unit(tangents), atol=1e-4)
    # Ours are smooth where a file has none.
    if with_normals:
        np.testing.assert_allclose(mesh.normals[mesh.triangles], unit(normals), atol=1e-5)
    return mesh


@pytest.mark.parametrize("names", [ATTRIBUTES[:1], ATTRIBUTES[::2][:2], ATTRIBUTES[:2], ATTRIBUTES[:3], (*ATTRIBUTES[:2], "TANGENT"), ATTRIBUTES], ids=" ".join)  # fmt: skip
def test_gltf_with_and_without_attributes_under_a_transform(tmp_path, names):
    write_glb(tmp_path / "mesh.glb", FILES, NODE, names)
    assert_like_the_official(tmp_path / "mesh.glb", "NORMAL" in names)


@pytest.mark.parametrize("corners", [3, 4])
@pytest.mark.parametrize("texcoords", [True, False], ids=["texcoords", ""])
@pytest.mark.parametrize("normals", [True, False], ids=["normals", ""])
def test_obj_with_and_without_normals_and_texture_coordinates(
    tmp_path, normals, texcoords, corners
):
    write_obj(tmp_path / "mesh.obj", TORUS, normals, texcoords, corners)
    assert_like_the_official(tmp_path / "mesh.obj", normals)


POINTS = "v 0 0 0\nv 2 0 0\nv 2 2 0\nv 1 0.5 0\nv 0 2 0\nv 1 1 1\n"
TEXTS = {
    "a concave polygon": POINTS + "f 1 2 3 4 5\nf 1 2 6\n",
    "a concave quad": POINTS + "f 2 4 5 1\nf 4 5 1 2\nf 5 1 2 4\n",
    "a bent quad": POINTS + "f 1 2 3 6\n",
    "numbers that count back": "v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1\nv 0 0 1\nf -4 -3 -1\n",
    "objects, groups, lines": "mtllib no.mtl\no a\n" + POINTS + "usemtl b\ns 1\nf 1 2 3\ng c\nl 1 2\nf 1 2 6\n",
    "colours, tabs and carriage returns": "v\t0 0 0 1 0 0\r\n v 1 0 0 1 0 0\r\nv 0 1 0 1 1 1 \r\nf\t1 2  3\r\n",
    "a face of two corners": POINTS + "f 1 2\nf 1 2 3\n",
    "a vertex after its face": "v 0 0 0\nf 1 2 3\nv 1 0 0\nv 0 1 0\n",
    "a vertex given twice": POINTS + "v 0 0 0\nv 2 0 0\nf 1 2 3\nf 7 8 6\n",
    "a default texture coordinate": POINTS + "vt 0 0\nvt 1 0\nvt 0 1\nf 1/1 2/2 6/3\nf 1 2 3\n",
    "mixed corners": POINTS + "vt 0 0\nvt 1 0\nvt 0 1\nvn 0 0 1\nf 2//1 3//1 5//1\nf 3/1 4/2 5/3\n",
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_obj_of_many_kinds(tmp_path, text):
    (tmp_path / "mesh.obj").write_bytes(text.encode())
    assert_like_the_official(tmp_path / "mesh.obj", with_normals=False)


def quantised(document):
    """16-bit integers eight bytes apart, which the scale of -1 to 1 makes numbers."""
    values = np.pad((FILES.positions / 1.5 * 32767).round(), ((0, 0), (0, 1))).astype("<i2")
    view = document.view(values, byteStride=8)
    document.json["extensionsRequired"] = ["KHR_mesh_quantization"]
    texcoords = (FILES.texcoords * 65535).round().astype("<u2")
    document.primitive(
        document.attributes(FILES, ["NORMAL"])
        | {"POSITION": document.accessor(values[:, :3], view, normalized=True)}
        | {"TEXCOORD_0": document.accessor(texcoords, normalized=True)},
        FILES.triangles.astype("<u2"),
    )


def sparse(document):
    """500 vertices stand elsewhere than the accessor's own view says."""
    attributes = document.attributes(FILES, ATTRIBUTES[:3])
    document.json["accessors"][attributes["POSITION"]]["sparse"] = {
        "count": 500,
        "indices": {
            "bufferView": document.view(np.arange(0, 1000, 2, dtype="<u2")),
            "componentType": 5123,
        },
        "values": {"bufferView": document.view(FILES.positions[:1000:2] * np.float32(1.2))},
    }
    document.primitive(attributes, FILES.triangles)


def interleaved(document):
    records = np.concatenate([FILES.positions, FILES.normals, FILES.texcoords], axis=1)
    view = document.view(records.astype("<f4"), byteStride=32)
    attributes = {
        "POSITION": document.accessor(FILES.positions, view),
        "NORMAL": document.accessor(FILES.normals, view, byteOffset=12),
        "TEXCOORD_0": document.accessor(FILES.texcoords, view, byteOffset=24),
    }
    document.primitive(attributes, FILES.triangles)


def instances(document):
    """Two primitives, one without normals, twice in a hierarchy, below a mesh and mirrored."""
    document.primitive(document.attributes(FILES, ATTRIBUTES[:3]), FILES.triangles)
    document.primitive(document.attributes(FILES, ATTRIBUTES), FILES.triangles[:100])
    document.json["nodes"] = [{"mesh": 0, "children": [1]} | NODE, {"children": [2]}]
    document.json["nodes"] += [{"mesh": 0} | MIRROR]


def lines_too(document):
    attributes = document.attributes(FILES, ATTRIBUTES)
    document.primitive(attributes | {"TEXCOORD_1": attributes["TEXCOORD_0"]}, FILES.triangles)
    document.primitive(attributes, FILES.triangles, mode=1)


def two_scenes(document):
    document.primitive(document.attributes(FILES, ATTRIBUTES), FILES.triangles)
    document.json["scenes"].append({"nodes": [1]})
    document.json["nodes"].append({"mesh": 0} | NODE)


def not_in_a_scene(document):
    document.primitive(document.attributes(FILES, ATTRIBUTES), FILES.triangles)
    document.json["nodes"][0] |= NODE
    del document.json["scenes"], document.json["scene"]


@pytest.mark.parametrize("fill", [quantised, sparse, interleaved, instances, lines_too, two_scenes, not_in_a_scene])  # fmt: skip
def test_gltf_of_many_kinds(tmp_path, fill):
    document = Document()
    fill(document)
    document.save(tmp_path / "mesh.glb")
    mesh = assert_like_the_official(tmp_path / "mesh.glb")
    assert len(mesh.triangles) >= len(FILES.triangles)


@pytest.mark.parametrize("inside", [True, False], ids=["in the document", "beside it"])
def test_gltf_with_its_buffer_elsewhere(tmp_path, inside):
    document = Document(**NODE)
    document.primitive(document.attributes(FILES, ATTRIBUTES), FILES.triangles)
    document, content = document.finished()
    (tmp_path / "a buffer.bin").write_bytes(content)
    coded = "data:application/octet-stream;base64," + base64.b64encode(content).decode()
    document["buffers"][0]["uri"] = coded if inside else "a%20buffer.bin"
    (tmp_path / "mesh.gltf").write_text(json.dumps(document))
    assert_like_the_official(tmp_path / "mesh.gltf")
