"""model.json: all that it takes to use a trained model, and the checksums of the files it needs."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from inverse_shading import __version__
from inverse_shading.evaluation.metrics import read_metrics
from inverse_shading.inversion.calibration import read_calibration
from inverse_shading.runtime.artefacts import read_json, unusable, write_json
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import read_seal

CARD = "model.json"

# Raised when a card's contents change in form or meaning.
FORMAT = 1


@dataclass(frozen=True)
class ModelCard:
    """How a model goes from an image to ten numbers.

    Attributes:
        model: its name in the configuration.
        version: of the project that wrote the card.
        trunk: the trunk's name.
        architecture: of the trunk.
        depths: that features are taken from, see `features.Depths`; None for the last layer alone.
        trainable_stages: of the trunk; above 0 the weights are a whole network's, that takes images.
        precision: of the trunk's arithmetic: auto, float32 or bfloat16.
        batch_size: images at a time.
        threads: of the CPU that the model was evaluated with; rounding depends on them.
        decoding: the one that validation chose for these weights; None where there is no choice.
        framing: the config's section: image_size, margin, filter.
        refinement: the config's section.
        calibration: of refined intervals on the stage, see `calibration.parse_calibration`.
        checksums: SHA-256 of weights, predictions, trunk and stage.
    """

    model: str
    version: str
    trunk: str
    architecture: str
    depths: dict[str, int] | None
    trainable_stages: int
    precision: str
    batch_size: int
    threads: int
    decoding: str | None
    framing: dict
    refinement: dict
    calibration: dict
    checksums: dict[str, str]


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
    found = read_metrics(metrics)
    kept = [one for one in found.get("seeds", []) if one.get("seed") == found.get("chosen_seed")]
    if found.get("model") != config["model"] or not kept:
        raise unusable(
            metrics,
            f"found metrics of {found.get('model')} with the chosen seed "
            f"{found.get('chosen_seed')}, expected those of {config['model']} with one of its seeds",
        )
    files = {"weights": weights, "predictions": predictions, "trunk": trunk, "stage": stage}
    card = ModelCard(
        **config,
        version=__version__,
        threads=kept[0]["threads"],
        decoding=kept[0].get("decoding"),
        calibration=asdict(read_calibration(calibration)),
        checksums={name: read_seal(path) for name, path in files.items()},
    )
    write_json(output, {"format": FORMAT} | asdict(card))


def read_model_card(folder: str | Path) -> ModelCard:
    """Read the card of a model.

    Args:
        folder: results/models/MODEL.

    Raises:
        InputError: no such folder, no card in it, or a card that is damaged or of another version.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: found no such model, expected {_neighbours(folder)}.")
    path = folder / CARD
    if not path.exists():
        raise InputError(
            f"{path}: there is no such file; an unfinished run or an earlier version of the project "
            f"has made the folder. {remake(path)}"
        )
    try:
        content = read_json(path, "the card of a model")
        if content.pop("format") == FORMAT:
            return ModelCard(**content)
    except (LookupError, TypeError, InputError) as error:
        raise InputError(
            f"{path}: can't be read as the card of a model ({error}). {remake(path)}"
        ) from error
    raise InputError(
        f"{path}: found a card of another version of the project ({content.get('version')}), "
        f"expected one of {__version__}. {remake(path)}"
    )


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


def _neighbours(folder: Path) -> str:
    """The models beside a folder that isn't there, in words."""
    beside = sorted(path.parent.name for path in folder.parent.glob(f"*/{CARD}"))
    if not beside:
        return f"a folder such as results/models/best; there is no model in {folder.parent} at all"
    return f"one of those in {folder.parent}: {', '.join(beside)}"
