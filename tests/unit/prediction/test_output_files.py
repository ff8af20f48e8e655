"""What is written for a picture, as software that knows nothing of this project reads it."""

import json
from dataclasses import replace
from pathlib import Path

import MaterialX as mx
import numpy as np
import pytest

from inverse_shading.evaluation.image_difference import ImageDifference
from inverse_shading.inversion.reasons import EXPLANATIONS, UNSURE
from inverse_shading.inversion.refiner import Estimate
from inverse_shading.material.document import standard_library
from inverse_shading.material.parameters import DECIMALS, PARAMETERS
from inverse_shading.pictures.framed_picture import FramedPicture
from inverse_shading.prediction.output_files import OutputFiles, Prediction, write_prediction

SIZE = 32
MATERIAL = np.array([0.6, 0.083333, 0.25, 0.5, 0.9, 0.345678, 0.000001, 1.0, 0.0, 0.25])
ALTERNATIVES = [
    np.array([1.0, 0.05, 0.15, 0.3, 0.9, 0.345678, 0.0, 1.0, 0.0, 0.25]),
    np.array([0.3, 0.166667, 0.5, 1.0, 1.0, 0.345678, 0.0, 0.9, 0.0, 0.25]),
]
ORIGIN = {
    "version": "1.2.3",
    "model": "pixel_components",
    "model_sha256": "12ab",
    "stage_sha256": "34cd",
    "renderer": 'MaterialX 1.39.5, llvmpipe "LLVM" & more',
    "picture": "chair.png",
    "picture_sha256": "56ef",
}

GREY = np.full((SIZE, SIZE, 3), 128, np.uint8)
ONES = np.ones((SIZE, SIZE), np.float32)
ESTIMATE = Estimate(
    material=MATERIAL,
    expected=MATERIAL,
    low=MATERIAL,
    high=MATERIAL,
    reasons=dict.fromkeys(PARAMETERS),
    rms=0.3,
    guess_rms=2.0,
    renders=12.0,
    starts=1,
    converged=True,
    alternatives=ALTERNATIVES,
)
PICTURE = FramedPicture(GREY, GREY.astype(np.float32), ONES, "srgb", "framed", 1.0)
DIFFERENCE = ImageDifference(rms=0.0, psnr=100.0, ssim=1.0, flip=0.0)
PREDICTION = Prediction(
    PICTURE, ESTIMATE, GREY, DIFFERENCE, refined=True, level=0.8, calibrated=True
)


@pytest.fixture(scope="module")
def library():
    return standard_library()


@pytest.fixture(scope="module")
def written(tmp_path_factory, library):
    """Files of a picture with two alternatives."""
    folder = tmp_path_factory.mktemp("predictions")
    files = OutputFiles.of(Path("chair.png"), folder, len(ALTERNATIVES))
    write_prediction(files, PREDICTION, {}, ORIGIN, library)
    return files


@pytest.fixture(scope="module", params=range(1 + len(ALTERNATIVES)), ids=lambda n: f"material {n}")
def opened(request, written, library):
    """The document of the material or of an alternative, the number of that, and its values."""
    number = request.param
    document = mx.createDocument()
    path = (written.material, *written.alternatives)[number]
    mx.readFromXmlFile(document, mx.FilePath(str(path)))
    document.setDataLibrary(library)
    return document, number, (MATERIAL, *ALTERNATIVES)[number]


def test_a_material_file_is_valid_and_holds_one_shader_and_its_material(opened):
    document, _, _ = opened
    assert document.validate() == (True, "")
    shader, material = document.getChildren()
    assert (shader.getCategory(), material.getCategory()) == ("standard_surface", "surfacematerial")
    assert mx.getShaderNodes(material) == [shader]


def test_its_colours_are_linear_wherever_a_reader_asks(opened):
    document, _, _ = opened
    shader = document.getChildren()[0]
    spaces = {given.getName(): given.getActiveColorSpace() for given in shader.getInputs()}
    assert set(spaces.values()) == {"lin_rec709"}
    assert {"base_color", "specular_color"} < spaces.keys()


def test_its_values_are_all_decimals_of_the_report(opened):
    document, _, values = opened
    # As text: MaterialX holds numbers in float32.
    inputs = document.getChildren()[0].getInputs()
    texts = [text for given in inputs for text in given.getValueString().split(",")]
    assert [round(float(text), DECIMALS) for text in texts] == values.tolist()


def test_it_says_where_it_came_from_and_which_alternative_it_is(opened):
    document, number, _ = opened
    expected = ORIGIN | {"intervals": "80 %, calibrated"}
    expected |= {"alternative": str(number)} if number else {}
    names = [name for name in document.getAttributeNames() if name.startswith("inverse_shading_")]
    found = {name.removeprefix("inverse_shading_"): document.getAttribute(name) for name in names}
    assert found == expected


def test_what_is_not_calibrated_is_said_in_the_material_and_the_record(written, library, tmp_path):
    record = json.loads(written.report.read_text())["parameters"]["base"]
    assert record["explanation"] == EXPLANATIONS[None]
    files = OutputFiles.of(Path("chair.png"), tmp_path, len(ALTERNATIVES))
    write_prediction(files, replace(PREDICTION, calibrated=False), {}, ORIGIN, library)
    assert 'inverse_shading_intervals="80 %, not calibrated"' in files.material.read_text()
    record = json.loads(files.report.read_text())
    assert record["made_by"]["intervals"] == "80 %, not calibrated"
    assert record["parameters"]["base"]["explanation"] == UNSURE


def test_a_search_that_did_not_converge_determines_nothing(library, tmp_path):
    files = OutputFiles.of(Path("chair.png"), tmp_path, len(ALTERNATIVES))
    astray = replace(PREDICTION, estimate=replace(ESTIMATE, converged=False))
    write_prediction(files, astray, {}, ORIGIN, library)
    for told in json.loads(files.report.read_text())["parameters"].values():
        assert (told["determined"], told["reason"]) == (False, "misfit")
        assert told["explanation"].startswith("No material was found")
