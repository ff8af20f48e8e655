"""Other shading models on a stage: they are what their names say."""

import numpy as np
import pytest

from inverse_shading.export.renders import PixelRenderer
from inverse_shading.export.shaders import target_stage, translated_stage
from inverse_shading.export.targets import GLTF, TARGETS
from inverse_shading.material.document import standard_library
from inverse_shading.render.program import StageProgram
from inverse_shading.runtime.resources import Resources
from inverse_shading.scene.stage_file import read_stage
from tests.support.small_stage import MATERIALS, make_small_stage

CPU = Resources("cpu", 1)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    return read_stage(make_small_stage(tmp_path_factory.mktemp("stage")))


def test_the_translation_is_the_target_with_the_numbers_that_its_graph_makes(stage):
    library = standard_library()
    translated = PixelRenderer(translated_stage(stage, GLTF, library), CPU, 3)
    target = PixelRenderer(target_stage(stage, GLTF, GLTF.modes[0], library), CPU, 3)
    numbers = np.array(
        [
            [
                *(v[0] * v[1:4]),
                v[9],
                v[5],
                v[4],
                *v[6:9],
                1.5,
                0.0,
                0.0,
            ]  # as standard_surface_to_gltf_pbr.mtlx
            for v in MATERIALS
        ]
    )
    difference = target.pixels(numbers) - translated.pixels(MATERIALS)
    assert np.abs(difference).max() < 0.02
    assert np.ptp(target.pixels(numbers)) > 50
    translated.close()
    target.close()


@pytest.mark.parametrize("name", TARGETS)
def test_every_model_reads_the_surface_that_the_stage_has(stage, name):
    target = TARGETS[name]
    for mode in target.modes:
        text = target_stage(stage, target, mode, standard_library()).pixel_stage
        assert "bitangentWorld" not in text and "void shadeSurface()" in text
        # Other inputs are constants, so that the compiler drops what they feed.
        uniforms = text.count("\nuniform ") - text.count("\nuniform sampler2D")
        assert uniforms < len(target.inputs) + 20


def test_pixels_are_those_of_the_stage_in_an_order_of_their_own(stage):
    renderer, program = PixelRenderer(stage, CPU, 1), StageProgram(stage, "cpu", 1)
    pixels = renderer.pixels(MATERIALS[:1])[0]
    np.testing.assert_array_equal(renderer.pixels(MATERIALS, 50)[0], pixels[:50])
    shaded, frame = program.shade(MATERIALS[0]), renderer.frame(pixels)
    assert np.abs(frame[stage.mask].astype(int) - shaded).max() <= 1
    np.testing.assert_array_equal(frame[~stage.mask], stage.background[~stage.mask])
    renderer.close()
    program.release()
