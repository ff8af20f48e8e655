"""paired_tests.csv: every two predictors held against each other, written and read."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .errors import InputError
from .files import check_seal, sealed_path

# Column by column: how its values are written.
FORMATS = {
    "a": "s",
    "b": "s",
    "images": "d",
    "mse_a": ".6f",
    "mse_b": ".6f",
    "difference": ".6g",
    "low": ".6g",
    "high": ".6g",
    "p": ".6g",
    "p_wilcoxon": ".6g",
    "p_holm": ".6g",
}
COLUMNS = list(FORMATS)

# Below this p after Holm, two predictors are called different.
SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Difference:
    """One predictor against a reference, on the test images.

    Attributes:
        name: of the predictor.
        difference, low, high: its MSE less the reference's, and the 95 % interval of that.
        p_holm: p of the paired t-test, after Holm's correction for all pairs of the table.
    """

    name: str
    difference: float
    low: float
    high: float
    p_holm: float

    @property
    def interval(self) -> str:
        """The interval in brackets, signed, four decimals."""
        return f"[{format_signed(self.low)}, {format_signed(self.high)}]"

    @property
    def p_text(self) -> str:
        """p as people read it, three decimals."""
        return f"{self.p_holm:.3f}" if self.p_holm >= 0.0005 else "< 0.001"

    @property
    def verdict(self) -> str:
        """What it comes to, in words."""
        if self.p_holm >= SIGNIFICANCE:
            return "no difference shown"
        return "worse" if self.difference > 0 else "better"


def format_signed(value: float) -> str:
    """A difference with its sign, four decimals, a minus as wide as the plus."""
    return f"{value:+.4f}".replace("-", "−")


def write_paired_table(path: str | Path, rows: Iterable[dict]) -> None:
    """Write a row a pair.

    Args:
        rows: values by the keys `COLUMNS`.
    """
    cells = [{name: format(row[name], form) for name, form in FORMATS.items()} for row in rows]
    with sealed_path(path) as temporary:
        pd.DataFrame(cells, columns=COLUMNS).to_csv(temporary, index=False, lineterminator="\n")


def read_paired_table(path: str | Path) -> pd.DataFrame:
    """Read paired_tests.csv.

    Returns:
        The columns `COLUMNS`: a and b as strings, the others as float64.

    Raises:
        InputError: missing, damaged, other columns, no row, or a value that is not a finite number.
    """
    check_seal(path)
    remedy = f"Delete {path} and run the same command again to make it anew."
    try:
        table = pd.read_csv(path, dtype={"a": str, "b": str}, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: can't be read as paired tests ({error}). {remedy}") from error
    if list(table.columns) != COLUMNS or table.empty:
        raise InputError(
            f"{path}: found {len(table)} rows of the columns {list(table.columns)}, expected at "
            f"least one of {COLUMNS}. {remedy}"
        )
    numbers = [name for name, form in FORMATS.items() if form != "s"]
    try:
        table[numbers] = table[numbers].astype("float64")
    except ValueError as error:
        raise InputError(f"{path}: found text among the numbers ({error}). {remedy}") from error
    if not np.isfinite(table[numbers].to_numpy()).all():
        raise InputError(f"{path}: found a value that is not a finite number. {remedy}")
    return table


def differences_from(path: str | Path, reference: str) -> list[Difference]:
    """All other predictors of a table against one of them.

    Returns:
        In the table's order; a positive difference says that the other one's error is larger.

    Raises:
        InputError: the table can't be read, or doesn't hold the reference.
    """
    table = read_paired_table(path)
    found = []
    for row in table.to_dict("records"):
        if row["b"] == reference:
            found.append(
                Difference(row["a"], row["difference"], row["low"], row["high"], row["p_holm"])
            )
        elif row["a"] == reference:
            found.append(
                Difference(row["b"], -row["difference"], -row["high"], -row["low"], row["p_holm"])
            )
    if not found:
        raise InputError(
            f"{path}: found no row of {reference}. Delete {path} and run the same command again to "
            "make it anew."
        )
    return found
