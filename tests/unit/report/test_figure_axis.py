"""The figure along an axis: what is drawn, and what is refused."""

import pytest
from PIL import Image

from inverse_shading.evaluation.metrics import write_metrics
from inverse_shading.report.figures.axis import draw_axis
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import seal

ERRORS = {"vgg16_v1": (0.06, 0.05, 0.04, 0.031), "pixel_components": (0.04, 0.03, 0.02, 0.016)}
PLACES = (1000, 2000, 5000, 10000)


def metrics(error, seeds=1, **changes):
    return {
        "splits": {"test": {"mse": error}},
        "seeds": [{}] * seeds,
        "intervals": {"test": {"mse": 0.02 * error if seeds > 1 else None}},
        "image_intervals": {"test": {"mse": 0.03 * error}},
    } | changes


def draw(folder, axis="images", singles=(), **changes):
    points, paths = [], []
    for group, errors in ERRORS.items():
        for place, error in zip(PLACES, errors, strict=True):
            points.append({"model": f"{group}_{place}", "group": group, "place": place})
            paths.append(folder / f"{group}_{place}.json")
            own = {"seeds": 1} if points[-1]["model"] in singles else {}
            write_metrics(paths[-1], metrics(error, **changes | own))
    draw_axis(folder / "axis.png", axis, points, paths)
    return (folder / "axis.png").read_bytes()


def test_the_same_data_give_the_same_picture_and_others_another(tmp_path):
    changes = ({"axis": "images"}, {"axis": "bins"}, {"axis": "images", "seeds": 3})
    first, second = ([draw(tmp_path, **change) for change in changes] for _ in range(2))
    assert first == second and len(set(first)) == 3
    with Image.open(tmp_path / "axis.png") as picture:
        assert picture.size == (900, 552)


def test_one_model_of_a_single_seed_makes_all_intervals_those_over_images(tmp_path):
    over_images, over_seeds = draw(tmp_path), draw(tmp_path, seeds=3)
    assert draw(tmp_path, seeds=3, singles=["vgg16_v1_10000"]) == over_images != over_seeds


def test_metrics_without_an_error_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"vgg16_v1_1000\.json: found no 'mse' among the metrics"):
        draw(tmp_path, splits={"test": {}})
    draw(tmp_path)
    path = tmp_path / "pixel_components_1000.json"
    path.write_text("{}")
    seal(path)
    point = {"model": "pixel_components_1000", "group": "pixel_components", "place": 1000}
    with pytest.raises(InputError, match="found no 'seeds'"):
        draw_axis(tmp_path / "axis.png", "images", [point], [path])
