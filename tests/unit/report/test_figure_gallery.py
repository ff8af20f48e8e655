"""The gallery: which model and images it shows, and what it renders, with a renderer of its own."""

import numpy as np
import pytest
from PIL import Image

from inverse_shading.evaluation.comparison_table import ERRORS
from inverse_shading.render import framed_frames
from inverse_shading.report.figures.gallery import DIFFERENCE_GAIN, draw_gallery
from inverse_shading.report.ranks import even_ranks
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.resources import Resources
from tests.support.report_inputs import (
    FRAMING,
    SPLITS,
    FlatRenderer,
    true_values,
    write_images,
)
from tests.support.tables import write_comparison, write_predictions


@pytest.fixture
def gallery(tmp_path, monkeypatch):
    """A call of draw_gallery over eight images, of which five are test images of known errors."""
    monkeypatch.setattr(framed_frames, "Renderer", FlatRenderer)
    true = true_values()
    predicted = true.copy()
    predicted[:, 2] += [0, 0.3, 0.0, 0, 0.2, -0.9, 0.1, 0]
    write_predictions(tmp_path / "good.csv", true, predicted, SPLITS)
    (tmp_path / "other.csv").write_text("not read, because the other model is the best one")
    rows = [
        {"model": "other", "source": "model", **dict.fromkeys(ERRORS, 0.01), "validation_mse": 0.5},
        {"model": "good", "source": "model", **dict.fromkeys(ERRORS, 0.02), "validation_mse": 0.4},
    ]
    table = write_comparison(tmp_path / "comparison.csv", rows)

    def draw(count=3, models=("other", "good"), **changes):
        predictions = {model: tmp_path / f"{model}.csv" for model in models}
        views = write_images(tmp_path, **changes)
        draw_gallery(tmp_path / "gallery.png", table, predictions, views, count)
        with Image.open(tmp_path / "gallery.png") as image:
            return np.asarray(image.convert("RGB"))

    draw.folder = tmp_path
    return draw


def shows(pixels, red, green, blue):
    """Whether there is a whole tile of this colour, the channels given in [0, 1]."""
    colour = np.round(np.array([red, green, blue]) * 255)
    return (np.abs(pixels - colour) <= 1).all(axis=2).sum() >= 32 * 32


def test_truth_prediction_and_difference_of_best_median_and_worst(gallery):
    pixels = gallery(3)
    # Sorted by error: images 2 (0), 6 (0.1), 4 (0.2), 1 (0.3), 5 (-0.9, rendered as 0).
    reds = np.linspace(0.1, 0.8, 8)
    for index, predicted in ((2, 0.2), (4, 0.4), (5, 0.0)):
        assert shows(pixels, reds[index], 0.2, 0.2)
        assert shows(pixels, reds[index], predicted, 0.2)
        assert shows(pixels, 0, DIFFERENCE_GAIN * abs(predicted - 0.2), 0)
    for index in (0, 1, 3, 6, 7):
        assert not shows(pixels, reds[index], 0.2, 0.2)


def test_all_test_images_if_there_are_fewer(gallery):
    pixels = gallery(64)
    reds = np.linspace(0.1, 0.8, 8)
    assert [index for index in range(8) if shows(pixels, reds[index], 0.2, 0.2)] == [1, 2, 4, 5, 6]


def test_renders_on_the_stage_and_device_given(gallery):
    gallery(1, resources=Resources(3, 2))
    assert FlatRenderer.used == (gallery.folder / "stage.safetensors", 3, 2)


def test_the_same_data_give_the_same_bytes(gallery):
    gallery()
    first = (gallery.folder / "gallery.png").read_bytes()
    gallery()
    assert (gallery.folder / "gallery.png").read_bytes() == first


def test_even_ranks():
    errors = np.array([5.0, 1.0, 4.0, 2.0, 3.0])
    assert even_ranks(errors, 3).tolist() == [1, 4, 0]
    assert even_ranks(errors, 2).tolist() == [1, 0]
    # One image alone shows the middle, not the best.
    assert even_ranks(errors, 1).tolist() == [4]
    assert even_ranks(errors, 9).tolist() == [1, 3, 4, 2, 0]
    assert even_ranks(np.ones(4), 4).tolist() == [0, 1, 2, 3]


def test_an_image_in_no_array_is_refused(gallery):
    with pytest.raises(InputError, match=r"Image 00000000[45] of the predictions is in none"):
        gallery(images=[gallery.folder / "000000-000003.npy"])


def test_images_of_another_size_are_refused(gallery):
    with pytest.raises(InputError, match=r"\.npy: found images of 32x32, expected 64x64"):
        gallery(framing=FRAMING | {"image_size": 64})


def test_a_best_model_without_predictions_is_refused(gallery):
    with pytest.raises(InputError, match="found good as the best model, expected one of other"):
        gallery(models=["other"])
