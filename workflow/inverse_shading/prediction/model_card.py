"""model.json: all that it takes to use a trained model, and the checksums of the files it needs."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field

from inverse_shading import __version__
from inverse_shading.inversion.calibration import CalibrationContent, read_calibration
from inverse_shading.inversion.settings import Refinement
from inverse_shading.network.architectures import STAGE_CHANNELS, depth_channels
from inverse_shading.network.settings import (
    Architecture,
    FeatureBatch,
    GridSide,
    Precision,
    Threads,
    TrainableStages,
)
from inverse_shading.render.settings import Framing
from inverse_shading.runtime.artefacts import read_json, unusable, write_json
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import read_seal
from inverse_shading.runtime.names import hint
from inverse_shading.runtime.sections import Name, Section, key, shown
from inverse_shading.runtime.typed_json import read_section
from inverse_shading.runtime.wording import parse_section

CARD = "model.json"

# Raised when a card's contents change in form or meaning.
FORMAT = 5


Sha256 = Annotated[str, Field(description="A SHA-256.", pattern="^[0-9a-f]{64}$")]


class Checksums(Section):
    """SHA-256 of the files that a model needs."""

    weights: Sha256
    predictions: Sha256
    trunk: Sha256
    stage: Sha256


class ModelCard(Section):
    """How a model goes from an image to ten numbers."""

    model_config = ConfigDict(frozen=True)

    model: Name = key("Its name in the configuration.")
    version: str = key("Of the project that wrote the card.", max_length=100)
    trunk: Name = key("The trunk's name.")
    architecture: Architecture
    depths: Annotated[dict[str, GridSide], Field(min_length=1)] | None = key(
        "What features are taken from, see `features.Depths`; null for the last layer alone."
    )
    trainable_stages: TrainableStages = key(
        "Of the trunk; above 0 the weights are a whole network's, that takes images."
    )
    precision: Precision
    batch_size: FeatureBatch
    threads: Threads = key("That the model was evaluated with; rounding depends on them.")
    framing: Framing
    refinement: Refinement
    calibration: CalibrationContent = key("Of refined intervals on the stage.")
    checksums: Checksums


class _SeedMetrics(Section):
    """What a card takes from the metrics of one seed."""

    model_config = ConfigDict(extra="ignore")

    seed: int
    threads: Threads


class _Metrics(Section):
    """What a card takes from metrics.json."""

    model_config = ConfigDict(extra="ignore")

    model: str
    chosen_seed: int
    seeds: list[_SeedMetrics]


def write_model_card(
    output: str | Path,
    config: Mapping,
    weights: str | Path,
    metrics: str | Path,
    predictions: str | Path,
    trunk: str | Path,
    stage: str | Path,
    calibration: str | Path,
) -> None:
    """Write the card of a model whose seeds are collected.

    Args:
        output: the JSON to write.
        config: model, trunk (names), architecture, depths, trainable_stages, precision, batch_size,
            framing, refinement: see `ModelCard`.
        weights, metrics, predictions: as written by `seeds.collect_seeds`.
        trunk: as written by `trunk_weights.prepare_trunk`.
        stage: that the model's images were rendered on.
        calibration: as written by `calibrate_stage.calibrate`.

    Raises:
        InputError: a file or its checksum is missing, or the metrics are damaged or of another model.
    """
    found = read_section(metrics, "metrics", _Metrics)
    kept = [one for one in found.seeds if one.seed == found.chosen_seed]
    if found.model != config["model"] or not kept:
        raise unusable(
            metrics,
            f"found metrics of {found.model} with the chosen seed {found.chosen_seed}, expected those "
            f"of {config['model']} with one of its seeds",
        )
    files = {"weights": weights, "predictions": predictions, "trunk": trunk, "stage": stage}
    card = dict(config) | {
        "version": __version__,
        "threads": kept[0].threads,
        "calibration": asdict(read_calibration(calibration)),
        "checksums": {name: read_seal(path) for name, path in files.items()},
    }
    write_json(output, {"format": FORMAT} | {name: card[name] for name in ModelCard.model_fields})


def read_model_card(folder: str | Path) -> ModelCard:
    """Read the card of a model.

    Args:
        folder: results/models/MODEL.

    Raises:
        InputError: no such folder, no card in it, or a card that is damaged or of another version.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: found no such model, expected {_neighbours(folder)}")
    path = folder / CARD
    within = _models_in(folder)
    if not path.exists() and within:
        raise InputError(
            f"{folder}: found a folder of models, expected one model. Give "
            f"{' or '.join(str(folder / name) for name in within)}."
        )
    if not path.exists():
        raise InputError(
            f"{path}: there is no such file; an unfinished run or an earlier version of the project "
            f"has made the folder. {remake(path)}"
        )
    try:
        content = read_json(path, "the card of a model", ["format"])
        version = content.pop("format")
        if version == FORMAT:
            card = parse_section(ModelCard, content)
            if mistakes := _contradictions(card):
                raise ValueError("; ".join(mistakes))
            return card
    except (ValueError, InputError) as error:
        raise InputError(
            f"{path}: can't be read as the card of a model ({error}). {remake(path)}"
        ) from error
    raise InputError(
        f"{path}: found a card of another version of the project "
        f"({shown(content.get('version'))}, format {shown(version)}), expected one of {__version__} "
        f"(format {FORMAT}). {remake(path)}"
    )


def _contradictions(card: ModelCard) -> list[str]:
    """Mistakes that no single key shows."""
    mistakes = []
    depths, most = depth_channels(card.architecture), len(STAGE_CHANNELS[card.architecture])
    mistakes += [
        f"depths.{depth}: found this depth, allowed for {card.architecture} are {', '.join(depths)}"
        for depth in card.depths or {}
        if depth not in depths
    ]
    if card.trainable_stages > (0 if card.depths else most):
        mistakes.append(
            f"trainable_stages: found {card.trainable_stages}, allowed for {card.architecture} is "
            + ("0, since it has `depths`" if card.depths else f"at most {most}")
        )
    return mistakes


def in_results(folder: str | Path) -> Path:
    """The path of a model's folder whose results lie around it: as it is written, or behind links."""
    # It may be "." or hold a "..".
    written = Path(os.path.abspath(folder))  # noqa: PTH100
    results = written.parent.parent
    if (results / "trunks").is_dir() or (results / "stage.safetensors").exists():
        return written
    return Path(os.path.realpath(folder))


def remake(card: Path) -> str:
    """What makes a card anew, and with it what it speaks of; for messages."""
    target = f"results/models/{in_results(card.parent).name}/{CARD}"
    return f"In the workflow's folder, `snakemake --cores 4 {target}` makes it anew."


def _models_in(folder: Path) -> list[str]:
    """The names of the models whose folders lie in a folder."""
    return sorted(path.parent.name for path in folder.glob(f"*/{CARD}"))


def _neighbours(folder: Path) -> str:
    """The models beside a folder that isn't there, in words."""
    beside = _models_in(folder.parent)
    if not beside:
        return (
            "a folder such as results/models/pixel_components; there is no model in "
            f"{folder.parent} at all."
        )
    near = hint(folder.name, beside) or "."
    return f"one of those in {folder.parent}: {', '.join(beside)}{near}"
