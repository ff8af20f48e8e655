"""The .mtlx file of a prediction: the numbers as they are, where they came from, and XML that all read."""

import xml.etree.ElementTree as ElementTree

import MaterialX as mx
import numpy as np
import pytest

from inverse_shading.material.document import (
    INPUTS,
    material_values,
    standard_library,
)
from inverse_shading.material.given_material import read_given_material
from inverse_shading.prediction.material_file import material_text

VALUES = np.array([0.000001, 0.2, 0.333333, 1.0, 0.0, 0.6, 0.7, 0.81, 0.9, 0.999999])
ORIGIN = {"model": "pixel_components", "picture": "chair.png"}


@pytest.fixture(scope="module")
def library():
    return standard_library()


def write(path, provenance, library):
    path.write_text(material_text(VALUES, provenance, library), encoding="utf-8")


def read(path, library):
    document = mx.createDocument()
    mx.readFromXmlFile(document, mx.FilePath(str(path)))
    document.setDataLibrary(library)
    return document


def test_the_values_come_back_exactly(tmp_path, library):
    write(tmp_path / "a.mtlx", ORIGIN, library)
    np.testing.assert_array_equal(read_given_material(tmp_path / "a.mtlx", library), VALUES)


def test_the_document_is_valid_linear_and_says_where_it_came_from(tmp_path, library):
    write(tmp_path / "a.mtlx", ORIGIN, library)
    document = read(tmp_path / "a.mtlx", library)
    assert document.validate() == (True, "")
    assert document.getColorSpace() == "lin_rec709"
    assert document.getAttribute("inverse_shading_model") == "pixel_components"
    assert document.getAttribute("inverse_shading_picture") == "chair.png"
    np.testing.assert_array_equal(material_values(document), VALUES)


def test_there_is_a_shader_of_the_inputs_and_its_material_and_nothing_else(tmp_path, library):
    write(tmp_path / "a.mtlx", ORIGIN, library)
    shader, material = ElementTree.parse(tmp_path / "a.mtlx").getroot()
    assert (shader.tag, material.tag) == ("standard_surface", "surfacematerial")
    assert [given.get("name") for given in shader] == list(INPUTS)


@pytest.mark.parametrize(
    "name", ['a<b>&"c".png', "a\nb.png", "Stuhl_ä.png", "b\udce9.png", "\x01.png"]
)
def test_any_picture_name_gives_sound_xml(tmp_path, library, name):
    write(tmp_path / "a.mtlx", {"picture": name}, library)
    found = ElementTree.parse(tmp_path / "a.mtlx").getroot().get("inverse_shading_picture")
    assert len(found) == len(name) and found.endswith("png")
    assert read(tmp_path / "a.mtlx", library).getAttribute("inverse_shading_picture") == found
    if name.isprintable() and "<" not in name:
        assert found == name


def test_the_text_is_what_materialx_writes_to_files(tmp_path, library):
    text = material_text(VALUES, ORIGIN, library)
    document = mx.createDocument()
    mx.readFromXmlString(document, text)
    mx.writeToXmlFile(document, mx.FilePath(str(tmp_path / "a.mtlx")))
    assert (tmp_path / "a.mtlx").read_bytes() == text.encode()


def test_the_same_values_give_the_same_bytes(tmp_path, library):
    for name in ("a", "b"):
        write(tmp_path / f"{name}.mtlx", ORIGIN, library)
    assert (tmp_path / "a.mtlx").read_bytes() == (tmp_path / "b.mtlx").read_bytes()
