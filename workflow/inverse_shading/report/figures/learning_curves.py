"""Figure: how each model learned."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from inverse_shading.material.parameters import CONSTANT_MSE
from inverse_shading.report.figures.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    figure_style,
    save_figure,
    set_log_ticks,
)
from inverse_shading.runtime.artefacts import read_csv
from inverse_shading.runtime.errors import InputError

COLUMNS_OF_PANELS = 3
# First digits that get a tick on a logarithmic axis, by the decades that it spans at most.
TICKS = {1: (1, 1.5, 2, 3, 4, 5, 7), 2.5: (1, 2, 5), math.inf: (1,)}
# How near the validation loss and MSE are where the loss is the MSE, in spite of rounding.
SAME_LOSS = 0.01


def draw_learning_curves(output: str | Path, histories: Mapping[str, str | Path]) -> None:
    """Draw training and validation loss by epoch, one panel a model, the best epoch marked.

    Models whose loss is the MSE share one scale; the others (bins, canonical targets) have each their
    own.

    Args:
        output: the PNG to write.
        histories: path of history.csv by model, in the order of the panels.

    Raises:
        InputError: a history can't be read or is empty.
    """
    tables = {model: _read_history(path) for model, path in histories.items()}
    squared = {
        model: np.allclose(table["validation_loss"], table["validation_mse"], rtol=SAME_LOSS)
        for model, table in tables.items()
    }
    columns = min(COLUMNS_OF_PANELS, len(tables))
    rows = math.ceil(len(tables) / columns)
    with figure_style():
        # The legend needs the width of a panel and a half, or of two where it stands on one line.
        figure = Figure((max(4.1 * columns, 5.6), 3.1 * rows + 0.9), layout="constrained")
        figure.get_layout_engine().set(h_pad=0.1, w_pad=0.1)
        figure.suptitle("Learning curves")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for panel in axes[len(tables) :]:
            panel.remove()
        for panel, (model, table) in zip(axes, tables.items(), strict=False):
            _draw_curves(panel, model, table, squared[model])
        _share_limits([panel for panel, model in zip(axes, tables, strict=False) if squared[model]])
        for panel in axes[: len(tables)]:
            _set_ticks(panel)
        handles = {
            label: handle
            for panel in axes[: len(tables)]
            for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
        }
        figure.legend(
            handles.values(), handles, loc="outside lower center", ncols=4 if columns > 1 else 2
        )
        save_figure(figure, output)


def _read_history(path: str | Path) -> pd.DataFrame:
    columns = dict.fromkeys(["epoch", "train_loss", "validation_loss", "validation_mse"], float)
    table = read_csv(path, "a history with a row an epoch", columns, whole=False)
    if not np.isfinite(table["validation_loss"]).any():
        raise InputError(
            f"{path}: found no finite loss, expected a training that converges. Lower the "
            f"learning_rate under training and run the same command again."
        )
    return table


def _draw_curves(panel, model: str, table: pd.DataFrame, is_squared: bool) -> None:
    best = table.loc[table["validation_mse"].idxmin()]
    # A run of one epoch is a point, which a line alone wouldn't show.
    marker = "o" if len(table) == 1 else None
    panel.plot(table["epoch"], table["train_loss"], color=BLUE, marker=marker, label="train")
    panel.plot(
        table["epoch"], table["validation_loss"], color=ORANGE, marker=marker, label="validation"
    )
    if is_squared:
        panel.axhline(
            CONSTANT_MSE, color=GREY, linestyle=":", linewidth=1.4, label="constant answer (MSE)"
        )
    panel.axvline(best["epoch"], color=GREY, linewidth=1, zorder=1)
    panel.plot(
        best["epoch"],
        best["validation_loss"],
        linestyle="none",
        marker="o",
        markersize=7,
        markerfacecolor="white",
        markeredgecolor=INK,
        markeredgewidth=1.6,
        zorder=4,
        label="lowest validation MSE",
    )
    panel.set_yscale("log")
    # The second line is left free for the text under the name.
    panel.set_title(f"{model}\n", loc="left")
    panel.text(
        0,
        1.02,
        f"best epoch {best['epoch']:.0f}: loss {best['validation_loss']:.4g}, "
        f"MSE {best['validation_mse']:.4f}",
        transform=panel.transAxes,
        va="bottom",
        fontsize=9,
    )
    panel.set_xlabel("epoch")
    panel.set_ylabel("loss (MSE)" if is_squared else "loss")
    panel.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    if len(table) == 1:
        panel.set_xlim(best["epoch"] - 0.5, best["epoch"] + 0.5)


def _share_limits(panels: list) -> None:
    if panels:
        limits = np.array([panel.get_ylim() for panel in panels])
        for panel in panels:
            panel.set_ylim(limits[:, 0].min(), limits[:, 1].max())


def _set_ticks(panel) -> None:
    """Mark the logarithmic axis: a loss often spans too little for powers of ten alone."""
    lower, upper = panel.get_ylim()
    decades = math.log10(upper / lower)
    digits = next(digits for limit, digits in TICKS.items() if decades <= limit)
    set_log_ticks(panel.yaxis, digits)
