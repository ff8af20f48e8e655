"""The files that a model needs beside its card: where they lie, and whether they are those it means."""

from dataclasses import dataclass
from pathlib import Path

from inverse_shading.prediction.model_card import CARD, ModelCard, in_results, remake
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import check_seal, read_seal

# What another checksum than the card's means.
OTHER = {
    "weights": "the model was trained again since.",
    "predictions": "the model was evaluated again since.",
    "trunk": "the model was trained on another trunk.",
    "stage": (
        "the model was trained on images of another object, light or view. Give the stage that they "
        "were rendered on (--stage), or train the model on this one."
    ),
}


@dataclass(frozen=True)
class ModelFiles:
    """Where the files of a model lie.

    Attributes:
        weights, predictions: in the model's own folder.
        trunk: in the results folder that the model's lies in; None where the weights hold it.
        stage: beside it, or where the user says.
    """

    weights: Path
    predictions: Path
    trunk: Path | None
    stage: Path


def locate_files(
    folder: str | Path, card: ModelCard, stage: str | Path | None = None
) -> ModelFiles:
    """Find the files that a card speaks of, and check that they are whole and those it means.

    Args:
        folder: the model's, results/models/MODEL.
        stage: instead of the one in the results folder.

    Raises:
        InputError: a file is missing, damaged, or another than when the card was written.
    """
    folder = Path(folder)
    results = in_results(folder).parent.parent
    files = ModelFiles(
        weights=folder / "weights.safetensors",
        predictions=folder / "predictions.csv",
        # A network whose trunk was trained too has it in its own weights.
        trunk=None if card.trainable_stages else results / "trunks" / f"{card.trunk}.safetensors",
        stage=results / "stage.safetensors" if stage is None else Path(stage),
    )
    for name, path in vars(files).items():
        if path is None:
            continue
        wanted = getattr(card.checksums, name)
        try:
            found = read_seal(path)
            check_seal(path)
        except InputError as error:
            # The error's own remedy is the workflow's, and another command may be running.
            raise InputError(f"{error} {remake(folder / CARD)}") from error
        if found != wanted:
            raise InputError(
                f"{path}: found the checksum {found[:12]}…, expected {wanted[:12]}… as in "
                f"{folder / CARD}: {OTHER[name]} {remake(folder / CARD)}"
            )
    return files
