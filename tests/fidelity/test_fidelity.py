"""Our frames are the official renderer's: inside the silhouette no channel differs by over 2/255."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.ndimage import binary_erosion

from inverse_shading.dataset.parameter_table import sample_parameters
from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.material.parameters import DECIMALS
from inverse_shading.prediction.material_file import material_text
from inverse_shading.render.frames import Renderer
from inverse_shading.scene.make_stage import write_stage
from inverse_shading.scene.shader_ball import shader_ball
from tests.fidelity.official import render_officially
from tests.support.meshes import ATTRIBUTES, torus, write_glb

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())

FRAME_SIZE = 256
MATERIALS = 20
# Two rasterisers may disagree on the pixels of an edge.
EROSION = 3
LARGEST_DIFFERENCE = 2

# Materials that random numbers hardly reach: mirror, black, white paint, glossy and dull extremes.
EXTREMES = np.array(
    [
        [1, 1, 1, 1, 1, 0, 1, 1, 1, 1],
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [1, 1, 1, 1, 0, 1, 1, 1, 1, 0],
        [0.8, 0.9, 0.1, 0.1, 1, 0, 1, 1, 1, 0],
        [1, 1, 0.7, 0.3, 1, 0.2, 1, 0.9, 0.8, 1],
        [0.5, 0.5, 0.5, 0.5, 1, 1, 1, 0, 0, 0.5],
    ],
    dtype=float,
)

# A material as it stands in a file, of dark colours that another colour space would change most, and an
# alternative to it: of the same base x base_color.
PRODUCTS = np.array([0.05, 0.15, 0.3])
WRITTEN = np.array(
    [[base, *PRODUCTS / base, 0.9, 0.345678, 0.9, 0.5, 0.2, 0.25] for base in (0.6, 0.31)]
).round(DECIMALS)


def compare(folder: Path, glb: Path, stage: dict, files: Sequence[Path] = ()):
    """Largest difference of a channel inside the silhouette, by material.

    Args:
        files: those of WRITTEN. The official renderer reads them, ours has the values.
    """
    values = np.concatenate([EXTREMES, sample_parameters(ImageRange(0, MATERIALS - 1), seed=7)])
    samples = CONFIG["render"]["environment_samples"]
    path = folder / "stage.safetensors"
    write_stage(path, stage, FRAME_SIZE, samples, "cpu")
    all_values = np.concatenate([values, WRITTEN[: len(files)]])
    with Renderer(path, "cpu", threads=2) as renderer:
        ours = np.stack([renderer.render(value) for value in all_values]).astype(int)
        inside = binary_erosion(renderer.mask, iterations=EROSION)
    assert inside.mean() > 0.05
    reference = render_officially(folder, glb, stage, FRAME_SIZE, samples, values, files=files)
    official = np.concatenate([reference.frames, reference.file_frames]).astype(int)
    # Not the same black picture twice.
    assert official[:, inside].std() > 20
    return np.abs(ours - official)[:, inside].reshape(len(all_values), -1).max(axis=1)


def test_the_built_in_stage_and_material_files_opened_by_a_viewer(tmp_path):
    glb = tmp_path / "ball.glb"
    write_glb(glb, shader_ball())
    files = [tmp_path / f"{number}.mtlx" for number in range(len(WRITTEN))]
    for file, values in zip(files, WRITTEN, strict=True):
        file.write_text(
            material_text(values, {"model": "pixel_components", "picture": "chair.png"})
        )
    differences = compare(tmp_path, glb, CONFIG["stage"], files)
    assert differences.max() <= LARGEST_DIFFERENCE, differences


@pytest.mark.parametrize("with_tangents", [True, False], ids=["tangents", "no tangents"])
def test_a_gltf_mesh_under_a_transform(tmp_path, with_tangents):
    glb = tmp_path / "torus.glb"
    node = {"translation": [0.5, -2, 1], "rotation": [0.2, 0.4, 0.1, 0.888819], "scale": [2, 2, 2]}
    write_glb(glb, torus(), node, ATTRIBUTES if with_tangents else ATTRIBUTES[:3])
    stage = CONFIG["stage"] | {
        "mesh": str(glb),
        "camera": {"azimuth": -35, "elevation": 30, "field_of_view": 40, "fill": 0.9},
    }
    differences = compare(tmp_path, glb, stage)
    assert differences.max() <= LARGEST_DIFFERENCE, differences
