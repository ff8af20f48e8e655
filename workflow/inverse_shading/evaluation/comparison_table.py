"""The table that holds every model against the baselines and the poster: written, checked, read."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from inverse_shading.dataset.splits import SPLITS
from inverse_shading.evaluation.measures import MEASURES
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.runtime.artefacts import read_csv, unusable, write_csv
from inverse_shading.runtime.errors import InputError

# Where a row comes from. An ensemble is the mean of what a model's seeds predict; refinement corrects
# what the best model predicts by rendering; the floor is no predictor but a bound that none
# can be expected to pass.
MODEL, ENSEMBLE, REFINEMENT, BASELINE = "model", "ensemble", "refinement", "baseline"
BOUND, PUBLISHED = "bound", "poster (published)"
# Before the name of the model whose search found a row's values, where that is another one.
INHERITED = " (of "
SOURCES = (MODEL, ENSEMBLE, REFINEMENT, BASELINE, BOUND, PUBLISHED)

ERRORS = [f"{split}_{error}" for split in SPLITS for error in ("mse", "mae")]
PARAMETER_ERRORS = [f"test_mse_{name}" for name in PARAMETERS]
# Columns of the measures of what one sees, on the stage of the data set and on the novel one.
SEEN = {
    f"{view}_{name}": ".4f" if name in ("rms", "psnr") else ".6f"
    for view in ("image", "novel")
    for name in MEASURES
}
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
    "trunk": "s",
    "weights": "s",
    "precision": "s",
    "parameter_count": "d",
    # Means over seeds: 7 is written as 7, and 7.5 as 7.5.
    "epochs": ".6g",
    "best_epoch": ".6g",
    "chosen_seed": "d",
    "penalty": ".6g",
    # Trainings that settings were chosen by, and what was chosen, as a text.
    "trials": "d",
    "tuned": "s",
    "seconds": ".1f",
    "device": "s",
    **dict.fromkeys(PARAMETER_ERRORS, ".6f"),
    **SEEN,
    # What refinement leaves of these is millionths.
    "mse_base_times_color": ".4g",
    "mse_specular_times_color": ".4g",
    "sample_mse": ".6f",
    "sample_images": "d",
}
COLUMNS = list(FORMATS)


def write_table(path: str | Path, rows: Iterable[Mapping]) -> None:
    """Write comparison.csv.

    Args:
        path: where to write.
        rows: one mapping a row with the keys `COLUMNS`, None where a row has no such value.

    Raises:
        InputError: the file can't be written.
    """
    cells = [[format_value(name, row[name]) for name in COLUMNS] for row in rows]
    write_csv(path, pd.DataFrame(cells, columns=COLUMNS))


def format_value(column: str, value: object) -> str:
    """Write a value as it stands in the table; None is the empty cell."""
    return "" if value is None else format(value, FORMATS[column])


def read_comparison(path: str | Path) -> pd.DataFrame:
    """Read comparison.csv.

    Returns:
        The columns `COLUMNS`: text as strings (empty where missing), numbers as float64 (NaN where
        missing).

    Raises:
        InputError: unreadable, other columns, an unknown source, or a model without errors or seeds.
    """
    columns = {name: str if form == "s" else float for name, form in FORMATS.items()}
    table = read_csv(path, "a comparison", columns | {"source": SOURCES})
    models = table[table["source"] == MODEL]
    if models[ERRORS].isna().any(axis=None):
        raise unusable(path, f"found a model without all of {ERRORS}")
    if models["seeds"].isna().any():
        raise unusable(
            path, "found a model without the number of seeds that its errors are means over"
        )
    return table


def best_row(rows: Iterable[Mapping]) -> Mapping | None:
    """The model's row with the lowest MSE on the validation images: the first of equals, None of none.

    The test images are not used: an error that was chosen by itself would flatter the winner.
    """
    models = [row for row in rows if row["source"] == MODEL]
    return min(models, key=lambda row: row["validation_mse"], default=None)


def best_model(path: str | Path) -> str:
    """Name the best model of a table, see `best_row`.

    Raises:
        InputError: the table can't be read, or holds no model.
    """
    best = best_row(read_comparison(path).to_dict("records"))
    if best is None:
        raise InputError(f"{path}: found no model to choose from. Name at least one under models.")
    return best["model"]
