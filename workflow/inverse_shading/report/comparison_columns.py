"""The comparison's main table as people read it: which columns, and how their cells are written."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from inverse_shading.evaluation.comparison_table import read_comparison


class Column(NamedTuple):
    """A column: its header, and the decimals of its numbers (None for text)."""

    header: str
    decimals: int | None


SEEDS, INTERVAL, DECODING = "seeds", "test_mse_interval", "decoding"

COLUMNS = {
    "model": Column("model", None),
    "source": Column("source", None),
    DECODING: Column("decoding", None),
    "train_mse": Column("train MSE", 4),
    "validation_mse": Column("val. MSE", 4),
    "test_mse": Column("test MSE", 4),
    SEEDS: Column("seeds", 0),
    INTERVAL: Column("± seeds", 4),
    "test_mae": Column("test MAE", 4),
    "test_r2": Column("test R²", 3),
    "test_mse_vs_ridge": Column("vs ridge", 2),
    "weights": Column("weights", None),
}


def read_rows(table: str | Path) -> list[dict]:
    """The rows of comparison.csv, None where a row has no such number.

    Raises:
        InputError: the table can't be read.
    """
    return [
        {
            column: None if isinstance(value, float) and math.isnan(value) else value
            for column, value in row.items()
        }
        for row in read_comparison(table).to_dict("records")
    ]


def readable_columns(rows: Sequence[Mapping]) -> dict[str, Column]:
    """The columns by name, without the interval over seeds, their number and the decoding where no row
    has one."""
    empty = {name for name in (INTERVAL, DECODING) if all(row[name] in (None, "") for row in rows)}
    if INTERVAL in empty:
        empty.add(SEEDS)
    return {name: column for name, column in COLUMNS.items() if name not in empty}


def readable_cells(row: Mapping, columns: Mapping[str, Column]) -> dict[str, str]:
    """The cells of a row by column, rounded; empty where the row has no value."""
    cells = {}
    for name, (_, decimals) in columns.items():
        value = row[name]
        if decimals is None:
            cells[name] = value or ""
        else:
            cells[name] = "" if value is None else f"{value:.{decimals}f}"
    if cells.get(INTERVAL):
        cells[INTERVAL] = f"±{cells[INTERVAL]}"
    return cells
