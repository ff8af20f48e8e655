"""Ten values ↔ a MaterialX document."""

import MaterialX as mx
import numpy as np
import pytest

from inverse_shading.dataset.parameter_table import sample_parameters
from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.material.document import (
    INPUTS,
    make_material,
    material_values,
    standard_library,
)
from inverse_shading.material.given_material import read_given_material
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.prediction.material_file import material_text
from inverse_shading.runtime.errors import InputError

VALUES = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])


@pytest.fixture(scope="module")
def library():
    return standard_library()


def test_the_document_is_valid_and_has_each_value_where_it_belongs(library):
    document = make_material(VALUES, library)
    assert document.validate()[0]
    (material,) = document.getMaterialNodes()
    (shader,) = mx.getShaderNodes(material)
    assert shader.getCategory() == "standard_surface"
    found = {given.getName(): given.getValueString() for given in shader.getInputs()}
    assert found == {
        "base": "0.1",
        "base_color": "0.2, 0.3, 0.4",
        "specular": "0.5",
        "specular_roughness": "0.6",
        "specular_color": "0.7, 0.8, 0.9",
        "metalness": "1",
    }


def test_every_parameter_goes_to_the_input_of_its_name():
    names = [
        f"{name}_{channel}" if len(places) == 3 else name
        for name, places in INPUTS.items()
        for channel, _ in zip("rgb", places, strict=False)
    ]
    assert names == list(PARAMETERS)
    assert [place for places in INPUTS.values() for place in places] == list(range(10))


def test_values_come_back_from_the_file_exactly(tmp_path, library):
    for index, values in enumerate(sample_parameters(ImageRange(0, 4), seed=3)):
        path = tmp_path / f"{index}.mtlx"
        path.write_text(material_text(values, {}))
        np.testing.assert_array_equal(read_given_material(path, library), values)


def test_an_input_that_is_left_out_has_its_default(library):
    document = make_material(VALUES, library)
    shader = document.getNodes("standard_surface")[0]
    shader.removeInput("specular")
    shader.removeInput("base_color")
    expected = VALUES.copy()
    # The defaults of standard_surface 1.0.1.
    expected[[1, 2, 3, 4]] = 0.8, 0.8, 0.8, 1.0
    np.testing.assert_array_equal(material_values(document), expected)


@pytest.mark.parametrize("bad", [VALUES[:9], VALUES + 0.1, np.full(10, np.nan), VALUES[None]])
def test_other_than_ten_values_from_0_to_1_are_refused(bad, library):
    with pytest.raises(InputError, match=r"10 values in \[0, 1\]"):
        make_material(bad, library)


def test_an_input_fed_by_a_node_is_refused(library):
    document = make_material(VALUES, library)
    noise = document.addNode("noise2d", "noise", "float")
    shader = document.getNodes("standard_surface")[0]
    shader.removeInput("base")
    shader.addInput("base", "float").setConnectedNode(noise)
    with pytest.raises(InputError, match="input base from another node"):
        material_values(document)


def test_a_document_without_standard_surface_is_refused():
    with pytest.raises(InputError, match="no standard_surface"):
        material_values(mx.createDocument())
