"""Figure: the trials of a hyper-parameter tuning, in order and against each key that was tuned."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation, MaxNLocator

from inverse_shading.report.figures.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    figure_style,
    save_figure,
    set_log_ticks,
)
from inverse_shading.runtime.artefacts import unusable
from inverse_shading.training.trials import COMPLETE, DIVERGED, PRUNED, read_trials

# Of panels, by the number of keys; three for any other.
COLUMNS = {1: 1, 2: 2, 4: 2}
# Beyond so many decades a logarithmic axis of values is marked at powers of ten alone.
DECADES_IN_FULL = 1.4
# First digits that get a tick on a logarithmic axis of errors: the first of these that are few enough.
DIGITS = (*(np.arange(n, 10 * n) / n for n in (10, 5, 2, 1)), (1, 2, 3, 5), (1,))
MOST_TICKS = 8
MARKS = {
    COMPLETE: {"marker": "o", "color": BLUE, "label": "complete"},
    PRUNED: {"marker": "x", "color": ORANGE, "markeredgewidth": 1.6, "label": "pruned"},
    DIVERGED: {"marker": "v", "color": INK, "label": "diverged"},
}
BEST = {
    "marker": "o",
    "markersize": 11,
    "markerfacecolor": "none",
    "markeredgecolor": INK,
    "markeredgewidth": 1.6,
    "linestyle": "none",
    "label": "best",
}


def draw_search(
    output: str | Path, model: str, space: Mapping[str, Mapping], trials: str | Path
) -> None:
    """Draw the lowest validation MSE of each trial by its number, and by each key's value.

    Args:
        output: the PNG to write.
        model: its name, for the title.
        space: what was tuned, by key; see `proposals.propose`.
        trials: trials.csv, see `trials.write_trials`.

    Raises:
        InputError: the table can't be read, or no trial is complete.
    """
    table = read_trials(trials, list(space))
    complete = table[table["state"] == COMPLETE]
    if complete.empty:
        raise unusable(trials, "found no complete trial, expected one at least")
    best = complete.loc[complete["validation_mse"].idxmin()]
    columns = COLUMNS.get(len(space), 3)
    rows = math.ceil(len(space) / columns)
    with figure_style():
        figure = Figure((max(3.7 * columns, 7), 3.1 * (rows + 1) + 0.6), layout="constrained")
        figure.get_layout_engine().set(h_pad=0.08, w_pad=0.08)
        figure.suptitle(f"Hyper-parameter tuning of {model}")
        grid = figure.add_gridspec(rows + 1, columns)
        first = figure.add_subplot(grid[0, :])
        first.set_yscale("log")
        _draw_trials(first, table["number"], table, best["number"], best["validation_mse"])
        _draw_course(first, table)
        first.set_title(
            f"best: trial {best['number']}, validation MSE {best['validation_mse']:.4g}", loc="left"
        )
        for index, (key, part) in enumerate(space.items()):
            row, column = divmod(index, columns)
            panel = figure.add_subplot(grid[1 + row, column], sharey=first)
            places = _places(part, table[key])
            _draw_trials(panel, places, table, places[best.name], best["validation_mse"])
            _set_axis(panel, key, part)
            if column == 0:
                panel.set_ylabel("validation MSE")
            else:
                panel.tick_params(labelleft=False)
        if (table["state"] == DIVERGED).any():
            _add_room(first)
        _set_ticks(first)
        _add_legend(figure, first)
        save_figure(figure, output)


def _places(part: Mapping, values: pd.Series) -> pd.Series:
    """Where values stand on their key's axis: choices side by side."""
    if "choices" not in part:
        return pd.to_numeric(values)
    names = [_name(choice) for choice in part["choices"]]
    return values.map(names.index)


def _name(choice) -> str:
    return choice if isinstance(choice, str) else json.dumps(choice)


def _draw_trials(
    panel: Axes, places: pd.Series, table: pd.DataFrame, best_place: float, best_error: float
) -> None:
    for state, mark in MARKS.items():
        chosen = table["state"] == state
        if not chosen.any():
            continue
        if state == DIVERGED:
            # They have no error: above all that have one.
            heights, edge = np.full(chosen.sum(), 0.97), {"transform": panel.get_xaxis_transform()}
        else:
            heights, edge = table["validation_mse"][chosen], {}
        panel.plot(places[chosen], heights, linestyle="none", markersize=6, **mark, **edge)
    panel.plot(best_place, best_error, **BEST)


def _draw_course(panel: Axes, table: pd.DataFrame) -> None:
    """The best so far, as a line of steps, and the names of the axes."""
    errors = table["validation_mse"].where(table["state"] == COMPLETE)
    panel.step(
        table["number"],
        errors.cummin().ffill(),
        where="post",
        color=GREY,
        linewidth=1.4,
        zorder=1,
        label="best so far",
    )
    panel.set_xlabel("trial")
    panel.set_ylabel("validation MSE")
    panel.xaxis.set_major_locator(MaxNLocator(12, steps=[1, 2, 5, 10], integer=True))
    margin = 0.02 * len(table) + 0.4
    panel.set_xlim(1 - margin, len(table) + margin)


def _set_axis(panel: Axes, key: str, part: Mapping) -> None:
    """The axis of a key: its whole space, whatever was drawn of it."""
    panel.set_xlabel(key.partition(".")[2].replace("_", " "))
    if "choices" in part:
        names = [_name(choice) for choice in part["choices"]]
        panel.set_xticks(range(len(names)), names)
        panel.set_xlim(-0.5, len(names) - 0.5)
        return
    low, high = part["low"], part["high"]
    if part.get("scale") == "log":
        panel.set_xscale("log")
        decades = math.log10(high / low)
        margin = (high / low) ** 0.05
        panel.set_xlim(low / margin, high * margin)
        if decades > DECADES_IN_FULL:
            set_log_ticks(panel.xaxis, (1,))
            panel.xaxis.set_major_formatter(LogFormatterSciNotation())
        else:
            set_log_ticks(panel.xaxis, (1, 2, 5))
    else:
        margin = 0.05 * (high - low)
        panel.set_xlim(low - margin, high + margin)


def _add_room(panel: Axes) -> None:
    """Keep what has an error away from the upper edge, where those without one stand."""
    lower, upper = panel.get_ylim()
    panel.set_ylim(lower, upper * (upper / lower) ** 0.1)


def _set_ticks(panel: Axes) -> None:
    """Mark the logarithmic axis of errors, which often spans much less than a power of ten."""
    lower, upper = np.log10(panel.get_ylim())
    powers = np.arange(math.floor(lower), math.ceil(upper))
    for digits in DIGITS:
        places = np.add.outer(powers, np.log10(digits))
        if np.sum((places > lower) & (places < upper)) <= MOST_TICKS:
            break
    set_log_ticks(panel.yaxis, digits)


def _add_legend(figure: Figure, panel: Axes) -> None:
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
