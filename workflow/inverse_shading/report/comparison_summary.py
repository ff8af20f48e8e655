"""The comparison in a terminal: the few lines at the end of a run."""

from pathlib import Path

from inverse_shading.evaluation.comparison_table import ENSEMBLE, best_row
from inverse_shading.report.comparison_columns import (
    DECODING,
    INTERVAL,
    SEEDS,
    read_rows,
    readable_cells,
    readable_columns,
)

# Texts are cut to these widths, which keeps the table inside 110 columns.
NAME_WIDTH, WEIGHTS_WIDTH = 28, 12


def format_summary(table: str | Path) -> str:
    """A plain-text table at most 110 columns wide, with the best model named under it.

    Where models have several seeds, their interval takes the place of R². There is no room for the
    decoding.

    Args:
        table: comparison.csv.

    Raises:
        InputError: the table can't be read.
    """
    rows = read_rows(table)
    best = best_row(rows)
    columns = readable_columns(rows)
    columns.pop(DECODING, None)
    if INTERVAL in columns:
        del columns["test_r2"], columns[SEEDS]
    lines = [[column.header for column in columns.values()]]
    for row in rows:
        cells = readable_cells(row, columns)
        mark = "* " if row is best else "  "
        if row["source"] == ENSEMBLE:
            # It stands under its model, whose name would be cut with it.
            cells["model"] = f"  ensemble of {row['seeds']:.0f}"
        cells["model"] = _cut(mark + cells["model"], NAME_WIDTH)
        cells["source"] = cells["source"].split()[0]
        # "random (seed 1, …)": the first word says which kind of weights they are.
        cells["weights"] = _cut(cells["weights"].split(" ")[0], WEIGHTS_WIDTH)
        lines.append([cell or "-" for cell in cells.values()])
    lines[0][0] = "  " + lines[0][0]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    is_text = [column.decimals is None for column in columns.values()]
    text = [
        "  ".join(
            cell.ljust(width) if left else cell.rjust(width)
            for cell, width, left in zip(line, widths, is_text, strict=True)
        ).rstrip()
        for line in lines
    ]
    text.insert(1, "-" * max(map(len, text)))
    if best is not None:
        text += ["", f"* best model by validation MSE: {best['model']}"]
    if INTERVAL in columns:
        text.append("± seeds: half-width of the 95 % interval of the mean over seeds")
    return "\n".join(text)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
