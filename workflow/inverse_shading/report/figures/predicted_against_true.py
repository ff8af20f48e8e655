"""Figure: predicted against true values, parameter by parameter."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from inverse_shading.evaluation.predictions import read_predictions
from inverse_shading.material.labels import PARAMETER_LABELS
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.report.figures.style import BLUE, INK, figure_style, save_figure

COLUMNS_OF_PANELS = 5
# Points that fill a panel when each is opaque; more are drawn the more transparent.
OPAQUE_POINTS, FAINTEST = 500, 0.04
# A little more than [0, 1], so that no point at the border is cut in half.
MARGINS = (-0.02, 1.02)


def draw_predicted_against_true(output: str | Path, predictions: str | Path, title: str) -> None:
    """Draw the test images of one model: ten panels, a perfect model's points on the diagonal.

    Args:
        output: the PNG to write.
        predictions: the model's predictions.csv.
        title: whose predictions these are.

    Raises:
        InputError: the predictions can't be read, or hold no test image.
    """
    _, true, predicted = read_predictions(predictions, "test")
    opacity = float(np.clip(OPAQUE_POINTS / len(true), FAINTEST, 0.7))
    with figure_style():
        rows = len(PARAMETERS) // COLUMNS_OF_PANELS
        figure = Figure((13.5, 6.6), layout="constrained")
        figure.get_layout_engine().set(h_pad=0.08, w_pad=0.08)
        mse = np.mean((predicted - true) ** 2)
        figure.suptitle(f"{title}: {len(true)} test images, MSE {mse:.4f}")
        axes = figure.subplots(rows, COLUMNS_OF_PANELS, sharex=True, sharey=True)
        for index, (panel, name) in enumerate(zip(axes.flat, PARAMETERS, strict=True)):
            panel.plot([0, 1], [0, 1], color=INK, linewidth=1, zorder=3)
            panel.scatter(
                true[:, index],
                predicted[:, index],
                s=9,
                color=BLUE,
                alpha=opacity,
                linewidths=0,
            )
            panel.set_title(
                f"{PARAMETER_LABELS[name]}\n{_quality(true[:, index], predicted[:, index])}"
            )
            panel.set(xlim=MARGINS, ylim=MARGINS, aspect="equal")
            panel.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            panel.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
        for panel in axes[-1]:
            panel.set_xlabel("true")
        for panel in axes[:, 0]:
            panel.set_ylabel("predicted")
        save_figure(figure, output)


def _quality(true: np.ndarray, predicted: np.ndarray) -> str:
    """R² and MSE in words; R² has no meaning where the true values don't vary."""
    mse = np.mean((predicted - true) ** 2)
    variance = np.var(true)
    r2 = f"R² {1 - mse / variance:.2f}".replace("-", "−") if variance > 0 else "R² n/a"
    return f"{r2} · MSE {mse:.4f}"
