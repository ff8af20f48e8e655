"""The card beside a stage of one's own: framing, refinement and calibration of its pictures."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from inverse_shading.inversion.calibration import (
    UNCALIBRATED,
    Calibration,
    CalibrationContent,
)
from inverse_shading.inversion.settings import Refinement
from inverse_shading.prediction.model_card import Sha256
from inverse_shading.render.settings import Framing
from inverse_shading.runtime.artefacts import write_json
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import read_seal
from inverse_shading.runtime.jobs import logger
from inverse_shading.runtime.sections import Section, key
from inverse_shading.runtime.shipped import shipped_values
from inverse_shading.runtime.typed_json import read_section

SUFFIX = ".safetensors"

# What it is, in messages.
CARD = "the card of a stage"


class StageCard(Section):
    """How pictures of a stage are used without a model."""

    model_config = ConfigDict(frozen=True)

    stage: Sha256 | None = key("Of the stage file that it belongs to; null until that is whole.")
    preview: Sha256 | None = key("Of the picture of the stage; null before it.")
    framing: Framing
    refinement: Refinement
    calibration: CalibrationContent | None = key("Of intervals on the stage; null before it.")

    @property
    def measured(self) -> Calibration:
        """The calibration; none changes nothing."""
        return UNCALIBRATED if self.calibration is None else self.calibration.calibration()


def card_path(stage: str | Path) -> Path:
    """Where the card of a stage lies: NAME.json beside NAME.safetensors."""
    return Path(stage).with_suffix(".json")


def preview_path(stage: str | Path) -> Path:
    """Where the picture of a stage lies: NAME.png beside NAME.safetensors."""
    return Path(stage).with_suffix(".png")


def write_stage_card(
    stage: str | Path,
    settings: Mapping[str, Any],
    preview: str | None = None,
    calibration: Calibration | None = None,
) -> None:
    """Write the card of a stage.

    Args:
        settings: with the configuration's sections framing and refinement.
        preview: SHA-256 of the picture of the stage; None while the stage is being made.
        calibration: measured on this stage with these settings.
    """
    write_json(
        card_path(stage),
        {
            "stage": None if preview is None else read_seal(stage),
            "preview": preview,
            "framing": dict(settings["framing"]),
            "refinement": dict(settings["refinement"]),
            "calibration": None if calibration is None else asdict(calibration),
        },
    )


def own_files(stage: str | Path) -> dict[Path, str] | None:
    """Files that the card of a stage names, with their SHA-256; none of an unfinished stage's.

    Returns:
        None if there is no card: files of these names are somebody else's.
    """
    try:
        card = read_section(card_path(stage), CARD, StageCard)
    except InputError:
        return None
    named = {Path(stage): card.stage, preview_path(stage): card.preview}
    return {path: digest for path, digest in named.items() if digest is not None}


def read_stage_card(stage: str | Path, settings: Mapping | None = None) -> StageCard:
    """The card beside a stage, or one of the shipped settings where there is none.

    Args:
        settings: framing and refinement in place of any card's.

    Raises:
        InputError: the stage has no checksum, or the card is damaged or another stage's.
    """
    checksum, path = read_seal(stage), card_path(stage)
    if settings is None and path.exists():
        try:
            card = read_section(path, CARD, StageCard)
        except InputError as error:
            # Its own remedy is for what the same command makes anew.
            told = str(error).partition(f" Delete {path} ")[0]
            raise InputError(
                f"{told} Move {stage} and {path} away; `inverse-shading stage` makes both anew."
            ) from error
        if card.stage != checksum:
            found = f"another stage ({card.stage[:12]}…)" if card.stage else "an unfinished stage"
            raise InputError(
                f"{path}: found the card of {found}, expected that of "
                f"{stage} ({checksum[:12]}…). `inverse-shading stage` makes both anew."
            )
        return card
    if settings is None:
        logger.info("%s: found no card beside it, so the shipped settings are taken", stage)
    given = settings or {
        "framing": shipped_values(Framing),
        "refinement": shipped_values(Refinement),
    }
    return StageCard.model_validate(
        {"stage": checksum, "preview": None, **given, "calibration": None}
    )
