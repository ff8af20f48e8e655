"""All that the report is made from: read, checked against each other, brought to one order."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from inverse_shading.dataset.splits import SPLITS
from inverse_shading.evaluation.appearance import COLUMNS
from inverse_shading.evaluation.comparison_table import best_model, read_comparison
from inverse_shading.evaluation.metrics import read_metrics
from inverse_shading.evaluation.predictions import (
    Predictions,
    read_all_predictions,
    read_predictions,
)
from inverse_shading.inversion.intervals_file import RefinedIntervals, read_intervals
from inverse_shading.runtime.artefacts import FINITE, check_identifiers, read_csv, unusable


@dataclass(frozen=True)
class ReportData:
    """What the report shows. Arrays have one row an image of the sample, unless they say otherwise.

    A predictor is a model, or the refinement, which is called `refined` and stands first in
    `guesses`, `materials` and `appearance`; the best model is the second, the others follow.

    Attributes:
        table: the comparison.
        best: the model with the lowest validation MSE.
        refined: name of the refinement.
        splits: images of each split.
        sample: ids of the images that were rendered again.
        true: float64 (n, 10), the true inputs.
        guesses: by predictor, float64 (n, 10): its best guess at the numbers.
        materials: by predictor, the same in [0, 1]: the material whose render is its image.
        appearance: by predictor, as `read_appearance`.
        intervals: of the refinement.
        share: share of truths that the intervals are to hold.
        test: by model, true and predicted inputs of all test images, both float64 (n_test, 10).
    """

    table: pd.DataFrame
    best: str
    refined: str
    splits: dict[str, int]
    sample: list[str]
    true: np.ndarray
    guesses: dict[str, np.ndarray]
    materials: dict[str, np.ndarray]
    appearance: dict[str, pd.DataFrame]
    intervals: RefinedIntervals
    share: float
    test: dict[str, tuple[np.ndarray, np.ndarray]]


def read_report_data(
    table: str | Path,
    predictions: Mapping[str, str | Path],
    refined: Mapping[str, str | Path],
    appearance: Mapping[str, str | Path],
) -> ReportData:
    """Read what the report is made from.

    Args:
        table: comparison.csv.
        predictions: predictions.csv by model, of all images.
        refined: files of the refinement: predictions, materials, intervals, metrics, appearance.
        appearance: appearance.csv by model.

    Raises:
        InputError: a file can't be read, is incomplete, or is of other images than the others.
    """
    best = best_model(table)
    if best not in predictions:
        raise unusable(
            table, f"found {best} as the best model, expected one of {', '.join(predictions)}"
        )
    models = [best, *(model for model in predictions if model != best)]
    metrics = read_metrics(refined["metrics"])
    if not isinstance(metrics.get("model"), str) or not isinstance(metrics.get("interval"), float):
        raise unusable(refined["metrics"], "found no model or no interval, expected both")
    name = metrics["model"]

    sample, true, means = read_predictions(refined["predictions"], "test")
    same, _, materials = read_predictions(refined["materials"], "test")
    check_identifiers(refined["materials"], same, sample, "the sample")
    intervals = read_intervals(refined["intervals"])
    check_identifiers(refined["intervals"], intervals.identifiers, sample, "the sample")

    every = {model: read_all_predictions(predictions[model]) for model in models}
    guesses = {name: means}
    for model, one in every.items():
        guesses[model] = _of_sample(predictions[model], one, sample)
    drawn = {name: materials} | {model: guesses[model] for model in models}
    paths = {name: refined["appearance"]} | {model: appearance[model] for model in models}
    return ReportData(
        table=read_comparison(table),
        best=best,
        refined=name,
        splits={split: int((every[best].split == split).sum()) for split in SPLITS},
        sample=sample,
        true=true,
        guesses=guesses,
        # A model may overshoot the range that materials are made of.
        materials={predictor: np.clip(values, 0, 1) for predictor, values in drawn.items()},
        appearance={predictor: read_appearance(path, sample) for predictor, path in paths.items()},
        intervals=intervals,
        share=metrics["interval"],
        test={
            model: (one.true[one.split == "test"], one.predicted[one.split == "test"])
            for model, one in every.items()
        },
    )


def read_appearance(path: str | Path, sample: list[str]) -> pd.DataFrame:
    """Read an appearance.csv of the images of a sample.

    Returns:
        A table indexed by id with the float64 columns `appearance.COLUMNS`.

    Raises:
        InputError: damaged, unreadable, a column missing, a value that is not a finite number, or of
            other images.
    """
    columns = {"id": str} | dict.fromkeys(COLUMNS, FINITE)
    table = read_csv(path, "appearance", columns, whole=False).set_index("id")
    check_identifiers(path, table.index, sample, "the sample")
    return table


def _of_sample(path: str | Path, every: Predictions, sample: list[str]) -> np.ndarray:
    rows = {identifier: row for row, identifier in enumerate(every.identifiers)}
    missing = [identifier for identifier in sample if identifier not in rows]
    if missing:
        raise unusable(path, f"found no image {missing[0]}, expected it")
    return every.predicted[[rows[identifier] for identifier in sample]]
