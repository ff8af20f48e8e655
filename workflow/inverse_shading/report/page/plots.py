"""The report's figures of intervals, as plotly has them; colours and fonts are the page's own.

A trace says by `meta.role` which of the page's colours it has, so that light and dark pages share it.
"""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from scipy.stats import binomtest

from inverse_shading.evaluation.confidence import CONFIDENCE
from inverse_shading.evaluation.metrics import score
from inverse_shading.inversion.reasons import REASONS
from inverse_shading.material.labels import PARAMETER_LABELS
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.report.page.data import ReportData

# More points fill the panels and make the page slow; the numbers above the panels are of all.
MOST_POINTS = 1000

# Columns of panels on a wide page and on a phone.
WIDE, NARROW = 5, 2
PANEL_HEIGHT = {WIDE: 230, NARROW: 215}


def predicted_figure(data: ReportData) -> dict:
    """Predicted against true inputs, a panel each, for one predictor at a time.

    Returns:
        `layouts` (wide, narrow), and by predictor `traces` and `titles` (ten each). The refinement
        has intervals as error bars; models have the first test images, at most `MOST_POINTS`.
    """
    guesses = data.guesses[data.refined]
    bars = {"low": guesses - data.intervals.low, "high": data.intervals.high - guesses}
    traces = {data.refined: _panels(data.true, guesses, bars)}
    titles = {data.refined: _titles(data.true, guesses)}
    for model, (true, predicted) in data.test.items():
        traces[model] = _panels(true[:MOST_POINTS], predicted[:MOST_POINTS])
        titles[model] = _titles(true, predicted)
    layouts = {"wide": _panel_layout(WIDE), "narrow": _panel_layout(NARROW)}
    return {"layouts": layouts, "traces": traces, "titles": titles}


def _panels(
    true: np.ndarray, predicted: np.ndarray, bars: Mapping[str, np.ndarray] | None = None
) -> list[dict]:
    """Ten traces, one a panel."""
    traces = []
    for index, name in enumerate(PARAMETERS):
        axis = "" if index == 0 else str(index + 1)
        trace = go.Scatter(
            x=true[:, index].astype(np.float32),
            y=predicted[:, index].astype(np.float32),
            xaxis=f"x{axis}",
            yaxis=f"y{axis}",
            mode="markers",
            name=PARAMETER_LABELS[name],
            marker={"size": 4 if bars is None else 5, "opacity": 0.35 if bars is None else 0.9},
            hovertemplate="true %{x:.3f}<br>predicted %{y:.3f}",
            meta={"role": "accent"},
        )
        if bars is not None:
            trace.error_y = {
                "type": "data",
                "symmetric": False,
                # A best guess may lie outside of a narrow interval by a rounding.
                "array": np.maximum(bars["high"][:, index], 0).astype(np.float32),
                "arrayminus": np.maximum(bars["low"][:, index], 0).astype(np.float32),
                "thickness": 1,
                "width": 0,
            }
        traces.append(trace)
    # Not each by itself: a whole figure packs its arrays into binary.
    return go.Figure(traces).to_dict()["data"]


def _titles(true: np.ndarray, predicted: np.ndarray) -> list[str]:
    errors = score(true, predicted)["parameters"]
    titles = []
    for name in PARAMETERS:
        r2 = errors[name]["r2"]
        quality = "n/a" if r2 is None else f"{r2:.2f}".replace("-", "−")
        titles.append(
            f"<b>{PARAMETER_LABELS[name]}</b><br>R² {quality} · MSE {errors[name]['mse']:.4f}"
        )
    return titles


def _panel_layout(columns: int) -> dict:
    """Layout of the ten panels in so many columns; every one has a title to be filled in."""
    rows = len(PARAMETERS) // columns
    height = rows * PANEL_HEIGHT[columns] + 60
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=list(PARAMETER_LABELS.values()),
        horizontal_spacing=0.18 / columns,
        # Room for a title of two lines and the ticks above it.
        vertical_spacing=66 / height,
    )
    figure.add_shape(
        type="line",
        x0=0,
        y0=0,
        x1=1,
        y1=1,
        line={"width": 1, "color": "#8A8F98"},
        row="all",
        col="all",
    )
    ticks = {"range": [-0.04, 1.04], "tickvals": [0, 0.5, 1], "zeroline": False}
    figure.update_xaxes(**ticks, title_standoff=4)
    figure.update_yaxes(**ticks)
    figure.update_xaxes(title_text="true", row=rows)
    figure.update_yaxes(title_text="predicted", col=1)
    figure.update_layout(
        template="none",
        height=height,
        showlegend=False,
        margin={"l": 52, "r": 12, "t": 48, "b": 44},
        hovermode="closest",
    )
    return figure.to_dict()["layout"]


# Shares of truths that count as calibrated, about what the intervals promise.
TOLERANCE = 0.05

LABELS = [PARAMETER_LABELS[name] for name in PARAMETERS]
DETERMINED = "determined"
REASON_LABELS = {
    DETERMINED: "the picture determines it",
    "product": "only a product shows",
    "dark": "too dark",
    "metal": "metal hides it",
}


def calibration_figure(data: ReportData) -> dict:
    """Share of the truths that lie inside their intervals, by input, with 95 % ranges (Wilson's).

    Returns:
        `data` and `layout`.
    """
    inside = (data.true >= data.intervals.low) & (data.true <= data.intervals.high)
    count = len(inside)
    hits = inside.sum(axis=0).tolist()
    ranges = [binomtest(k, count).proportion_ci(CONFIDENCE, method="wilson") for k in hits]
    shares = np.array(hits) / count
    trace = go.Scatter(
        x=shares,
        y=LABELS,
        mode="markers",
        marker={"size": 9},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [one.high - share for one, share in zip(ranges, shares, strict=True)],
            "arrayminus": [share - one.low for one, share in zip(ranges, shares, strict=True)],
            "thickness": 2,
            "width": 0,
        },
        customdata=hits,
        hovertemplate=f"%{{y}}: %{{customdata}} of {count} inside (%{{x:.0%}})<extra></extra>",
        meta={"role": "accent"},
    )
    figure = go.Figure(trace, _bar_layout("share of truths inside"))
    low, high = data.share - TOLERANCE, min(data.share + TOLERANCE, 1)
    figure.add_vrect(x0=low, x1=high, line_width=0, fillcolor="#009E73", opacity=0.16)
    figure.add_vline(x=data.share, line_width=1, line_color="#009E73")
    return figure.to_dict()


def reasons_figure(data: ReportData) -> dict:
    """How often the images determine each input, and why not where they don't: stacked shares.

    Returns:
        `data` and `layout`.
    """
    figure = go.Figure(layout=_bar_layout("share of the sample"))
    for key, reason in {DETERMINED: "", **{name: name for name in REASONS}}.items():
        shares = (data.intervals.reason == reason).mean(axis=0)
        figure.add_bar(
            x=shares,
            y=LABELS,
            orientation="h",
            name=REASON_LABELS[key],
            text=[f"{share:.0%}" if share >= 0.08 else "" for share in shares],
            textposition="inside",
            textangle=0,
            insidetextanchor="middle",
            hovertemplate="%{y}: %{x:.0%}<extra>%{fullData.name}</extra>",
            meta={"role": key},
        )
    figure.update_layout(
        barmode="stack",
        bargap=0.25,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
        margin={"t": 60},
    )
    return figure.to_dict()


def _bar_layout(title: str) -> dict:
    """Layout of a figure with a line an input and shares along."""
    return {
        "template": "none",
        "height": 420,
        "showlegend": False,
        "margin": {"l": 10, "r": 14, "t": 16, "b": 48},
        "xaxis": {
            "range": [0, 1.02],
            "tickformat": ".0%",
            "title": {"text": title},
            "zeroline": False,
        },
        # The first input on top, as in every table.
        "yaxis": {
            "autorange": "reversed",
            "automargin": True,
            "zeroline": False,
            "showgrid": False,
        },
        "hovermode": "closest",
    }
