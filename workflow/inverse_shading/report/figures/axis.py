"""Figure: the test error of models that differ in one number, against that number."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from inverse_shading.evaluation.metrics import read_metrics
from inverse_shading.report.figures.style import BLUE, GREEN, INK, ORANGE, figure_style, save_figure
from inverse_shading.runtime.artefacts import unusable

AXES = {"images": "Images of all splits", "bins": "Bins a parameter"}
TITLES = {"images": "What more images bring", "bins": "How many bins it takes"}
COLORS = (BLUE, ORANGE, GREEN, INK)
MARKERS = "osD^"
# How far two curves stand apart, as a share of the place, so that no bar covers another.
SHIFT = 0.015


def draw_axis(
    output: str | Path, axis: str, points: Sequence[Mapping], metrics: Sequence[str | Path]
) -> None:
    """Draw test MSE with 95 % intervals, one line a group of models.

    The intervals are over seeds where every model has several, else over the test images.

    Args:
        output: the PNG to write.
        axis: images or bins.
        points: `model`, `group` (its line) and `place` (on the axis) of each model.
        metrics: metrics.json of each, in the same order.

    Raises:
        InputError: a file can't be read, or has no test error.
    """
    errors = [_read_errors(path) for path in metrics]
    # Intervals of one kind, or the lengths of bars couldn't be compared.
    over = "seeds" if all(each["seeds"] is not None for each in errors) else "the test images"
    lines: dict[str, list[tuple[float, float, float]]] = {}
    for point, each in zip(points, errors, strict=True):
        place = (point["place"], each["error"], each[over])
        lines.setdefault(point["group"], []).append(place)

    with figure_style():
        figure = Figure((7.5, 4.6), layout="constrained")
        figure.suptitle(TITLES[axis])
        panel = figure.subplots()
        places = sorted({place for line in lines.values() for place, _, _ in line})
        for number, (name, line) in enumerate(lines.items()):
            shift = 1 + SHIFT * (number - (len(lines) - 1) / 2)
            x, y, half = zip(*sorted(line), strict=True)
            panel.errorbar(
                [place * shift for place in x],
                y,
                yerr=half,
                label=name,
                color=COLORS[number % len(COLORS)],
                marker=MARKERS[number // len(COLORS) % len(MARKERS)],
                markersize=5,
                capsize=3,
            )
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_xticks(places)
        panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        panel.xaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.tick_params(axis="y", which="minor", labelsize=9)
        panel.set_xlabel(AXES[axis])
        panel.set_ylabel(f"Test MSE, 95 % interval over {over}")
        panel.legend()
        save_figure(figure, output)


def _read_errors(path: str | Path) -> dict[str, float | None]:
    """Test MSE as `error`, its half-widths over `seeds` (None for one) and `the test images`."""
    content = read_metrics(path)
    try:
        several = len(content["seeds"]) > 1
        return {
            "error": content["splits"]["test"]["mse"],
            "seeds": content["intervals"]["test"]["mse"] if several else None,
            "the test images": content["image_intervals"]["test"]["mse"],
        }
    except (KeyError, TypeError) as missing:
        raise unusable(path, f"found no {missing} among the metrics") from missing
