"""A page for predicted pictures, from their records, the stage and perhaps the model."""

import base64
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
from PIL import Image
from pydantic import ConfigDict, Field

from inverse_shading import __version__
from inverse_shading.export.file_names import CERTIFICATE
from inverse_shading.inversion import least_squares
from inverse_shading.inversion.settings import Refinement
from inverse_shading.material import observable
from inverse_shading.material.labels import PARAMETER_LABELS
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.pictures import picture_file, stage_view
from inverse_shading.pictures.settings import Placement
from inverse_shading.pictures.silhouette import needed_overlap
from inverse_shading.prediction.material_file import material_template
from inverse_shading.prediction.model_card import read_model_card
from inverse_shading.prediction.model_files import locate_files
from inverse_shading.prediction.stage_card import read_stage_card
from inverse_shading.render import unrounded
from inverse_shading.render.settings import Framing
from inverse_shading.report.live_stage import live_stage
from inverse_shading.report.page.look_alikes import look_alikes
from inverse_shading.report.page.pictures_page import write_pictures_page
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import read_seal
from inverse_shading.runtime.given_files import regular_file
from inverse_shading.runtime.resources import Resources
from inverse_shading.runtime.sections import Section
from inverse_shading.runtime.shipped import shipped_values
from inverse_shading.runtime.wording import parse_section
from inverse_shading.scene.given_stage import read_given_stage

REMEDY = "Give a NAME.json that `inverse-shading predict` wrote."


Value = Annotated[float, Field(ge=0, le=1)]


class _Part(Section):
    model_config = ConfigDict(extra="ignore")


class _Input(_Part):
    value: Value
    low: float
    high: float
    reason: str | None
    explanation: str


class _Difference(_Part):
    rms: float


class _Search(_Part):
    refined: bool
    converged: bool


class _Fit(_Part):
    explanation: str
    gains: Annotated[list[float], Field(min_length=3, max_length=3)] | None


class _Picture(_Part):
    framed: str


class _Origin(_Part):
    picture: str
    stage_sha256: str
    intervals: str


class Record(_Part):
    """What a page takes from NAME.json."""

    parameters: dict[str, _Input]
    alternatives: list[dict[str, Value]]
    difference: _Difference
    refinement: _Search
    fit: _Fit | None = None
    picture: _Picture
    made_by: _Origin


def write_view(
    records: Sequence[str | Path],
    output: str | Path,
    stage: str | Path | None = None,
    model: str | Path | None = None,
    device: str | int = "auto",
    settings: Mapping | None = None,
    carries_network: bool = False,
) -> None:
    """Write a page for predicted pictures.

    Args:
        records: NAME.json of each, as `output_files.write_prediction` writes it. Certificates among
            them are passed over.
        output: the HTML to write.
        stage: that they were predicted on; with a model instead of the one in its results folder.
        model: that they were predicted by, results/models/MODEL; None for a stage without a model.
        device: where the light's levels of detail are made, see `live_stage`, and what looks like
            refined materials, see `look_alikes`.
        settings: without a model, framing and refinement in place of those beside the stage.
        carries_network: whether the page takes further pictures, by the model.

    Raises:
        InputError: neither stage nor model, a file that can't be used, a record of another stage, or a
            model that a page can't carry.
    """
    network = None
    if model is not None:
        card = read_model_card(model)
        located = locate_files(model, card, stage)
        stage = located.stage
        if carries_network:
            # Here, since PyTorch takes seconds to load.
            from inverse_shading.prediction.page_network import pack_network

            network = pack_network(located, card)
    elif stage is None:
        raise InputError("view: found neither a model nor a stage, expected one. Give --stage.")
    shown = read_given_stage(stage)
    if model is None:
        card = read_stage_card(stage, settings)
    framing = card.framing.model_dump()
    read = [(path, read_record(path)) for path in records if not _is_certificate(Path(path))]
    pictures = [_shown_record(path, record, stage, card.framing) for path, record in read]
    _add_look_alikes(pictures, [record for _, record in read], stage, framing, device)
    write_pictures_page(
        output,
        stage=live_stage(shown, framing, device),
        pictures=pictures,
        network=network,
        labels=[PARAMETER_LABELS[name] for name in PARAMETERS],
        template=material_template({"version": __version__, "stage_sha256": read_seal(stage)}),
        limits=_limits(stage_view.StageView(shown, framing)),
        search=_search(card.refinement),
    )


def _is_certificate(path: Path) -> bool:
    """Whether a file is what `predict --to` writes beside a record: *.json names both."""
    named = path.name.endswith(CERTIFICATE) and path.is_file()
    return named and b'"parameters"' not in path.read_bytes()


def read_record(path: str | Path) -> Record:
    """Read NAME.json.

    Raises:
        InputError: missing, or not the record of a prediction.
    """
    regular_file(path, "the record of a prediction")
    try:
        content = json.loads(Path(path).read_bytes())
        if not isinstance(content, dict):
            raise ValueError("found no section")
        if "parameters" in content and "framed" not in (content.get("picture") or {}):
            raise InputError(
                f"{path}: found a record without its framed picture, which earlier versions write. "
                "`inverse-shading predict --again` writes it anew."
            )
        record = parse_section(Record, content)
        for named in (record.parameters, *record.alternatives):
            if set(named) != set(PARAMETERS):
                raise ValueError(f"parameters or alternatives: expected {', '.join(PARAMETERS)}")
        return record
    except (OSError, ValueError, RecursionError, TypeError) as error:
        raise InputError(
            f"{path}: can't be read as the record of a prediction ({error}). {REMEDY}"
        ) from error


def _shown_record(path: str | Path, record: Record, stage: str | Path, framing: Framing) -> dict:
    """What the page shows of a picture.

    Raises:
        InputError: it was predicted on another stage, or framed otherwise.
    """
    found, expected = record.made_by.stage_sha256, read_seal(stage)
    if found != expected:
        raise InputError(
            f"{path}: found a prediction on another stage ({found[:12]}…), expected one on {stage} "
            f"({expected[:12]}…). Give the stage that it was predicted on (--stage)."
        )
    side = framing.image_size
    try:
        data = base64.b64decode(record.picture.framed, validate=True)
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            size = image.size
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: found no framed picture in it ({error}). {REMEDY}") from error
    if size != (side, side):
        raise InputError(
            f"{path}: found a framed picture of {size[0]} x {size[1]} pixels, expected {side} x {side} "
            "as pictures of this model or stage are framed. Give the model or stage that it was "
            "predicted with."
        )
    return {
        "name": record.made_by.picture,
        "image": record.picture.framed,
        "inputs": [
            {
                "label": PARAMETER_LABELS[name],
                "value": one.value,
                "low": one.low,
                "high": one.high,
                "reason": one.reason or "",
                "explanation": one.explanation if one.reason else "",
            }
            for name, one in ((name, record.parameters[name]) for name in PARAMETERS)
        ],
        "alternatives": [[one[name] for name in PARAMETERS] for one in record.alternatives],
        "note": _note(record),
    }


def _add_look_alikes(
    pictures: Sequence[dict],
    records: Sequence[Record],
    stage: str | Path,
    framing: Mapping,
    device: str | int,
) -> None:
    """Render what refined materials without alternatives could be walked along."""
    alone = [
        picture
        for picture, record in zip(pictures, records, strict=True)
        if record.refinement.refined and not record.alternatives
    ]
    if alone:
        materials = np.array([[one["value"] for one in picture["inputs"]] for picture in alone])
        found = look_alikes(materials, stage, framing, Resources(device, threads=1))
        for picture, alternatives in zip(alone, found, strict=True):
            picture["alternatives"] = alternatives.tolist()


def _note(record: Record) -> str:
    refined, converged = record.refinement.refined, record.refinement.converged
    kind = "Refined" if refined else "The network's answer"
    left = "" if converged or not refined else ", not converged"
    told = [f"{kind}: {record.difference.rms:.2f} levels of 255 (RMS) from the picture{left}."]
    if record.fit is not None:
        told.append(f"Verdict: {record.fit.explanation}.")
        if record.fit.gains is not None:
            red, green, blue = (f"{gain:.2f}" for gain in record.fit.gains)
            told.append(
                f"That is in a light multiplied by {red} (red), {green} (green) and {blue} (blue); "
                "the live picture is in the stage's own."
            )
    told.append(f"Intervals: {record.made_by.intervals}.")
    return " ".join(told)


def _limits(view: stage_view.StageView) -> dict:
    """What a picture must look like, as `intake.js` checks it."""
    placement = shipped_values(Placement)
    return {
        "difference": stage_view.DIFFERENCE,
        "noise": stage_view.NOISE,
        "outside": stage_view.OUTSIDE,
        "overlap": stage_view.OVERLAP,
        "rim": stage_view.RIM,
        "mixed": list(stage_view.MIXED),
        "shift": stage_view.SHIFT,
        "better": stage_view.BETTER,
        "silhouette": needed_overlap(view.coverage, placement["silhouette"]),
        "erosion": placement["erosion"],
        "smallest": picture_file.SMALLEST_SIDE,
    }


def _search(refinement: Refinement) -> dict:
    """How materials are sought, as `refine.js` does it."""
    return {
        "pixels": {
            "stride": refinement.stride,
            "fewest": unrounded.FEWEST,
            "smooth": unrounded.SMOOTH,
            "wholly": unrounded.WHOLLY,
            "reach": unrounded.WINDOW // 2,
        },
        "step": refinement.step,
        "tolerance": refinement.tolerance,
        # After the sliders' values.
        "starts": least_squares.STARTS[: refinement.restarts].tolist(),
        "margin": least_squares.MARGIN,
        "coarse": {"gain": least_squares.COARSE_GAIN, "points": least_squares.COARSE_POINTS},
        "fine": {"gain": least_squares.FINE_GAIN, "points": least_squares.FINE_POINTS},
        "hopeless": least_squares.HOPELESS,
        "looks_alike": least_squares.LOOKS_ALIKE,
        "same": least_squares.SAME,
        "near": least_squares.NEAR,
        # The page seeks no gains.
        "moved_together": [
            places for places in least_squares.MOVED_TOGETHER if places[0] < observable.UNKNOWNS
        ],
        "least_specular": observable.LEAST_SPECULAR,
    }
