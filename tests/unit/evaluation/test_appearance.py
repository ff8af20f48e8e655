"""Appearance: which images are rendered, what is held against what, and what is written."""

import json

import numpy as np
import pandas as pd
import pytest

from inverse_shading.dataset.framed_images import pick_images
from inverse_shading.dataset.parameter_table import sample_parameters, write_parameters
from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.dataset.splits import shards_of_sample
from inverse_shading.evaluation.appearance import COLUMNS, canonical_errors, measure_appearance
from inverse_shading.evaluation.image_difference import LARGEST_PSNR
from inverse_shading.evaluation.novel_images import read_novel_images, render_novel_images
from inverse_shading.evaluation.predictions import sampled_test_images
from inverse_shading.evaluation.views import Views
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.render.framed_frames import FramedRenderer
from inverse_shading.runtime.artefacts import write_array, write_csv
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import check_seal
from inverse_shading.runtime.resources import Resources
from inverse_shading.scene.make_stage import write_stage
from tests.support.tables import write_predictions

STAGE = {
    "mesh": "builtin",
    "environment": "builtin",
    "camera": {"azimuth": 0.0, "elevation": 20.0, "field_of_view": 25.0, "fill": 0.95},
    "background": [0.42, 0.43, 0.45],
}
NOVEL = STAGE | {
    "environment": "daylight",
    "camera": {"azimuth": 40.0, "elevation": 35.0, "field_of_view": 25.0, "fill": 0.95},
}
FRAMING = {"image_size": 32, "margin": 0.04, "filter": "lanczos"}
RANGES = ImageRange(0, 3), ImageRange(4, 7)
SPLIT = ["train", "test", "test", "validation", "test", "train", "test", "validation"]
TRUE = np.concatenate([sample_parameters(images, seed=1) for images in RANGES])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two stages at a small size, and the framed images of eight materials in two arrays."""
    folder = tmp_path_factory.mktemp("appearance")
    write_stage(folder / "stage.safetensors", STAGE, 64, 4, "cpu")
    write_stage(folder / "novel.safetensors", NOVEL, 64, 4, "cpu")
    with FramedRenderer(folder / "stage.safetensors", FRAMING, "cpu", 1) as renderer:
        for images in RANGES:
            rows = slice(images.first, images.last + 1)
            frames = np.stack([renderer.render(values) for values in TRUE[rows]])
            write_array(folder / f"{images}.npy", frames)
            write_parameters(folder / f"parameters/{images}.csv", images, seed=1)
            split = {"id": images.identifiers, "split": SPLIT[rows]}
            write_csv(folder / f"splits/{images}.csv", split)
    return folder


def novel_images(folder, count):
    path = folder / f"novel_{count}.safetensors"
    if not path.exists():
        tables = [[folder / f"{name}/{i}.csv" for i in RANGES] for name in ("parameters", "splits")]
        stage = folder / "novel.safetensors"
        render_novel_images(path, *tables, stage, FRAMING, count, Resources("cpu", 1))
    return path


@pytest.fixture
def measure(folder, tmp_path):
    """A call of measure_appearance: the rows of its table by id, and its summary."""

    def measure(predicted, count=100, arrays=RANGES, novel=None, **options):
        predictions = write_predictions(
            tmp_path / "predictions.csv", TRUE, predicted, SPLIT, **options
        )
        table, summary = tmp_path / "appearance.csv", tmp_path / "appearance.json"
        measure_appearance(
            table,
            summary,
            "tested",
            predictions,
            Views(
                [folder / f"{images}.npy" for images in arrays],
                folder / "stage.safetensors",
                FRAMING,
                Resources("cpu", 1),
                folder / "novel.safetensors",
                novel_images(folder, novel or count),
            ),
            count,
        )
        for path in (table, summary):
            check_seal(path)
        return pd.read_csv(table, dtype={"id": str}).set_index("id"), json.loads(
            summary.read_text()
        )

    return measure


def shifted(**offsets):
    predicted = TRUE.copy()
    for name, offset in offsets.items():
        predicted[:, PARAMETERS.index(name)] += offset
    return predicted


def test_the_truth_looks_like_the_truth(measure):
    table, summary = measure(TRUE)
    assert list(table.columns) == COLUMNS
    assert list(table.index) == ["000000001", "000000002", "000000004", "000000006"]
    assert (table[["rms", "flip", "novel_rms", "novel_flip"]] == 0).all(axis=None)
    assert (table[["psnr", "novel_psnr"]] == LARGEST_PSNR).all(axis=None)
    assert (summary["predictor"], summary["images"], summary["mse"]) == ("tested", 4, 0)
    assert summary["stage"]["ssim"] == pytest.approx(1)
    assert set(summary["canonical"].values()) == {0}


def test_a_wrong_material_is_seen_on_both_stages_and_means_are_over_the_images(measure):
    table, summary = measure(shifted(base_color_r=-0.2, metalness=0.1))
    assert (table[["rms", "flip", "novel_rms", "novel_flip"]] > 0).all(axis=None)
    assert not np.allclose(table["rms"], table["novel_rms"], rtol=0.02)
    for place, prefix in (("stage", ""), ("novel", "novel_")):
        for name, mean in summary[place].items():
            assert mean == pytest.approx(table[prefix + name].mean(), abs=1e-6)
    assert summary["mse"] == pytest.approx((0.2**2 + 0.1**2) / 10)
    assert summary["mae"] == pytest.approx(0.3 / 10)
    assert summary["canonical"]["metalness"] == pytest.approx(0.01)
    assert summary["canonical"]["specular_roughness"] == 0


def test_a_material_that_is_the_one_before_is_rendered_once(measure, monkeypatch):
    constant = np.tile(TRUE[0], (len(TRUE), 1))
    rendered = []

    def render(self, values, render=FramedRenderer.render):
        rendered.append(values)
        return render(self, values)

    # The truth's own renders of the novel light are made before they are counted.
    expected, _ = measure(constant)
    monkeypatch.setattr(FramedRenderer, "render", render)
    table, _ = measure(constant)
    assert len(rendered) == 2
    pd.testing.assert_frame_equal(table, expected)
    measure(TRUE)
    assert len(rendered) == 2 + 2 * 4


def test_the_sample_are_the_first_test_images_in_any_order_of_the_table(measure):
    every, _ = measure(shifted(metalness=0.1))
    table, summary = measure(shifted(metalness=0.1), count=2, order=[6, 4, 2, 0, 1, 3, 5, 7])
    assert summary["images"] == 2
    pd.testing.assert_frame_equal(table, every.iloc[:2])


def test_only_the_arrays_that_hold_the_sample_are_needed(measure):
    assert len(measure(TRUE, count=2, arrays=RANGES[:1])[0]) == 2
    with pytest.raises(InputError, match=r"Image 000000004 .* in none of the arrays"):
        measure(TRUE, count=3, arrays=RANGES[:1])


def test_novel_images_are_the_renders_of_the_sample(folder):
    path = novel_images(folder, 100)
    rows = [row for row, split in enumerate(SPLIT) if split == "test"]
    found = read_novel_images(path, [f"{row:09d}" for row in rows], 32)
    with FramedRenderer(folder / "novel.safetensors", FRAMING, "cpu", 1) as renderer:
        np.testing.assert_array_equal(found, [renderer.render(TRUE[row]) for row in rows])
    with pytest.raises(InputError, match=r"found uint8 \(4, 32, 32, 3\), expected uint8 \(4, 56"):
        read_novel_images(path, [f"{row:09d}" for row in rows], 56)


def test_novel_images_of_another_sample_are_refused(measure):
    with pytest.raises(
        InputError, match=r"novel_3\.safetensors: found 3 images.*expected the 2 of"
    ):
        measure(TRUE, count=2, novel=3)


def test_what_overshoots_is_rendered_as_the_nearest_material_and_counted_as_it_is(measure):
    within = np.clip(shifted(specular=2.0), 0, 1)
    clipped, at_one = measure(within)
    table, summary = measure(shifted(specular=2.0))
    pd.testing.assert_frame_equal(table, clipped)
    assert summary["mse"] == pytest.approx(0.4) and at_one["mse"] < 0.1


def test_only_the_pixels_of_the_object_count(folder):
    # A filter without the negative lobes that let an edge swing a little beyond itself.
    framing = FRAMING | {"filter": "box"}
    with FramedRenderer(folder / "stage.safetensors", framing, "cpu", 1) as renderer:
        black, white = renderer.render(np.zeros(10)), renderer.render(np.ones(10))
        mask = renderer.mask
    assert (mask.shape, mask.dtype) == ((32, 32), bool)
    # The silhouette's box has a margin of 4 %, so the mask nearly fills the image from edge to edge.
    rows = np.flatnonzero(mask.any(axis=1))
    assert rows[0] <= 2 and rows[-1] >= 29
    assert (black != white).any(axis=2)[mask].mean() > 0.9
    assert np.array_equal(black[~mask], white[~mask])


def test_products_are_compared_as_products():
    true, predicted = np.full((3, 10), 0.5), np.full((3, 10), 0.5)
    # Another base and colour of the same product; a specular that halves every product of its own.
    predicted[:, 0], predicted[:, 1:4] = 1.0, 0.25
    predicted[:, PARAMETERS.index("specular")] = 0.25
    assert canonical_errors(true, predicted) == {
        "base_times_color": 0,
        "specular_times_color": pytest.approx(0.125**2),
        "specular_roughness": 0,
        "metalness": 0,
    }


@pytest.mark.parametrize(("count", "shards"), [(1, 1), (100, 1), (101, 2), (1000, 10)])
def test_the_shards_of_a_sample_are_known_before_any_is_drawn(count, shards):
    fractions = {"train": 0.65, "validation": 0.15, "test": 0.2}
    assert shards_of_sample(count, 500, fractions) == shards


def test_a_test_image_that_occurs_twice_is_refused(tmp_path):
    path = write_predictions(tmp_path / "p.csv", TRUE, TRUE, SPLIT, order=[0, 1, 1])
    with pytest.raises(InputError, match=r"p\.csv: found a test image twice"):
        sampled_test_images(path, 5)


def test_images_of_another_size_are_refused(folder):
    with pytest.raises(InputError, match=r"found images of 32x32, expected 56x56"):
        pick_images([folder / f"{RANGES[0]}.npy"], ["000000001"], 56)
