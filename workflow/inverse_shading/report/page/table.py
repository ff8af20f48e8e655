"""The comparison as the report shows it: the columns worth a reader's time, the best of each marked."""

import math
from dataclasses import dataclass

import pandas as pd

from inverse_shading.evaluation.comparison_table import BOUND, PUBLISHED, REFINEMENT

# No rivals: a bound predicts nothing, and published rows are of other images.
APART = (BOUND, PUBLISHED)

LOWEST, HIGHEST = "min", "max"


@dataclass(frozen=True)
class Column:
    """A column: its group and header, what it is, how it is written, which end is best."""

    name: str
    group: str
    header: str
    explanation: str
    form: str
    best: str = LOWEST

    @property
    def of_all(self) -> bool:
        """Whether it is of all test images, not of the sample."""
        return self.name.startswith("test_")


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: the number as it is written; empty where there is none.
        value: the number itself.
        best: whether it is its column's best.
        apart: whether it is of other images than its column, and sorted below the column's others.
    """

    text: str
    value: float | None = None
    best: bool = False
    apart: bool = False


@dataclass(frozen=True)
class Row:
    """A row: name, source, whether it is apart from the rivals, and its cells."""

    model: str
    source: str
    apart: bool
    cells: list[Cell]


INPUTS, LOOKS, SHOWN, COST = "Inputs", "Pictures, rendered again", "What a picture shows", ""
COLUMNS = [
    Column("test_mse", INPUTS, "MSE", "squared error of the ten inputs, all test images", ".4f"),
    Column("test_mae", INPUTS, "MAE", "absolute error of the ten inputs, all test images", ".3f"),
    Column("test_r2", INPUTS, "R²", "mean over the inputs, all test images", ".3f", HIGHEST),
    Column("test_mse_vs_ridge", INPUTS, "vs ridge", "MSE as a share of ridge regression’s", ".2f"),
    Column("sample_mse", INPUTS, "MSE, sample", "as MSE, on the sample alone", ".4f"),
    Column("image_flip", LOOKS, "FLIP", "perceived difference, 0 is none", ".4f"),
    Column("image_psnr", LOOKS, "PSNR", "in dB, more is closer", ".1f", HIGHEST),
    Column("image_ssim", LOOKS, "SSIM", "structural similarity, 1 is equal", ".4f", HIGHEST),
    Column("image_rms", LOOKS, "RMS", "difference in levels of 255", ".2f"),
    Column("novel_flip", LOOKS, "FLIP, new light", "in another light and view", ".4f"),
    Column("mse_base_times_color", SHOWN, "base × colour", "MSE of the product", ".2g"),
    Column("mse_specular_times_color", SHOWN, "specular × colour", "MSE of the product", ".2g"),
    Column("seconds", COST, "seconds", "of a training", ".0f"),
]


def report_columns(table: pd.DataFrame) -> list[Column]:
    """The columns that the table has, without those that are empty."""
    return [one for one in COLUMNS if one.name in table and table[one.name].notna().any()]


def report_rows(table: pd.DataFrame) -> list[Row]:
    """The table's rows with the cells of `report_columns`, in the table's order."""
    columns = report_columns(table)
    best = {one.name: _best(table, one) for one in columns if one.group != COST}
    rows = []
    for record in table.to_dict("records"):
        apart = record["source"] in APART
        cells = []
        for one in columns:
            value = record[one.name]
            if math.isnan(value):
                cells.append(Cell(""))
                continue
            is_best = _is_rival(record["source"], one) and value == best.get(one.name)
            text = format(value, one.form).replace("-", "−")
            cells.append(Cell(text, value, is_best, _of_the_sample(record["source"], one)))
        rows.append(Row(record["model"], record["source"], apart, cells))
    return rows


def _best(table: pd.DataFrame, column: Column) -> float:
    rivals = [_is_rival(source, column) for source in table["source"]]
    return table.loc[rivals, column.name].agg(column.best)


def _is_rival(source: str, column: Column) -> bool:
    return source not in APART and not _of_the_sample(source, column)


def _of_the_sample(source: str, column: Column) -> bool:
    """Whether a row has numbers of the sample alone in a column that is of all test images."""
    return column.of_all and source == REFINEMENT
