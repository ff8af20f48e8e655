"""Figure: every predictor against the best model, on the same test images."""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from inverse_shading.evaluation.comparison_table import MODEL, best_model, read_comparison
from inverse_shading.evaluation.paired_tests import (
    SIGNIFICANCE,
    Difference,
    differences_from,
    format_signed,
)
from inverse_shading.report.figures.style import BLUE, INK, ORANGE, figure_style, save_figure

# Inches of a row, and of all that is above and below the rows.
ROW_HEIGHT, REST_HEIGHT = 0.34, 1.9
# Right edges of the columns of numbers, in points from the panel's right edge.
COLUMNS_OF_NUMBERS = {"difference": 62, "95 % interval": 172, "p (Holm)": 230}


def draw_paired_tests(output: str | Path, table: str | Path, comparison: str | Path) -> None:
    """Draw a forest plot: differences in test MSE to the best model with their 95 % intervals.

    The best model is the one with the lowest validation MSE. Rows are sorted by their difference.

    Args:
        output: the PNG to write.
        table: paired_tests.csv.
        comparison: comparison.csv, for the best model and for which names are models.

    Raises:
        InputError: a table can't be read, or doesn't hold the best model.
    """
    best = best_model(comparison)
    rows = sorted(differences_from(table, best), key=lambda row: row.difference)
    sources = read_comparison(comparison)
    models = set(sources.loc[sources["source"] == MODEL, "model"])
    with figure_style():
        figure = Figure((10.5, REST_HEIGHT + ROW_HEIGHT * len(rows)), layout="constrained")
        figure.get_layout_engine().set(h_pad=0.1, w_pad=0.1)
        figure.suptitle(f"Test MSE: difference from {best}, the best model by validation")
        panel = figure.subplots()
        panel.axvline(0, color=INK, linewidth=1.2, zorder=1)
        for place, row in enumerate(rows):
            _draw_row(panel, place, row, BLUE if row.name in models else ORANGE)
        panel.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=10)
        panel.set_ylim(len(rows) - 0.4, -0.6)
        panel.tick_params(axis="y", length=0)
        panel.grid(axis="y", visible=False)
        panel.spines["left"].set_visible(False)
        panel.xaxis.set_major_locator(MaxNLocator(7))
        panel.xaxis.set_major_formatter(_tick_text)
        panel.set_xlabel("difference in test MSE: further right is worse")
        for header, right in COLUMNS_OF_NUMBERS.items():
            _write(panel, -0.75, right, header, fontweight="bold", va="bottom")
        handles = {
            "model": _marker(BLUE, filled=True),
            "baseline": _marker(ORANGE, filled=True),
            f"no difference shown (p after Holm ≥ {SIGNIFICANCE:g})": _marker(INK, filled=False),
        }
        figure.legend(handles.values(), handles, loc="outside lower center", ncols=len(handles))
        save_figure(figure, output)


def _tick_text(value: float, _) -> str:
    return f"{value:+g}".replace("-", "−") if value else "0"


def _draw_row(panel, place: int, row: Difference, colour: str) -> None:
    panel.plot([row.low, row.high], [place, place], color=colour, linewidth=2.4, zorder=2)
    panel.add_line(_marker(colour, row.p_holm < SIGNIFICANCE, row.difference, place))
    texts = (format_signed(row.difference), row.interval, row.p_text)
    for right, text in zip(COLUMNS_OF_NUMBERS.values(), texts, strict=True):
        _write(panel, place, right, text, va="center")


def _marker(colour: str, filled: bool, x: float = 0, y: float = 0) -> Line2D:
    """A dot that is filled where a difference was shown and empty where none was."""
    return Line2D(
        [x],
        [y],
        linestyle="none",
        marker="o",
        markersize=6.5,
        markeredgewidth=1.6,
        markeredgecolor=colour,
        markerfacecolor=colour if filled else "white",
        zorder=3,
    )


def _write(panel, y: float, right: float, text: str, **options) -> None:
    panel.annotate(
        text,
        (1, y),
        xycoords=panel.get_yaxis_transform(),
        xytext=(right, 0),
        textcoords="offset points",
        ha="right",
        fontsize=9,
        annotation_clip=False,
        **options,
    )
