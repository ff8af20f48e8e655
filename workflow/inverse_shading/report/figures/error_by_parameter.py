"""Figure: which parameters are hard, for which model."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from inverse_shading.evaluation.comparison_table import (
    BASELINE,
    BOUND,
    MODEL,
    PARAMETER_ERRORS,
    REFINEMENT,
    read_comparison,
)
from inverse_shading.material.labels import PARAMETER_LABELS
from inverse_shading.material.parameters import CONSTANT_MSE, PARAMETERS
from inverse_shading.report.figures.style import INK, figure_style, save_figure
from inverse_shading.runtime.errors import InputError

# From here on the blue is so dark that white is the better ink.
DARK_MSE = 0.4 * CONSTANT_MSE


def draw_error_by_parameter(output: str | Path, table: str | Path) -> None:
    """Draw test MSE by model and parameter as a map of colours with the numbers in it.

    Models come first, then refinement, whose errors are of a sample of the test images, then
    baselines and the floor. Ensembles are left out, since they differ little from their models, and
    published rows, which have no errors by parameter.

    Args:
        output: the PNG to write.
        table: comparison.csv.

    Raises:
        InputError: the table can't be read, or no row has errors by parameter.
    """
    rows = read_comparison(table)
    shown = rows["source"].isin((MODEL, REFINEMENT, BASELINE, BOUND))
    rows = rows[shown & rows[PARAMETER_ERRORS].notna().any(axis=1)]
    if rows.empty:
        raise InputError(f"{table}: found no test error by parameter, expected one row a model.")
    values = rows[["test_mse", *PARAMETER_ERRORS]].to_numpy()
    names = [
        _row_name(*row)
        for row in zip(rows["model"], rows["source"], rows["sample_images"], strict=True)
    ]
    with figure_style():
        figure = Figure((13, 1.6 + 0.42 * len(rows)), layout="constrained")
        figure.get_layout_engine().set(h_pad=0.1, w_pad=0.1)
        figure.suptitle("Test MSE by parameter")
        panel = figure.subplots()
        # The root spreads the small errors, where the models differ; the constant's is the darkest.
        image = panel.imshow(
            np.sqrt(values), cmap="Blues", vmin=0, vmax=CONSTANT_MSE**0.5, aspect="auto"
        )
        for row, column in np.ndindex(values.shape):
            value = values[row, column]
            if np.isfinite(value):
                panel.text(
                    column,
                    row,
                    f"{value:.4f}",
                    ha="center",
                    va="center",
                    fontsize=9.5,
                    color="white" if value > DARK_MSE else INK,
                    fontweight="bold" if column == 0 else "normal",
                )
        labels = ["All ten", *(PARAMETER_LABELS[name] for name in PARAMETERS)]
        # Two lines each, so that they stand level.
        panel.set_xticks(
            range(len(labels)), [label.replace(" colour", "\ncolour") for label in labels]
        )
        panel.set_yticks(range(len(names)), names, fontsize=10)
        panel.xaxis.tick_top()
        panel.tick_params(length=0)
        panel.grid(False)
        panel.spines[:].set_visible(False)
        panel.set_facecolor("#E6E8EB")
        panel.axvline(0.5, color="white", linewidth=5)
        boundary = int(rows["source"].isin((MODEL, REFINEMENT)).sum())
        if 0 < boundary < len(rows):
            panel.axhline(boundary - 0.5, color="white", linewidth=5)
        bar = figure.colorbar(image, ax=panel, pad=0.01, aspect=14)
        ticks = [0, 0.005, 0.02, 0.05, CONSTANT_MSE]
        bar.set_ticks(np.sqrt(ticks), labels=["0", "0.005", "0.02", "0.05", "0.0833\n(constant)"])
        bar.outline.set_visible(False)
        save_figure(figure, output)


def _row_name(model: str, source: str, sample_images: float) -> str:
    if source == BOUND:
        return f"{model} (bound)"
    if source == REFINEMENT and np.isfinite(sample_images):
        # Else it seems to beat a bound that is of other images.
        return f"{model}\n(first {sample_images:.0f} images)"
    return model
