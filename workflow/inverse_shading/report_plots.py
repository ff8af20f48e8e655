"""The report's figures of intervals, as plotly has them; colours and fonts are the page's own.

A trace says by `meta.role` which of the page's colours it has, so that light and dark pages share it.
"""

import numpy as np
import plotly.graph_objects as go
from scipy.stats import binomtest

from .figure_style import PARAMETER_LABELS
from .intervals import CONFIDENCE
from .parameters import PARAMETERS
from .reasons import REASONS
from .report_data import ReportData

# Shares of truths that count as calibrated, about what the intervals promise.
TOLERANCE = 0.05

LABELS = [PARAMETER_LABELS[name] for name in PARAMETERS]
TOLD = "told"
REASON_LABELS = {
    TOLD: "the picture tells it",
    "product": "only a product is seen",
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
    """How often the images tell each input, and why not where they don't: stacked shares.

    Returns:
        `data` and `layout`.
    """
    figure = go.Figure(layout=_bar_layout("share of the sample"))
    for key, reason in {TOLD: "", **{name: name for name in REASONS}}.items():
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
