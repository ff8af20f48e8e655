"""A material from outside: what the ten inputs hold is read, all else is refused by its name."""

import MaterialX as mx
import numpy as np
import pytest

from inverse_shading.material.document import make_material, standard_library
from inverse_shading.material.given_material import read_given_material
from inverse_shading.prediction.material_file import material_text
from inverse_shading.runtime.errors import InputError

VALUES = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])


@pytest.fixture(scope="module")
def library():
    return standard_library()


@pytest.fixture
def read(library, tmp_path):
    def read(change=lambda document, shader: None):
        document = make_material(VALUES, library)
        change(document, document.getNodes("standard_surface")[0])
        path = tmp_path / "given.mtlx"
        path.write_text(mx.writeToXmlString(document))
        return read_given_material(path, library)

    return read


def test_ten_inputs_are_read(read):
    np.testing.assert_array_equal(read(), VALUES)


def test_a_further_input_at_its_default_changes_nothing(read):
    np.testing.assert_array_equal(
        read(lambda document, shader: shader.setInputValue("coat", 0.0)), VALUES
    )


def textured(document, shader):
    image = document.addNode("image", "wood", "color3")
    shader.removeInput("base_color")
    shader.addInput("base_color", "color3").setConnectedNode(image)


def in_a_graph(document, shader):
    graph = document.addNodeGraph("grain")
    graph.addOutput("out", "float").setConnectedNode(graph.addNode("noise2d", "noise", "float"))
    shader.removeInput("base")
    shader.addInput("base", "float").setNodeGraphString("grain")


def in_srgb(document, shader):
    shader.getInput("base_color").setColorSpace("srgb_texture")


def of_another_model(document, shader):
    document.removeNode(shader.getName())
    document.addNode("gltf_pbr", shader.getName(), "surfaceshader")


def displaced(document, shader):
    displacement = document.addNode("displacement", "bumps", "displacementshader")
    document.getNodes("surfacematerial")[0].setConnectedNode("displacementshader", displacement)


@pytest.mark.parametrize(
    "change, message",
    [
        (textured, r"feed: base_color \(from wood\); expected constants"),
        (in_a_graph, r"feed: base \(from grain\)"),
        (lambda d, s: s.setInputValue("coat", 0.5), r"beyond the ten: coat = 0\.5; expected base,"),
        (lambda d, s: s.addInput("shine", "float").setValue(1.0), r"beyond the ten: shine = 1"),
        (in_srgb, r"base_color \(srgb_texture\); expected lin_rec709"),
        (of_another_model, r"surface_shader \(gltf_pbr\), expected one standard_surface"),
        (
            lambda d, s: d.addNode("standard_surface", "second", "surfaceshader"),
            r"second \(standard_surface\), expected one standard_surface",
        ),
        (displaced, r"further nodes bumps \(displacement\), expected one standard_surface"),
        (lambda d, s: d.addNode("image", "wood", "color3"), r"further nodes wood \(image\)"),
        (lambda d, s: s.setAttribute("version", "9"), "has no definition of, by its version"),
        (lambda d, s: s.getInput("base").setValueString("much"), "MaterialX finds it invalid"),
        (lambda d, s: d.removeNode(s.getName()), "found no surface shader"),
        (lambda d, s: s.setInputValue("base", 1.5), r"10 values in \[0, 1\]"),
    ],
)
def test_more_than_the_ten_inputs_is_refused_by_name(read, change, message):
    with pytest.raises(InputError, match=rf"given\.mtlx: .*{message}"):
        read(change)


@pytest.mark.parametrize("content", ["", "<materialx", "not xml"])
def test_what_is_no_materialx_is_refused(tmp_path, library, content):
    path = tmp_path / "broken.mtlx"
    path.write_text(content)
    with pytest.raises(InputError, match=r"broken\.mtlx: "):
        read_given_material(path, library)


def test_no_file_and_a_folder_are_refused(tmp_path, library):
    for path in (tmp_path / "none.mtlx", tmp_path):
        with pytest.raises(InputError, match=str(path)):
            read_given_material(path, library)


@pytest.mark.parametrize("name", ["a\\b.mtlx", "b\udce9.mtlx", "a\nb.mtlx", "{x}.mtlx"])
def test_a_file_of_any_name_is_read(tmp_path, library, name):
    (tmp_path / name).write_text(material_text(VALUES, {}, library))
    np.testing.assert_array_equal(read_given_material(tmp_path / name, library), VALUES)
