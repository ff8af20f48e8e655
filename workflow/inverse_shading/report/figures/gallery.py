"""Figure: the poster's own, images of the true parameters beside images of the predicted ones."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from inverse_shading.evaluation.comparison_table import best_model
from inverse_shading.evaluation.predictions import read_predictions
from inverse_shading.evaluation.views import Views
from inverse_shading.report.figures.style import PixelLayout, figure_style, save_figure
from inverse_shading.report.ranks import even_ranks
from inverse_shading.runtime.artefacts import unusable

# Layout, in pixels. The budget of all tiles together keeps the file near a megabyte.
PIXEL_BUDGET, SMALLEST_TILE, COLUMNS_OF_TILES = 800_000, 88, 8
GAP, BORDER, TITLE_HEIGHT, LABEL_WIDTH, CAPTION_HEIGHT = 4, 16, 78, 126, 52

# Differences that matter are a few levels of 255, which nobody sees without this.
DIFFERENCE_GAIN = 4


def draw_gallery(
    output: str | Path,
    table: str | Path,
    predictions: Mapping[str, str | Path],
    views: Views,
    count: int,
) -> None:
    """Draw test images of the best model: truth, render of its prediction, and their difference.

    The best model is the one with the lowest validation MSE. Its test images are sorted by their
    error and taken at even ranks, from the best one to the worst.

    Args:
        output: the PNG to write.
        table: comparison.csv.
        predictions: path of predictions.csv by model.
        views: the data set's images and their stage.
        count: images to show; all test images if there are fewer.

    Raises:
        InputError: an input can't be read or doesn't fit the others, or nothing can render.
    """
    model = best_model(table)
    if model not in predictions:
        raise unusable(
            table, f"found {model} as the best model, expected one of {', '.join(predictions)}"
        )
    identifiers, true, predicted = read_predictions(predictions[model], "test")
    errors = np.mean((predicted - true) ** 2, axis=1)
    chosen = even_ranks(errors, count)
    truths = views.pick([identifiers[index] for index in chosen])
    with views.renderer(views.stage) as renderer:
        # A model may overshoot the range that materials are made of.
        renders = [renderer.render(np.clip(predicted[index], 0, 1)) for index in chosen]
    title = (
        f"{model}, the best model by validation",
        f"{len(chosen)} of {len(errors)} test images, "
        + (
            "at even ranks of their error from the best to the worst"
            if len(chosen) > 1
            else "the one of median error"
        ),
        "MSE of the ten parameters, RMS of the image differences over all pixels (white is 1)",
    )
    _draw(output, title, np.stack(truths), np.stack(renders), errors[chosen])


def _draw(
    output: str | Path,
    title: tuple[str, str, str],
    truths: np.ndarray,
    renders: np.ndarray,
    errors: np.ndarray,
) -> None:
    """Lay out blocks of three rows: truth, prediction, difference, with the errors under them.

    Args:
        title: the headline and two lines under it.
        truths, renders: uint8 (n, size, size, 3).
        errors: (n,) MSE of each image's parameters.
    """
    difference = np.abs(truths.astype(int) - renders.astype(int))
    rms = np.sqrt(np.mean((difference / 255) ** 2, axis=(1, 2, 3)))
    magnified = np.minimum(difference * DIFFERENCE_GAIN, 255).astype(np.uint8)
    rows = {"Truth": truths, "Prediction": renders, f"Difference\n× {DIFFERENCE_GAIN}": magnified}

    count, size = truths.shape[:2]
    side = max(SMALLEST_TILE, math.isqrt(PIXEL_BUDGET // (len(rows) * count)))
    side = min(side, size)
    columns = min(count, COLUMNS_OF_TILES)
    blocks = math.ceil(count / columns)
    step = side + GAP
    block_height = len(rows) * step + CAPTION_HEIGHT
    width = max(LABEL_WIDTH + columns * step + BORDER, 720)
    height = TITLE_HEIGHT + blocks * block_height + BORDER

    with figure_style():
        layout = PixelLayout(width, height)
        layout.write(BORDER, 12, title[0], fontsize=12, fontweight="bold")
        layout.write(BORDER, 36, title[1], fontsize=8.5)
        layout.write(BORDER, 54, title[2], fontsize=8.5)
        for index in range(count):
            block, column = divmod(index, columns)
            left = LABEL_WIDTH + column * step
            top = TITLE_HEIGHT + block * block_height
            for row, (label, tiles) in enumerate(rows.items()):
                upper = top + row * step
                layout.show(left, upper, tiles[index], side)
                if column == 0:
                    layout.write(
                        LABEL_WIDTH - 10,
                        upper + side / 2,
                        label,
                        ha="right",
                        va="center",
                        fontsize=10,
                        fontweight="bold",
                    )
            layout.write(
                left + side / 2,
                top + len(rows) * step + 3,
                f"MSE {errors[index]:.4f}\nRMS {rms[index]:.3f}",
                ha="center",
                fontsize=8,
            )
        save_figure(layout.figure, output)
