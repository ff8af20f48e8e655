"""Errors of predicted parameters, and metrics.json that holds them."""

from pathlib import Path

import numpy as np

from inverse_shading.dataset.splits import SPLITS
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.runtime.artefacts import read_json, write_json


def write_metrics(path: str | Path, metrics: dict) -> None:
    """Write metrics as JSON, keys in the order given."""
    write_json(path, metrics)


def read_metrics(path: str | Path) -> dict:
    """Read metrics; what they hold is for the caller to check.

    Raises:
        InputError: missing, damaged, or no JSON object.
    """
    return read_json(path, "metrics")


def score(true: np.ndarray, predicted: np.ndarray) -> dict:
    """Errors over images, for all parameters together and for each.

    mse is the mean of squared and mae that of absolute differences. r2 of a parameter is
    1 − SSE / SST, SST about the mean of `true`: 0 for the best constant, 1 for no error; it is None
    where all true values are the same. r2 of all is the mean over parameters that have one.

    Args:
        true, predicted: (n, 10), columns as in `parameters.PARAMETERS`, n at least 1.

    Returns:
        images, mse, mae, r2, and parameters: {name: {mse, mae, r2}}.
    """
    true, predicted = np.asarray(true, np.float64), np.asarray(predicted, np.float64)
    difference = predicted - true
    mse = np.square(difference).mean(axis=0)
    mae = np.abs(difference).mean(axis=0)
    variance = true.var(axis=0)
    r2 = [
        1 - m / v if v > 0 else None for m, v in zip(mse.tolist(), variance.tolist(), strict=True)
    ]
    defined = [value for value in r2 if value is not None]
    return {
        "images": len(true),
        "mse": float(mse.mean()),
        "mae": float(mae.mean()),
        "r2": float(np.mean(defined)) if defined else None,
        "parameters": {
            name: {"mse": float(mse[i]), "mae": float(mae[i]), "r2": r2[i]}
            for i, name in enumerate(PARAMETERS)
        },
    }


def image_errors(true: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Errors image by image, whose means over images are mse and mae of `score`.

    Args:
        true, predicted: (n, 10), columns as in `parameters.PARAMETERS`.

    Returns:
        Squared and absolute errors, each the mean over the ten parameters, float64 (n,).
    """
    difference = np.asarray(predicted, np.float64) - np.asarray(true, np.float64)
    return np.square(difference).mean(axis=1), np.abs(difference).mean(axis=1)


def score_splits(split: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> dict:
    """`score` of each split: {train: …, validation: …, test: …}.

    Args:
        split: name of the split of each image.
        true, predicted: (n, 10) of all images.
    """
    return {name: score(true[split == name], predicted[split == name]) for name in SPLITS}
