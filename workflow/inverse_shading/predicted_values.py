"""predictions.csv as figures need it: true and predicted parameters of the images of one split."""

from pathlib import Path

import numpy as np
import pandas as pd

from .errors import InputError
from .files import check_seal
from .parameters import PARAMETERS


def read_predictions(path: str | Path, split: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Read the predictions of one split.

    Args:
        path: a model's predictions.csv: id, split, `<parameter>_true` and `<parameter>_predicted`.
        split: train, validation or test.

    Returns:
        The ids, the true and the predicted parameters, both float64 (n, 10), in the table's order.

    Raises:
        InputError: damaged, unreadable, a column missing, a value that is not a finite number, or no
            image of that split.
    """
    check_seal(path)
    remedy = f"Delete {path} and run the same command again to make it anew."
    true = [f"{name}_true" for name in PARAMETERS]
    predicted = [f"{name}_predicted" for name in PARAMETERS]
    try:
        table = pd.read_csv(path, dtype={"id": str, "split": str})
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: can't be read as predictions ({error}). {remedy}") from error
    missing = [name for name in ["id", "split", *true, *predicted] if name not in table]
    if missing:
        raise InputError(f"{path}: found no column {', '.join(missing)}. {remedy}")
    table = table[table["split"] == split]
    if table.empty:
        raise InputError(f"{path}: found no image of the split {split!r}, expected some. {remedy}")
    try:
        values = table[true + predicted].to_numpy("float64")
    except ValueError as error:
        raise InputError(f"{path}: found text among the numbers ({error}). {remedy}") from error
    if not np.isfinite(values).all():
        raise InputError(f"{path}: found a value that is not a finite number. {remedy}")
    return list(table["id"]), values[:, : len(true)], values[:, len(true) :]
