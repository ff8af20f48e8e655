"""The built-in shader ball, and users' meshes."""

import base64
import json
import os
import struct

import numpy as np
import pytest

from inverse_shading.runtime.errors import InputError
from inverse_shading.scene import gltf_file, obj_file
from inverse_shading.scene.gltf_file import buffer_files
from inverse_shading.scene.mesh import load_mesh
from inverse_shading.scene.mesh_limits import LARGEST_FILE
from inverse_shading.scene.shader_ball import shader_ball
from tests.support.meshes import COMPONENTS, FACES, OBJ, TETRAHEDRON, Document, glb, gltf


@pytest.fixture(scope="module")
def ball():
    return shader_ball()


def triangle_normals(mesh):
    corners = mesh.positions[mesh.triangles].astype(float)
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def test_the_ball_is_the_same_every_time(ball):
    again = shader_ball()
    for name in ("positions", "normals", "tangents", "texcoords", "triangles"):
        np.testing.assert_array_equal(getattr(ball, name), getattr(again, name))


def test_the_ball_has_whole_vertex_data(ball):
    assert 20_000 < len(ball.positions) < 100_000
    assert ball.triangles.max() < len(ball.positions)
    np.testing.assert_allclose(np.linalg.norm(ball.normals, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(ball.tangents, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose((ball.normals * ball.tangents).sum(axis=1), 0, atol=1e-5)
    assert ((ball.texcoords >= 0) & (ball.texcoords <= 1)).all()


def test_the_ball_is_smooth_and_faces_outwards(ball):
    faces = triangle_normals(ball)
    areas = np.linalg.norm(faces, axis=1)
    assert areas.min() > 0
    mean = ball.normals[ball.triangles].mean(axis=1)
    cosine = (faces * mean).sum(axis=1) / areas / np.linalg.norm(mean, axis=1)
    # No triangle leans over ten degrees from the normals that are shown for it.
    assert cosine.min() > np.cos(np.radians(10))


def test_the_ball_stands_on_the_floor_upright(ball):
    lowest, highest = ball.positions.min(axis=0), ball.positions.max(axis=0)
    assert lowest[1] == 0
    np.testing.assert_allclose(highest[1], 2.13, atol=0.01)
    np.testing.assert_allclose(lowest[[0, 2]], -1, atol=0.01)
    # Closed all around: the areas of a closed surface, as vectors, cancel. The opening, ring and
    # stand are parts of closed surfaces.
    np.testing.assert_allclose(triangle_normals(ball).sum(axis=0), 0, atol=1e-3)


def test_the_bounding_sphere_holds_every_vertex(ball):
    center, radius = ball.bounding_sphere()
    distances = np.linalg.norm(ball.positions - center, axis=1)
    np.testing.assert_allclose(distances.max(), radius, rtol=1e-6)


def save(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_an_obj_file_without_normals_or_texture_coordinates(tmp_path):
    mesh = load_mesh(save(tmp_path / "mesh.obj", OBJ))
    assert len(mesh.triangles) == 4
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-6)
    across = np.linalg.norm(np.cross(mesh.normals, mesh.tangents), axis=1)
    assert across.min() > 0.01


def octahedron(order=1):
    corners = [(1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0)]
    lines = [f"v {x} {y} {z}" for x, y, z in [*corners, (0, 0, 1), (0, 0, -1)]]
    faces = [(i + 1, (i + 1) % 4 + 1, 5) for i in range(4)]
    faces += [((i + 1) % 4 + 1, i + 1, 6) for i in range(4)]
    return "\n".join(lines + ["f {} {} {}".format(*face) for face in faces[::order]]) + "\n"


def test_missing_normals_are_smooth_where_a_file_repeats_its_vertices(tmp_path):
    corners = octahedron().splitlines()
    places = [line for line in corners if line.startswith("v")]
    text = ""
    for face in (line.split()[1:] for line in corners if line.startswith("f")):
        text += "\n".join(places[int(place) - 1] for place in face) + "\nf -3 -2 -1\n"
    mesh = load_mesh(save(tmp_path / "mesh.obj", text))
    assert len(mesh.positions) == 6
    np.testing.assert_allclose(mesh.normals, mesh.positions, atol=1e-6)


@pytest.mark.parametrize("order", [1, -1])
def test_missing_normals_are_smooth_whatever_the_order_of_the_triangles(tmp_path, order):
    mesh = load_mesh(save(tmp_path / "mesh.obj", octahedron(order)))
    # Outwards at every corner, by symmetry.
    np.testing.assert_allclose(mesh.normals, mesh.positions, atol=1e-6)


def test_the_files_own_normals_are_kept(tmp_path):
    # Flat ones: each face's corners have the normal of the face.
    lines = octahedron().splitlines()
    faces = [line for line in lines if line.startswith("f")]
    text = [line for line in lines if line.startswith("v")]
    for number, (face, signs) in enumerate(zip(faces, SIGNS, strict=True), start=1):
        text.append("vn {} {} {}".format(*signs))
        text.append(" ".join(word if word == "f" else f"{word}//{number}" for word in face.split()))
    mesh = load_mesh(save(tmp_path / "mesh.obj", "\n".join(text)))
    assert len(mesh.positions) == 24
    expected = np.repeat(np.array(SIGNS) / np.sqrt(3), 3, axis=0)
    np.testing.assert_allclose(mesh.normals[mesh.triangles.ravel()], expected, atol=1e-6)


# Where the octahedron's faces look.
SIGNS = [(x, y, z) for z in (1, -1) for x, y in ((1, 1), (-1, 1), (-1, -1), (1, -1))]


def test_normals_for_some_faces_only_are_completed(tmp_path):
    text = OBJ.replace("f 1 3 2", "vn 0 0 -1\nf 1//1 3//1 2//1")
    mesh = load_mesh(save(tmp_path / "mesh.obj", text))
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-6)


def test_triangles_without_area_are_left_out(tmp_path):
    # As at the pole of a sphere of quads: two corners of a face in one place, or one corner twice.
    text = OBJ + "v 0 0 1\nf 1 4 5\nf 2 2 3\n"
    mesh = load_mesh(save(tmp_path / "mesh.obj", text))
    assert len(mesh.triangles) == 4
    for vectors in (mesh.normals, mesh.tangents):
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    whole = load_mesh(save(tmp_path / "whole.obj", OBJ))
    seen = mesh.normals[mesh.triangles]
    np.testing.assert_allclose(seen, whole.normals[whole.triangles], atol=1e-6)


def test_normals_that_are_no_numbers_are_made_anew(tmp_path):
    document = Document()
    positions, normals = TETRAHEDRON, np.full((4, 3), np.nan, np.float32)
    attributes = {"POSITION": document.accessor(positions), "NORMAL": document.accessor(normals)}
    document.primitive(attributes, FACES)
    document.save(tmp_path / "mesh.glb")
    mesh = load_mesh(tmp_path / "mesh.glb")
    # Outwards at the origin: against the mean of the three faces there, of equal area.
    np.testing.assert_allclose(mesh.normals[0], -np.ones(3) / np.sqrt(3), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-6)


def test_a_glb_file_stands_where_its_node_puts_it(tmp_path):
    half = float(np.sqrt(0.5))
    # Twice as large, a quarter turn about y, then moved.
    node = {"translation": [1, 2, 3], "rotation": [0, half, 0, half], "scale": [2, 2, 2]}
    mesh = load_mesh(save(tmp_path / "mesh.glb", glb(*gltf(**node))))
    x, y, z = TETRAHEDRON.T
    expected = np.stack([2 * z + 1, 2 * y + 2, -2 * x + 3], axis=1)
    np.testing.assert_allclose(mesh.positions, expected, atol=1e-6)
    np.testing.assert_array_equal(mesh.triangles, FACES)


def test_a_gltf_file_with_its_buffer_inside(tmp_path):
    document, content = gltf()
    inside = base64.b64encode(content).decode()
    document["buffers"][0]["uri"] = f"data:application/octet-stream;base64,{inside}"
    mesh = load_mesh(save(tmp_path / "mesh.gltf", json.dumps(document)))
    np.testing.assert_array_equal(mesh.positions, TETRAHEDRON)


def test_files_beside_a_gltf_file_are_named(tmp_path):
    document, content = gltf()
    inside = f"data:application/octet-stream;base64,{base64.b64encode(content).decode()}"
    names = ["parts/my%20mesh.bin", inside, None, "lost.bin"]
    document["buffers"] = [{"uri": name} for name in names] + [{}]
    path = save(tmp_path / "mesh.gltf", json.dumps(document))
    beside = tmp_path / "parts" / "my mesh.bin"
    beside.parent.mkdir()
    beside.write_bytes(content)
    assert buffer_files(path) == [beside]
    assert buffer_files(save(tmp_path / "mesh.glb", glb(*gltf()))) == []
    for name in ("../mesh.bin", "x" * 300):
        document["buffers"][0]["uri"] = name
        assert buffer_files(save(tmp_path / "mesh.gltf", json.dumps(document))) == []
    for wrong in ("{", '{"buffers": 1}'):
        assert buffer_files(save(tmp_path / "mesh.gltf", wrong)) == []
    assert buffer_files(tmp_path / "lost.gltf") == []


def test_two_primitives_keep_their_own_vertices(tmp_path):
    document, content = gltf()
    document["meshes"][0]["primitives"] *= 2
    mesh = load_mesh(save(tmp_path / "mesh.glb", glb(document, content)))
    corners = mesh.positions[mesh.triangles]
    np.testing.assert_array_equal(corners[:4], TETRAHEDRON[FACES])
    np.testing.assert_array_equal(corners[4:], TETRAHEDRON[FACES])


def altered(change):
    document, content = gltf()
    change(document)
    return glb(document, content)


def without_indices(document):
    del document["meshes"][0]["primitives"][0]["indices"]


def as_strip(document):
    document["meshes"][0]["primitives"][0]["mode"] = 5


def as_lines(document):
    document["meshes"][0]["primitives"][0]["mode"] = 1


def with_a_long_accessor(document):
    document["accessors"][0]["count"] = 1_000_000


def with_a_long_view(document):
    document["bufferViews"][0]["byteLength"] = 1_000_000


def with_a_long_buffer(document):
    document["buffers"][0]["byteLength"] = 1_000_000


def with_a_lost_buffer(document):
    document["buffers"][0]["uri"] = "lost.bin"


def compressed(document):
    document["extensionsRequired"] = ["KHR_draco_mesh_compression"]


def without_meshes(document):
    document["meshes"], document["nodes"] = [], [{}]


def with_a_stray_accessor(document):
    document["meshes"][0]["primitives"][0]["attributes"]["POSITION"] = 7


def with_tangents_alone(document):
    document["meshes"][0]["primitives"][0]["attributes"]["TANGENT"] = 0


def with_an_empty_accessor(document):
    del document["accessors"][0]["bufferView"]


def with_other_lengths(document):
    document["accessors"].append(document["accessors"][0] | {"count": 3})
    document["meshes"][0]["primitives"][0]["attributes"]["NORMAL"] = 2


def without_positions(document):
    document["meshes"][0]["primitives"][0]["attributes"] = {}


def with_a_circle_of_nodes(document):
    document["nodes"] = [{"children": [1]}, {"children": [0]}]


def with_an_accessor_before_the_first(document):
    document["meshes"][0]["primitives"][0]["indices"] = -1


def with_an_accessor_before_its_buffer(document):
    document["accessors"][0]["byteOffset"] = -4


def with_a_stray_sparse_place(document):
    # The indices serve as places, the positions as values.
    document["accessors"][0]["sparse"] = {
        "count": 3,
        "indices": {"bufferView": 1, "byteOffset": 36, "componentType": 5125},
        "values": {"bufferView": 0},
    }
    document["accessors"][0]["count"] = 3


def with_indices_of_floats(document):
    document["accessors"][1]["componentType"] = 5126


def with_flat_positions(document):
    document["accessors"][0]["type"] = "VEC2"


def with_a_huge_number(document):
    document["nodes"][0]["translation"] = [10**400, 0, 0]


def with_endless_sparse_positions(document):
    del document["accessors"][0]["bufferView"]
    document["accessors"][0] |= {"count": 10**6, "sparse": {"count": 1}}


def sparse(places, kind="<u2", **changes):
    """A tetrahedron whose accessor has sparse positions at these places."""
    document = Document()
    attributes = {"POSITION": document.accessor(TETRAHEDRON)}
    document.json["accessors"][0]["sparse"] = {
        "count": len(places),
        "indices": {
            "bufferView": document.view(np.array(places).astype(kind)),
            "componentType": COMPONENTS[kind[1:]],
        },
        "values": {"bufferView": document.view(TETRAHEDRON[: len(places)])},
    } | changes
    document.primitive(attributes, FACES)
    return glb(*document.finished())


def view_of(number, **changes):
    return altered(lambda document: document["bufferViews"][number].update(changes))


def accessor_of(number, **changes):
    return altered(lambda document: document["accessors"][number].update(changes))


def node_of(**changes):
    return altered(lambda document: document["nodes"][0].update(changes))


def many_places(count, copies=1):
    """A scene of many nodes that show the same mesh of a tetrahedron, given several times."""
    document, content = gltf(np.tile(TETRAHEDRON, (copies, 1)))
    document["nodes"] *= count
    document["scenes"][0]["nodes"] = list(range(count))
    return glb(document, content)


def with_many_attributes(document):
    primitive = document["meshes"][0]["primitives"][0]
    primitive["attributes"] |= {f"TEXCOORD_{number}": 0 for number in range(1, 40)}


def with_many_scenes(document):
    document["nodes"] = [{"children": list(range(1, 1000))}, *({} for _ in range(999))]
    document["scenes"] *= 1000


def chain(count, all_hold=False):
    """A mesh below so many nodes, each above the next."""
    document, content = gltf()
    document["nodes"] = [{"children": [number]} for number in range(1, count)] + [{"mesh": 0}]
    for node in document["nodes"] if all_hold else []:
        node["mesh"] = 0
    return glb(document, content)


def tangle(count):
    """A face whose corners lie in a circle, each the golden angle from the last."""
    angles = np.arange(count) * np.pi * (3 - 5**0.5)
    lines = [f"v {x} {y} 0" for x, y in zip(np.cos(angles), np.sin(angles), strict=True)]
    return "\n".join([*lines, "f " + " ".join(map(str, range(1, count + 1)))])


STRAY = FACES.copy()
STRAY[0, 0] = 4
NAN = TETRAHEDRON.copy()
NAN[0, 0] = np.nan

POINTS = "v 0 0 0\nv 1 0 0\nv 0 1 0\n"

BAD = {
    "an index past the vertices": ("m.glb", glb(*gltf(faces=STRAY)), "an index 4 where"),
    "no indices": ("m.glb", altered(without_indices), "without indices"),
    "a triangle strip": ("m.glb", altered(as_strip), "found triangle strips or fans, expected"),
    "lines alone": ("m.glb", altered(as_lines), "found no triangles"),
    "a long accessor": ("m.glb", altered(with_a_long_accessor), "1000000 elements"),
    "a long view": ("m.glb", altered(with_a_long_view), "past its buffer's end"),
    "a long buffer": ("m.glb", altered(with_a_long_buffer), "buffer 0 has 96 bytes"),
    "a lost buffer": ("m.glb", altered(with_a_lost_buffer), "lost.bin"),
    "tangents alone": ("m.glb", altered(with_tangents_alone), "without normals"),
    "an accessor without data": ("m.glb", altered(with_an_empty_accessor), "has no data"),
    "other lengths": ("m.glb", altered(with_other_lengths), "different lengths"),
    "no positions": ("m.glb", altered(without_positions), "without positions"),
    "a circle of nodes": ("m.glb", altered(with_a_circle_of_nodes), "two parents"),
    "a number below zero": ("m.glb", altered(with_an_accessor_before_the_first), "number -1"),
    "an offset below zero": ("m.glb", altered(with_an_accessor_before_its_buffer), "accessor 0"),
    "indices of another type": (
        "m.glb",
        altered(with_indices_of_floats),
        "indices of type float32",
    ),
    "positions of two numbers": ("m.glb", altered(with_flat_positions), "2 numbers a vertex"),
    "a huge number": ("m.glb", altered(with_a_huge_number), "not a whole mesh file"),
    "endless sparse data": ("m.glb", altered(with_endless_sparse_positions), "than its file has"),
    "a stray sparse place": (
        "m.glb",
        altered(with_a_stray_sparse_place),
        "sparse places out of order",
    ),
    "sparse places in another order": (
        "m.glb",
        sparse([2, 1]),
        "accessor 0 has sparse places out of order",
    ),
    "a sparse place past the vertices": (
        "m.glb",
        sparse([1, 65535]),
        "sparse places out of order, or past its 4",
    ),
    "sparse places with a sign": ("m.glb", sparse([1, 2], "<i2"), "sparse places out of order"),
    "a sparse count of text": (
        "m.glb",
        sparse([1, 2], count="2"),
        "sparse data of accessor 0 has a count of '2'",
    ),
    "a sparse count past its view": ("m.glb", sparse([1, 2], count=4), "accessor 0 has 4 elements"),
    "no stride": ("m.glb", view_of(0, byteStride=0), "a byteStride of 0, below an element's 12"),
    "a stride below zero": ("m.glb", view_of(0, byteStride=-12), "a byteStride of -12"),
    "a small stride": ("m.glb", view_of(0, byteStride=4), "below an element's 12"),
    "a stride of text": ("m.glb", view_of(0, byteStride="12"), "a byteStride of '12'"),
    "a view before its buffer": ("m.glb", view_of(1, byteOffset=-4), "a byteOffset of -4"),
    "a view of no number": ("m.glb", view_of(0, byteOffset=True), "a byteOffset of True"),
    "a view of negative length": ("m.glb", view_of(0, byteLength=-48), "a byteLength of -48"),
    "a huge count": ("m.glb", accessor_of(0, count=10**12), "1000000000000 vertices, expected at"),
    "a huge count of indices": ("m.glb", accessor_of(1, count=10**12), "333333333333 triangles"),
    "a count of text": ("m.glb", accessor_of(0, count="4"), "accessor 0 has a count of '4'"),
    "a count below zero": ("m.glb", accessor_of(0, count=-4), "accessor 0 has a count of -4"),
    "eleven indices": (
        "m.glb",
        accessor_of(1, count=11),
        "11 indices of 1 numbers, expected three",
    ),
    "indices of vectors": (
        "m.glb",
        accessor_of(1, count=4, type="VEC3"),
        "4 indices of 3 numbers, expected three of one number",
    ),
    "a mesh of many places": ("m.glb", many_places(60_000), "60000 primitives, expected at most"),
    "many large places": ("m.glb", many_places(30_000, 200), "vertices, expected at most 4000000"),
    "many attributes": ("m.glb", altered(with_many_attributes), "40 attributes, expected at most"),
    "a node of a stray mesh": ("m.glb", node_of(mesh=7), "not a whole mesh file"),
    "a matrix of text": ("m.glb", node_of(matrix=["1"] * 16), "expected 16 numbers"),
    "a rotation of text": ("m.glb", node_of(rotation=[0, 0, 0, "1"]), "expected 4 numbers"),
    "a scale of one number": ("m.glb", node_of(scale=[2]), "expected 3 numbers"),
    "a matrix of NaN": ("m.glb", node_of(matrix=[float("nan")] * 16), "not finite"),
    "an endless scale": ("m.glb", node_of(scale=[1e999, 1, 1]), "not finite"),
    "deep nesting": ("m.gltf", b"[" * 10**5, "not a whole mesh file"),
    "a long number": ("m.gltf", b'{"nodes": ' + b"9" * 10**5 + b"}", "not a whole mesh file"),
    "many values": ("m.gltf", b"[" + b"0," * 4_000_001 + b"0]", "values in the document"),
    "many chunks": (
        "m.glb",
        struct.pack("<4sII", b"glTF", 2, 12 + 8 * 200) + bytes(8 * 200),
        "101 chunks, expected at most 100",
    ),
    "a stray accessor": ("m.glb", altered(with_a_stray_accessor), "not a whole mesh file"),
    "compression": ("m.glb", altered(compressed), "KHR_draco_mesh_compression"),
    "no meshes": ("m.glb", altered(without_meshes), "found no triangles"),
    "cut short": ("m.glb", glb(*gltf())[:-30], "not a whole mesh file"),
    "an empty glb": ("m.glb", b"", "not a whole mesh file"),
    "an empty gltf": ("m.gltf", b"", "not a whole mesh file"),
    "a list": ("m.gltf", b"[]", "not a whole mesh file"),
    "NaN": ("m.glb", glb(*gltf(positions=NAN)), "positions that are not finite"),
    "too large": ("m.glb", glb(*gltf(positions=TETRAHEDRON * np.float32(1e20))), "radius 8.66e"),
    "too small": ("m.glb", glb(*gltf(positions=TETRAHEDRON * np.float32(1e-20))), "radius 8.66e"),
    "no area": ("m.glb", glb(*gltf(positions=TETRAHEDRON * 0)), "degenerate"),
    "an empty obj": ("m.obj", "", "found no triangles"),
    "an obj without faces": ("m.obj", POINTS, "no triangles"),
    "an obj with NaN": ("m.obj", OBJ.replace("v 1 0 0", "v nan 0 0"), "line 2"),
    "an obj with a stray face": ("m.obj", OBJ.replace("f 2 3 4", "f 2 3 9"), "vertex 9"),
    "an obj with a stray face back": ("m.obj", OBJ + "f -1 -2 -5\n", "line 9"),
    "an obj with a stray normal": ("m.obj", OBJ + "vn 0 0 1\nf 1//9 2//1 3//1\n", "normal 9"),
    "an obj with a stray texture coordinate": (
        "m.obj",
        OBJ + "f 1/900000000 2 3\n",
        "texture coordinate 900000000 where the file has 0",
    ),
    "an obj with infinity": ("m.obj", OBJ.replace("v 1 0 0", "v 1e39 0 0"), "not finite"),
    "an obj with words": ("m.obj", OBJ.replace("v 1 0 0", "v one 0 0"), "not a whole mesh file"),
    "an obj without vertices": ("m.obj", "f 1 2 3\n", "vertex 3 where the file has 0"),
    "an obj of edges alone": ("m.obj", POINTS + "f 1 2\nf 3\nf\n", "found no triangles"),
    "an obj with a stray edge": ("m.obj", OBJ + "f 1 9\n", "vertex 9 where the file has 4"),
    "an obj with a face of no vertex": ("m.obj", OBJ + "f /1 2 3\n", "line 9 has a face without"),
    "an obj with a giant face": (
        "m.obj",
        POINTS + "f" + " 1 2 3" * 10_000,
        "10001 corners of a face in line 4, expected at most 10000",
    ),
    "an obj with underscores": (
        "m.obj",
        OBJ.replace("v 1 0 0", "v 1_0 0 0"),
        "words where numbers",
    ),
    "an obj of other bytes": ("m.obj", OBJ.encode() + b"f \xe9 2 3\n", "not a whole mesh file"),
    "an obj with a long number": ("m.obj", OBJ + "f 1 2 " + "9" * 5000, "not a whole mesh file"),
    "another type": ("m.stl", "solid", "expected a mesh ending in"),
}


@pytest.mark.parametrize(("name", "content", "message"), BAD.values(), ids=BAD)
def test_a_mesh_that_cannot_be_used_is_refused(tmp_path, name, content, message):
    with pytest.raises(InputError, match=message) as caught:
        load_mesh(save(tmp_path / name, content))
    assert name in str(caught.value)


@pytest.mark.parametrize("content", [altered(with_many_scenes), chain(100, all_hold=True)])
def test_the_ways_to_meshes_are_bounded_all_together(tmp_path, monkeypatch, content):
    monkeypatch.setattr(gltf_file, "MOST_STEPS", 2000)
    with pytest.raises(InputError, match="2001 nodes on the way to its meshes, expected at most"):
        load_mesh(save(tmp_path / "mesh.glb", content))


def test_cutting_faces_is_bounded_for_all_together(tmp_path, monkeypatch):
    path = save(tmp_path / "mesh.obj", tangle(30))
    assert len(load_mesh(path).triangles) == 28
    monkeypatch.setattr(obj_file, "MOST_COMPARISONS", 1500)
    load_mesh(path)
    points, _, face = tangle(30).partition("f")
    save(path, points + f"f{face}\n" * 9)
    with pytest.raises(InputError, match="comparisons to cut faces"):
        load_mesh(path)


def test_a_long_chain_of_nodes_is_followed(tmp_path):
    mesh = load_mesh(save(tmp_path / "mesh.glb", chain(20_000)))
    np.testing.assert_array_equal(mesh.positions, TETRAHEDRON)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_any_way_and_are_counted(tmp_path, end):
    mesh = load_mesh(save(tmp_path / "mesh.obj", OBJ.replace("\n", end)))
    np.testing.assert_array_equal(mesh.positions[mesh.triangles], TETRAHEDRON[FACES])
    text = ("\n# a_b\n" + OBJ + "v nan 0 0").replace("\n", end)
    with pytest.raises(InputError, match="line 11 has"):
        load_mesh(save(tmp_path / "mesh.obj", text))


def referring(path, uri):
    """A .gltf file whose buffer is at a URI, and the buffer's content."""
    document, content = gltf()
    document["buffers"][0]["uri"] = uri
    path.parent.mkdir(exist_ok=True)
    return save(path, json.dumps(document)), content


def test_references_may_lead_below_the_meshs_folder(tmp_path):
    path, content = referring(tmp_path / "meshes" / "mesh.gltf", "parts/../parts/a%20buffer.bin")
    (path.parent / "parts").mkdir()
    (path.parent / "parts" / "a buffer.bin").write_bytes(content)
    np.testing.assert_array_equal(load_mesh(path).positions, TETRAHEDRON)
    (tmp_path / "link.gltf").symlink_to(path)
    with pytest.raises(InputError, match=r"a buffer\.bin: can't be read"):
        load_mesh(tmp_path / "link.gltf")
    (tmp_path / "parts").symlink_to(path.parent / "parts")
    np.testing.assert_array_equal(load_mesh(tmp_path / "link.gltf").positions, TETRAHEDRON)


@pytest.mark.parametrize(
    "uri", ["../secret.bin", "parts/../../secret.bin", "/dev/zero", "%2e%2e/secret.bin", "link.bin",
            "link/secret.bin", "{folder}/meshes/own.bin"]
)  # fmt: skip
def test_references_that_lead_out_of_the_meshs_folder_are_refused(tmp_path, uri):
    path, content = referring(tmp_path / "meshes" / "mesh.gltf", uri.format(folder=tmp_path))
    (tmp_path / "secret.bin").write_bytes(content)
    (path.parent / "own.bin").write_bytes(content)
    (path.parent / "parts").mkdir()
    (path.parent / "link.bin").symlink_to("../secret.bin")
    (path.parent / "link").symlink_to("..")
    with pytest.raises(
        InputError, match=r"mesh\.gltf: a reference .* leads out of the mesh's folder"
    ):
        load_mesh(path)


def test_a_buffer_that_is_a_pipe_is_refused(tmp_path):
    path, _ = referring(tmp_path / "meshes" / "mesh.gltf", "pipe.bin")
    os.mkfifo(path.parent / "pipe.bin")
    with pytest.raises(InputError, match=r"mesh\.gltf: .*pipe\.bin: found a named pipe"):
        load_mesh(path)


@pytest.mark.parametrize("uri", ["large.bin", "data:," + "A" * 400])
def test_buffers_are_bounded_all_together(tmp_path, monkeypatch, uri):
    monkeypatch.setattr(gltf_file, "LARGEST_FILE", 290)
    path, content = referring(tmp_path / "meshes" / "mesh.gltf", uri)
    (path.parent / "large.bin").write_bytes(content)
    document = json.loads(path.read_text())
    document["buffers"] *= 3
    document["buffers"].append({"byteLength": 10, "uri": uri})
    save(path, json.dumps(document))
    with pytest.raises(InputError, match="bytes in buffers, expected at most 290"):
        load_mesh(path)


@pytest.mark.parametrize("name", ["mesh.obj", "mesh.glb", "mesh.gltf"])
def test_a_mesh_that_is_no_file_or_too_large_is_refused(tmp_path, name):
    path = tmp_path / name
    with path.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    with pytest.raises(InputError, match=rf"{name}: 268435457 bytes, expected at most 268435456"):
        load_mesh(path)
    path.unlink()
    for make in (os.mkfifo, lambda path: path.symlink_to("/dev/zero")):
        make(path)
        with pytest.raises(InputError, match=rf"{name}: found a .*, expected a mesh"):
            load_mesh(path)
        path.unlink()


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_mesh(tmp_path / "mesh.glb")
