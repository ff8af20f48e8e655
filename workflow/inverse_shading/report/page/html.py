"""results/report.html: all results in one page that needs nothing but a browser."""

from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup
from plotly.offline import get_plotlyjs
from plotly.utils import PlotlyJSONEncoder

from inverse_shading.evaluation.comparison_table import REFINEMENT
from inverse_shading.evaluation.views import Views
from inverse_shading.inversion.reasons import REASONS
from inverse_shading.material.kinds import KINDS
from inverse_shading.material.labels import PARAMETER_LABELS
from inverse_shading.material.parameters import DECIMALS, PARAMETERS
from inverse_shading.report.live_stage import live_stage
from inverse_shading.report.page.assets import page_asset, page_environment
from inverse_shading.report.page.data import ReportData
from inverse_shading.report.page.gallery import LOOKS_THE_SAME, Card, Gallery, make_gallery
from inverse_shading.report.page.plots import (
    MOST_POINTS,
    calibration_figure,
    predicted_figure,
    reasons_figure,
)
from inverse_shading.report.page.renders import flip_stops
from inverse_shading.report.page.scripts import join_modules
from inverse_shading.report.page.stage_pictures import StagePictures, picture_stage
from inverse_shading.report.page.table import Column, report_columns, report_rows
from inverse_shading.runtime.files import write_text

SCRIPT = "page.js"


def write_report(
    output: str | Path, data: ReportData, views: Views, count: int, template: str
) -> None:
    """Write the report: one HTML file that asks no network for anything.

    The same inputs give the same bytes, on one driver: renders of two may differ by a level.

    Args:
        output: the HTML to write.
        data: what the report shows.
        views: the images of the sample, and both stages.
        count: images in the gallery; all of the sample if there are fewer.
        template: of a .mtlx file, see `material_file.material_template`.

    Raises:
        InputError: an image or a stage can't be read, or nothing can render.
    """
    stages = {
        "Training images": picture_stage(views.stage, views),
        "New light and view": picture_stage(views.novel_stage, views),
    }
    live = {
        # The images' own light first.
        "stages": [
            {"title": title, "data": live_stage(shown.stage, views.framing, views.resources.device)}
            for title, shown in stages.items()
        ],
        "template": template,
    }
    write_text(output, format_report(data, make_gallery(data, views, count), stages, live))


def format_report(
    data: ReportData, gallery: Gallery, stages: Mapping[str, StagePictures], live: Mapping
) -> str:
    """The page as HTML, with the stages by their titles; live is what the scripts render with."""
    environment = page_environment()
    environment.policies["json.dumps_kwargs"] = {"cls": PlotlyJSONEncoder, "sort_keys": True}
    columns = report_columns(data.table)
    return environment.get_template("report.html").render(
        data=data,
        best=data.table[data.table["model"] == data.best].iloc[0].to_dict(),
        predictors=list(data.guesses),
        looks=_looks(data),
        columns=columns,
        # Headers over headers: each group with the number of its columns.
        groups=[(group, sum(one.group == group for one in columns)) for group in _groups(columns)],
        rows=report_rows(data.table),
        gallery=gallery,
        stages=stages,
        live=live,
        kinds=_kinds(gallery),
        images={card.identifier: _image(data, card) for card in gallery.cards},
        ranges={card.identifier: _inputs(data, card.row) for _, card in gallery.examples},
        coverage=_coverage(data),
        undetermined={
            reason: float((data.intervals.reason == reason).mean()) for reason in REASONS
        },
        refinement=REFINEMENT,
        same_rms=LOOKS_THE_SAME,
        misfits=int((data.appearance[data.refined]["rms"] > LOOKS_THE_SAME).sum()),
        most_points=MOST_POINTS,
        figures={
            "predicted": predicted_figure(data),
            "calibration": calibration_figure(data),
            "reasons": reasons_figure(data),
        },
        styles=page_asset("report.css"),
        script=Markup(join_modules(SCRIPT, page_asset)),
        flip_stops=flip_stops().round(4).tolist(),
        # It is code of ours like the rest of the page: not to be escaped.
        plotly=Markup(get_plotlyjs()),
    )


def _groups(columns: list[Column]) -> list[str]:
    return list(dict.fromkeys(one.group for one in columns))


def _kinds(gallery: Gallery) -> dict[str, int]:
    """Kinds of material in the gallery, in their own order, with the number of their images."""
    return {kind: sum(kind in card.kinds for card in gallery.cards) for kind in KINDS}


def _looks(data: ReportData) -> dict[str, dict[str, float]]:
    """Medians over the sample of how every predictor's materials look."""
    return {name: table.median().to_dict() for name, table in data.appearance.items()}


def _coverage(data: ReportData) -> dict[str, float]:
    """Share of truths inside, over all inputs, and of inputs that the images determine."""
    inside = (data.true >= data.intervals.low) & (data.true <= data.intervals.high)
    determined = data.intervals.reason == ""
    return {"inside": float(inside.mean()), "determined": float(determined.mean())}


def _image(data: ReportData, card: Card) -> dict:
    """What the page's scripts know of an image."""
    return {
        "kinds": card.kinds,
        "errors": {tile.predictor: tile.errors for tile in card.tiles},
        "inputs": _inputs(data, card.row),
        # To the last decimal, since files are made of them.
        "materials": {
            name: values[card.row].round(DECIMALS).tolist()
            for name, values in {"truth": data.true, **data.materials}.items()
        },
        "alternatives": card.alternatives.tolist(),
    }


def _inputs(data: ReportData, row: int) -> list[dict]:
    """The ten inputs of one image: truth, interval, why it is wide, and every predictor's answer."""
    return [
        {
            "label": PARAMETER_LABELS[name],
            "true": _short(data.true[row, index]),
            "low": _short(data.intervals.low[row, index]),
            "high": _short(data.intervals.high[row, index]),
            "reason": str(data.intervals.reason[row, index]),
            "guesses": {key: _short(values[row, index]) for key, values in data.guesses.items()},
            "material": _short(data.materials[data.refined][row, index]),
        }
        for index, name in enumerate(PARAMETERS)
    ]


def _short(value: float) -> float:
    return round(float(value), 4)
