"""The comparison as the report shows it: the columns worth a reader's time, the best of each marked."""

import math
from dataclasses import dataclass

import pandas as pd

from .comparison_table import BOUND, PUBLISHED

# No rivals: a bound predicts nothing, and published rows are of other images.
APART = (BOUND, PUBLISHED)

LOWEST, HIGHEST = "min", "max"


@dataclass(frozen=True)
class Column:
    """A column: its group and header, what it is, its decimals, which end is best."""

    name: str
    group: str
    header: str
    explanation: str
    decimals: int
    best: str = LOWEST


@dataclass(frozen=True)
class Cell:
    """A number as text (empty where there is none), exactly, and whether it is its column's best."""

    text: str
    value: float | None
    best: bool


@dataclass(frozen=True)
class Row:
    """A row: name, source, whether it is apart from the rivals, and its cells."""

    model: str
    source: str
    apart: bool
    cells: list[Cell]


INPUTS, LOOKS, SHOWN, COST = "Inputs", "Pictures, rendered again", "What a picture shows", ""
COLUMNS = [
    Column("test_mse", INPUTS, "MSE", "squared error of the ten inputs, all test images", 4),
    Column("test_mae", INPUTS, "MAE", "absolute error of the ten inputs, all test images", 3),
    Column("test_r2", INPUTS, "R²", "mean over the inputs, all test images", 3, HIGHEST),
    Column("test_mse_vs_ridge", INPUTS, "vs ridge", "MSE as a share of ridge regression's", 2),
    Column("sample_mse", INPUTS, "MSE, sample", "squared error of the ten inputs, the sample", 4),
    Column("image_flip", LOOKS, "FLIP", "perceived difference, 0 is none", 4),
    Column("image_psnr", LOOKS, "PSNR", "in dB, more is closer", 1, HIGHEST),
    Column("image_ssim", LOOKS, "SSIM", "structural similarity, 1 is equal", 4, HIGHEST),
    Column("image_rms", LOOKS, "RMS", "difference in levels of 255", 2),
    Column("novel_flip", LOOKS, "FLIP, new light", "in another light and view", 4),
    Column("mse_base_times_color", SHOWN, "base × colour", "MSE of the product", 5),
    Column("mse_specular_times_color", SHOWN, "specular × colour", "MSE of the product", 5),
    Column("seconds", COST, "seconds", "of a training", 0),
]


def report_columns(table: pd.DataFrame) -> list[Column]:
    """The columns that the table has, without those that are empty."""
    return [one for one in COLUMNS if one.name in table and table[one.name].notna().any()]


def report_rows(table: pd.DataFrame) -> list[Row]:
    """The table's rows with the cells of `report_columns`, in the table's order."""
    columns = report_columns(table)
    rivals = table[~table["source"].isin(APART)]
    best = {one.name: rivals[one.name].agg(one.best) for one in columns if one.group != COST}
    rows = []
    for record in table.to_dict("records"):
        apart = record["source"] in APART
        cells = []
        for one in columns:
            value = record[one.name]
            if math.isnan(value):
                cells.append(Cell("", None, False))
                continue
            is_best = not apart and value == best.get(one.name)
            cells.append(Cell(f"{value:.{one.decimals}f}".replace("-", "−"), value, is_best))
        rows.append(Row(record["model"], record["source"], apart, cells))
    return rows
