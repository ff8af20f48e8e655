"""The table that holds every model against the baselines and the poster: made, checked, read."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from .errors import InputError
from .files import check_seal, write_sealed_text
from .metrics_file import read_metrics
from .parameters import PARAMETERS
from .splits import SPLITS

# Where a row comes from. An ensemble is the mean of what a model's seeds predict; the floor is no
# predictor but a bound that none can pass.
MODEL, ENSEMBLE, BASELINE = "model", "ensemble", "baseline"
BOUND, PUBLISHED = "bound", "poster (published)"
SOURCES = (MODEL, ENSEMBLE, BASELINE, BOUND, PUBLISHED)
FLOOR, RIDGE = "floor", "ridge"

ERRORS = [f"{split}_{error}" for split in SPLITS for error in ("mse", "mae")]
PARAMETER_ERRORS = [f"test_mse_{name}" for name in PARAMETERS]
# Column by column: how its values are written. None of them depends on the machine that writes.
FORMATS = {
    "model": "s",
    "source": "s",
    **dict.fromkeys(ERRORS, ".6f"),
    "seeds": "d",
    "test_mse_interval": ".6f",
    "test_mae_interval": ".6f",
    "test_mse_image_interval": ".6f",
    "test_r2": ".6f",
    "test_mse_vs_ridge": ".4f",
    "decoding": "s",
    "test_mse_argmax": ".6f",
    "test_mse_expected": ".6f",
    "trunk": "s",
    "weights": "s",
    "parameter_count": "d",
    # Means over seeds: 7 is written as 7, and 7.5 as 7.5.
    "epochs": ".6g",
    "best_epoch": ".6g",
    "chosen_seed": "d",
    "penalty": ".6g",
    "seconds": ".1f",
    "device": "s",
    **dict.fromkeys(PARAMETER_ERRORS, ".6f"),
}
COLUMNS = list(FORMATS)
# The last letter of a format, for people.
KINDS = {"s": "a text", "d": "a whole number", "f": "a finite number", "g": "a finite number"}


def write_table(
    path: str | Path,
    metrics: Iterable[str | Path],
    baselines: Iterable[str | Path],
    published: Sequence[Mapping],
) -> None:
    """Write comparison.csv: models with their ensembles, then baselines, then the published rows.

    Args:
        path: where to write.
        metrics: metrics.json of each model, in the order of the rows.
        baselines: metrics.json of each baseline, likewise.
        published: rows of the config's section of that name.

    Raises:
        InputError: a metrics.json is missing, broken or incomplete, or the file can't be written.
    """
    rows = build_comparison(metrics, baselines, published)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([format_value(name, row[name]) for name in COLUMNS] for row in rows)
    write_sealed_text(path, buffer.getvalue())


def build_comparison(
    metrics: Iterable[str | Path],
    baselines: Iterable[str | Path],
    published: Sequence[Mapping],
) -> list[dict]:
    """Collect the rows: models, baselines, published rows, each in the order given.

    A model of several seeds is followed by the row of their ensemble.

    Args:
        metrics, baselines: paths of metrics.json.
        published: `model`, `train_mse`, `train_mae`, `test_mse`, `test_mae` of each row.

    Returns:
        One dict a row with the keys `COLUMNS`; None where a row has no such value.

    Raises:
        InputError: a metrics.json is missing, broken or incomplete.
    """
    rows = [row for path in metrics for row in _model_rows(path)]
    rows += [_row(path, _read_content(path), BASELINE) for path in baselines]
    ridge = next((r["test_mse"] for r in rows if (r["source"], r["model"]) == (BASELINE, RIDGE)), 0)
    for row in rows:
        if ridge and row["test_mse"] is not None:
            row["test_mse_vs_ridge"] = row["test_mse"] / ridge
    # No ratio for these: the ridge regression saw our images, not theirs.
    rows += [dict.fromkeys(COLUMNS) | dict(row) | {"source": PUBLISHED} for row in published]
    return rows


def format_value(column: str, value: object) -> str:
    """Write a value as it stands in the table; None is the empty cell."""
    return "" if value is None else format(value, FORMATS[column])


def read_comparison(path: str | Path) -> pd.DataFrame:
    """Read comparison.csv.

    Returns:
        The columns `COLUMNS`: text as strings (empty where missing), numbers as float64 (NaN where
        missing).

    Raises:
        InputError: unreadable, other columns, an unknown source, or a model without errors.
    """
    check_seal(path)
    texts = {column: str for column, form in FORMATS.items() if form == "s"}
    try:
        table = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: can't be read as a comparison ({error}). {_remedy(path)}"
        ) from error
    if list(table.columns) != COLUMNS:
        raise InputError(
            f"{path}: found the columns {list(table.columns)}, expected {COLUMNS}. {_remedy(path)}"
        )
    table[list(texts)] = table[list(texts)].fillna("")
    unknown = set(table["source"]) - set(SOURCES)
    if unknown:
        raise InputError(
            f"{path}: found the sources {sorted(unknown)}, which it can't hold. {_remedy(path)}"
        )
    try:
        numbers = [column for column in COLUMNS if column not in texts]
        table[numbers] = table[numbers].astype("float64")
    except ValueError as error:
        raise InputError(
            f"{path}: found text in a column of numbers ({error}). {_remedy(path)}"
        ) from error
    if table.loc[table["source"] == MODEL, ERRORS].isna().any(axis=None):
        raise InputError(f"{path}: found a model without all of {ERRORS}. {_remedy(path)}")
    return table


def best_model(path: str | Path) -> str:
    """Name the model with the lowest MSE on the validation images (the first one of equals).

    The test images have no say: an error that was chosen by itself would flatter the winner.

    Raises:
        InputError: the table can't be read, or holds no model.
    """
    table = read_comparison(path)
    models = table[table["source"] == MODEL]
    if models.empty:
        raise InputError(f"{path}: found no model to choose from. Name at least one under models.")
    return str(models.loc[models["validation_mse"].idxmin(), "model"])


def _model_rows(path: str | Path) -> list[dict]:
    """The row of a model's metrics.json, and that of its ensemble if it has one."""
    content = _read_content(path)
    rows = [_row(path, content, MODEL)]
    if isinstance(content.get("ensemble"), dict):
        kept = {key: content.get(key) for key in ("trunk", "weights", "decoding", "seeds")}
        name = f"{content['model']} (ensemble of {content['seeds']})"
        rows.append(_row(path, {"model": name, **kept, **content["ensemble"]}, ENSEMBLE))
    return rows


def _read_content(path: str | Path) -> dict:
    """Metrics, with the number of seeds in place of what each of them came to."""
    content = read_metrics(path)
    if isinstance(content.get("seeds"), list):
        content["seeds"] = len(content["seeds"])
    return content


def _row(path: str | Path, content: dict, source: str) -> dict:
    """Metrics as a row. Models and ensembles need every error; a baseline may leave some out."""
    is_model = source in (MODEL, ENSEMBLE)
    # Column: where its value stands in metrics.json, and whether it must.
    places = {"model": (("model",), True), "weights": (("weights",), is_model)}
    places["seeds"] = (("seeds",), is_model)
    for split in SPLITS:
        for error in ("mse", "mae"):
            places[f"{split}_{error}"] = (("splits", split, error), is_model)
    for name in PARAMETERS:
        places[f"test_mse_{name}"] = (("splits", "test", "parameters", name, "mse"), is_model)
    places["test_r2"] = (("splits", "test", "r2"), False)
    for error in ("mse", "mae"):
        places[f"test_{error}_interval"] = (("intervals", "test", error), False)
    places["test_mse_image_interval"] = (("image_intervals", "test", "mse"), False)
    for decoding in ("argmax", "expected"):
        places[f"test_mse_{decoding}"] = (("decodings", decoding, "test", "mse"), False)
    for column in COLUMNS:
        if column not in places and column not in ("source", "test_mse_vs_ridge"):
            places[column] = ((column,), False)

    row = dict.fromkeys(COLUMNS)
    for column, (keys, needed) in places.items():
        value = content
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if (value is not None or needed) and not _is_kind(value, FORMATS[column]):
            raise InputError(
                f"{path}: found {json.dumps(value)} at {'.'.join(keys)}, expected "
                f"{KINDS[FORMATS[column][-1]]}. {_remedy(path)}"
            )
        row[column] = value
    row["source"] = BOUND if source == BASELINE and row["model"] == FLOOR else source
    return row


def _is_kind(value: object, form: str) -> bool:
    if isinstance(value, bool):
        return False
    if form == "s":
        return isinstance(value, str)
    if form == "d":
        return isinstance(value, int)
    return isinstance(value, (int, float)) and math.isfinite(value)


def _remedy(path: str | Path) -> str:
    return f"Delete {path} and run the same command again to make it anew."
