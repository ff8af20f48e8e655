"""The rows of the comparison, collected from what models, baselines and refinement came to."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from inverse_shading.dataset.splits import SPLITS
from inverse_shading.evaluation.comparison_table import (
    BASELINE,
    BOUND,
    COLUMNS,
    ENSEMBLE,
    FORMATS,
    INHERITED,
    MODEL,
    PUBLISHED,
    REFINEMENT,
    write_table,
)
from inverse_shading.evaluation.measures import MEASURES
from inverse_shading.evaluation.metrics import read_metrics
from inverse_shading.evaluation.predictor_names import FLOOR, REFINED, RIDGE
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.runtime.artefacts import unusable

# Column: where its value stands in appearance.json.
APPEARANCE = {
    **{f"image_{name}": ("stage", name) for name in MEASURES},
    **{f"novel_{name}": ("novel", name) for name in MEASURES},
    "mse_base_times_color": ("canonical", "base_times_color"),
    "mse_specular_times_color": ("canonical", "specular_times_color"),
    "sample_mse": ("mse",),
    "sample_images": ("images",),
}

# The last letter of a format, for people.
KINDS = {"s": "a text", "d": "a whole number", "f": "a finite number", "g": "a finite number"}


def write_comparison(
    path: str | Path,
    metrics: Iterable[str | Path],
    baselines: Iterable[str | Path],
    published: Sequence[Mapping],
    appearance: Iterable[str | Path] = (),
    refinement: str | Path | None = None,
) -> None:
    """Write comparison.csv: models with their ensembles, refinement, baselines, published rows.

    Args:
        path: where to write.
        metrics: metrics.json of each model, in the order of the rows.
        baselines: metrics.json of each baseline, likewise.
        published: rows of the config's section of that name.
        appearance: appearance.json of predictors, in any order.
        refinement: metrics.json of refinement, whose errors are over the images of `appearance`.

    Raises:
        InputError: a file is missing, broken or incomplete, or the table can't be written.
    """
    write_table(path, build_comparison(metrics, baselines, published, appearance, refinement))


def build_comparison(
    metrics: Iterable[str | Path],
    baselines: Iterable[str | Path],
    published: Sequence[Mapping],
    appearance: Iterable[str | Path] = (),
    refinement: str | Path | None = None,
) -> list[dict]:
    """Collect the rows, see `write_comparison`.

    A model of several seeds is followed by the row of their ensemble.

    Returns:
        One dict a row with the keys `COLUMNS`; None where a row has no such value.

    Raises:
        InputError: a file is missing, broken or incomplete.
    """
    rows = []
    for path in metrics:
        rows += _model_rows(path)
        if rows[-1]["precision"] != rows[0]["precision"]:
            raise unusable(
                path,
                f"found a trunk in {rows[-1]['precision']}, and {rows[0]['precision']} in "
                f"{rows[0]['model']}; expected one precision in a comparison",
            )
    if refinement is not None:
        rows.append(_row(refinement, _read_content(refinement), REFINEMENT))
    rows += [_row(path, _read_content(path), BASELINE) for path in baselines]
    seen = dict(_read_appearance(path) for path in appearance)
    for row in rows:
        if row["source"] == REFINEMENT:
            # Its errors are of its best guess at the numbers, and appearance.json's of what it renders.
            row |= seen.get(REFINED, {}) | {"sample_mse": row["test_mse"]}
        else:
            row |= seen.get(row["model"], {})
    ridge = next((row for row in rows if (row["source"], row["model"]) == (BASELINE, RIDGE)), {})
    for row in rows:
        # On the same images: refinement has errors on the sample alone.
        error = "sample_mse" if row["source"] == REFINEMENT else "test_mse"
        if ridge.get(error) and row[error] is not None:
            row["test_mse_vs_ridge"] = row[error] / ridge[error]
    # No ratio for these: the ridge regression saw our images, not theirs.
    rows += [dict.fromkeys(COLUMNS) | dict(row) | {"source": PUBLISHED} for row in published]
    return rows


def _model_rows(path: str | Path) -> list[dict]:
    """The row of a model's metrics.json, and that of its ensemble if it has one."""
    content = _read_content(path)
    rows = [_row(path, content, MODEL)]
    if isinstance(content.get("ensemble"), dict):
        kept = {
            key: content.get(key)
            for key in ("trunk", "weights", "precision", "decoding", "seeds", "tuning")
        }
        name = f"{content['model']} (ensemble of {content['seeds']})"
        rows.append(_row(path, {"model": name, **kept, **content["ensemble"]}, ENSEMBLE))
    return rows


def _read_content(path: str | Path) -> dict:
    """Metrics, with the number of seeds in place of what each came to, and tuned values as a text."""
    content = read_metrics(path)
    if isinstance(content.get("seeds"), list):
        content["seeds"] = len(content["seeds"])
    tuning = content.get("tuning")
    if isinstance(tuning, dict) and isinstance(tuning.get("values"), dict):
        values = _describe(tuning["values"])
        model = tuning.get("model")
        # A model that is like another one may have that one's values.
        own = model == content.get("model")
        content["tuning"] = tuning | {"values": values if own else f"{values}{INHERITED}{model})"}
    return content


def _describe(values: Mapping) -> str:
    """Values by key in short, such as "learning_rate 0.0002"."""
    shown = {
        key: f"{value:g}" if isinstance(value, float) else json.dumps(value)
        for key, value in values.items()
    }
    return ", ".join(f"{key.rpartition('.')[2]} {text}" for key, text in sorted(shown.items()))


def _row(path: str | Path, content: dict, source: str) -> dict:
    """Metrics as a row. Models and ensembles need every error; others may leave some out."""
    is_model = source in (MODEL, ENSEMBLE)
    is_refinement = source == REFINEMENT
    # Column: where its value stands in metrics.json, and whether it must.
    places = {"model": (("model",), True), "weights": (("weights",), is_model)}
    places["seeds"] = (("seeds",), is_model)
    places["precision"] = (("precision",), is_model)
    for split in SPLITS:
        for error in ("mse", "mae"):
            needed = is_model or (is_refinement and split == "test")
            places[f"{split}_{error}"] = (("splits", split, error), needed)
    for name in PARAMETERS:
        keys = ("splits", "test", "parameters", name, "mse")
        places[f"test_mse_{name}"] = (keys, is_model or is_refinement)
    is_tuned = content.get("tuning") is not None
    places["trials"] = (("tuning", "trials"), is_tuned)
    places["tuned"] = (("tuning", "values"), is_tuned)
    places["test_r2"] = (("splits", "test", "r2"), False)
    # One training says nothing about the scatter over seeds; several must.
    has_seeds = source == MODEL and isinstance(content.get("seeds"), int) and content["seeds"] > 1
    for error in ("mse", "mae"):
        places[f"test_{error}_interval"] = (("intervals", "test", error), has_seeds)
    places["test_mse_image_interval"] = (("image_intervals", "test", "mse"), False)
    for column in COLUMNS:
        if column not in places and column not in ("source", "test_mse_vs_ridge", *APPEARANCE):
            places[column] = ((column,), False)
    row = dict.fromkeys(COLUMNS) | _take(path, content, places)
    if is_model and row["trials"] is None:
        row["trials"] = 0
    row["source"] = BOUND if source == BASELINE and row["model"] == FLOOR else source
    return row


def _take(path: str | Path, content: dict, places: Mapping[str, tuple[tuple, bool]]) -> dict:
    """Values by column from where they stand in a file's content, checked; None where none is."""
    row = {}
    for column, (keys, needed) in places.items():
        value = content
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if (value is not None or needed) and not _is_kind(value, FORMATS[column]):
            kind = KINDS[FORMATS[column][-1]]
            raise unusable(path, f"found {json.dumps(value)} at {'.'.join(keys)}, expected {kind}")
        row[column] = value
    return row


def _is_kind(value: object, form: str) -> bool:
    if isinstance(value, bool):
        return False
    if form == "s":
        return isinstance(value, str)
    if form == "d":
        return isinstance(value, int)
    return isinstance(value, (int, float)) and math.isfinite(value)


def _read_appearance(path: str | Path) -> tuple[str, dict]:
    """The predictor that an appearance.json is of, and its values by column."""
    content = read_metrics(path)
    places = {column: (keys, True) for column, keys in APPEARANCE.items()}
    name = _take(path, content, {"model": (("predictor",), True)})["model"]
    return name, _take(path, content, places)
