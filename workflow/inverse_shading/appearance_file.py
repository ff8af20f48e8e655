"""appearance.csv and appearance.json: how materials that were predicted look."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields
from pathlib import Path

import numpy as np
import pandas as pd

from .files import sealed_path
from .image_difference import ImageDifference
from .metrics import score
from .metrics_file import write_metrics
from .parameters import PARAMETERS

MEASURES = [field.name for field in fields(ImageDifference)]
# Where materials are looked at: the stage of the data set, and the novel one.
PLACES = ("stage", "novel")
# Columns of appearance.csv beside the id.
COLUMNS = MEASURES + [f"novel_{name}" for name in MEASURES]

BASE, SPECULAR = PARAMETERS.index("base"), PARAMETERS.index("specular")
BASE_COLOR = [PARAMETERS.index(f"base_color_{channel}") for channel in "rgb"]
SPECULAR_COLOR = [PARAMETERS.index(f"specular_color_{channel}") for channel in "rgb"]
# What an image shows of a material: columns whose product it is. Weights enter the shader as factors
# of their colours, wholly for the base (see `floor`), nearly so for the reflection.
CANONICAL = {
    "base_times_color": (BASE, BASE_COLOR),
    "specular_times_color": (SPECULAR, SPECULAR_COLOR),
    "specular_roughness": (PARAMETERS.index("specular_roughness"), None),
    "metalness": (PARAMETERS.index("metalness"), None),
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
    with sealed_path(table) as temporary:
        columns.to_csv(temporary, index=False, float_format="%.6f", lineterminator="\n")
    errors = score(true, predicted)
    content = {"predictor": predictor} | {key: errors[key] for key in ("images", "mse", "mae")}
    for place in PLACES:
        means = values[place].mean(axis=0).tolist()
        content[place] = dict(zip(MEASURES, means, strict=True))
    write_metrics(summary, content | {"canonical": canonical_errors(true, predicted)})
