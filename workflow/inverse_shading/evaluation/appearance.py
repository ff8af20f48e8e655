"""How predicted materials look, rendered beside the truth: appearance.csv and appearance.json."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pandas as pd

from inverse_shading.evaluation.image_difference import ImageDifference, compare_images
from inverse_shading.evaluation.measures import MEASURES
from inverse_shading.evaluation.metrics import score, write_metrics
from inverse_shading.evaluation.novel_images import read_novel_images
from inverse_shading.evaluation.predictions import sampled_test_images
from inverse_shading.evaluation.views import Views
from inverse_shading.material.parameters import (
    BASE,
    BASE_COLOR,
    METALNESS,
    ROUGHNESS,
    SPECULAR,
    SPECULAR_COLOR,
)
from inverse_shading.render.framed_frames import FramedRenderer
from inverse_shading.runtime.artefacts import write_csv
from inverse_shading.runtime.jobs import logger, progress

# Where materials are looked at: the stage of the data set, and the novel one.
PLACES = ("stage", "novel")
# Columns of appearance.csv beside the id.
COLUMNS = [*MEASURES, *(f"novel_{name}" for name in MEASURES)]

# What an image shows of a material: columns whose product it is. Weights enter the shader as factors
# of their colours, wholly for the base (see `products`), nearly so for the reflection.
CANONICAL = {
    "base_times_color": (BASE, BASE_COLOR),
    "specular_times_color": (SPECULAR, SPECULAR_COLOR),
    "specular_roughness": (ROUGHNESS, None),
    "metalness": (METALNESS, None),
}


def canonical_errors(true: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Mean squared errors of what an image shows, over images and, of products, channels.

    Args:
        true, predicted: (n, 10), columns as in `parameters.PARAMETERS`.
    """
    errors = {}
    for name, (weight, color) in CANONICAL.items():
        shown = [
            values[:, [weight]] * (1 if color is None else values[:, color])
            for values in (true, predicted)
        ]
        errors[name] = float(np.mean((shown[1] - shown[0]) ** 2))
    return errors


def write_appearance(
    table: str | Path,
    summary: str | Path,
    predictor: str,
    identifiers: Sequence[str],
    true: np.ndarray,
    predicted: np.ndarray,
    differences: Mapping[str, Sequence[ImageDifference]],
) -> None:
    """Write the measures of each image, and their means with the errors of the parameters.

    Args:
        table: the appearance.csv to write: id, `COLUMNS`.
        summary: the appearance.json to write: predictor, images, mse and mae of the parameters,
            stage and novel with the mean of each measure, canonical as `canonical_errors`.
        predictor: what the materials are called.
        identifiers: the images' ids.
        true, predicted: float64 (n, 10) of these images.
        differences: of each image, by place.
    """
    values = {place: np.array([astuple(each) for each in differences[place]]) for place in PLACES}
    columns = pd.DataFrame(np.hstack([values[place] for place in PLACES]), columns=COLUMNS)
    columns.insert(0, "id", identifiers)
    write_csv(table, columns, "%.6f")
    errors = score(true, predicted)
    content = {"predictor": predictor} | {key: errors[key] for key in ("images", "mse", "mae")}
    for place in PLACES:
        means = values[place].mean(axis=0).tolist()
        content[place] = dict(zip(MEASURES, means, strict=True))
    write_metrics(summary, content | {"canonical": canonical_errors(true, predicted)})


def measure_appearance(
    table: str | Path,
    summary: str | Path,
    predictor: str,
    predictions: str | Path,
    views: Views,
    count: int,
) -> None:
    """Render what is predicted for the first test images and measure how far it is from the truth.

    On the stage the truth is the data set's image, on the novel stage, which the predictor never
    saw, a render of its material. Both are framed by the silhouette, whose pixels alone count.

    Args:
        table, summary: the appearance.csv and appearance.json to write, see `write_appearance`.
        predictor: name for the summary.
        predictions: a predictions.csv; values beyond [0, 1] are rendered as the nearest that is not.
        views: the images of the sample in both lights, and both stages.
        count: test images to take; all if there are fewer.

    Raises:
        InputError: an input can't be read or doesn't fit the others, or nothing can render.
    """
    identifiers, true, predicted = sampled_test_images(predictions, count)
    size = views.framing["image_size"]
    truths = {
        "stage": views.pick(identifiers),
        "novel": read_novel_images(views.novel_images, identifiers, size),
    }
    stages = {"stage": views.stage, "novel": views.novel_stage}
    # A model may overshoot the range that materials are made of.
    materials = np.clip(predicted, 0, 1)
    differences: dict[str, list[ImageDifference]] = {}
    for place, stage in stages.items():
        with views.renderer(stage) as renderer:
            logger.info("%d materials of %s on %s", len(materials), predictor, renderer.driver)
            pairs = zip(truths[place], _renders(renderer, materials), strict=True)
            differences[place] = [
                compare_images(truth, image, renderer.mask)
                for truth, image in progress(pairs, len(materials), "image")
            ]
    write_appearance(table, summary, predictor, identifiers, true, predicted, differences)


def _renders(renderer: FramedRenderer, materials: np.ndarray) -> Iterator[np.ndarray]:
    """Images of materials (n, 10); one that is the material before is not rendered again."""
    before = image = None
    for material in materials:
        # A constant answers all images alike.
        if before is None or not np.array_equal(material, before):
            before, image = material, renderer.render(material)
        yield image
