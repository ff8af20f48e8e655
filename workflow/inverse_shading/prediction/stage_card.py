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
from inverse_shading.runtime.sections import Section, key
from inverse_shading.runtime.typed_json import read_section

SUFFIX = ".safetensors"


class StageCard(Section):
    """How pictures of a stage are used without a model."""

    model_config = ConfigDict(frozen=True)

    stage: Sha256 = key("Of the stage file that it belongs to.")
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


def write_stage_card(
    stage: str | Path, framing: Mapping, refinement: Mapping, calibration: Calibration | None
) -> None:
    """Write the card of a stage file that is there.

    Args:
        framing, refinement: the configuration's sections.
        calibration: measured on this stage with these settings.
    """
    measured = None if calibration is None else asdict(calibration)
    write_json(
        card_path(stage),
        {
            "stage": read_seal(stage),
            "framing": dict(framing),
            "refinement": dict(refinement),
            "calibration": measured,
        },
    )


def read_stage_card(stage: str | Path, settings: Mapping | None = None) -> StageCard:
    """The card beside a stage, or one of the shipped settings where there is none.

    Args:
        settings: framing and refinement in place of any card's.

    Raises:
        InputError: the stage has no checksum, or the card is damaged or another stage's.
    """
    checksum, path = read_seal(stage), card_path(stage)
    if settings is None and path.exists():
        card = read_section(path, "the card of a stage", StageCard)
        if card.stage != checksum:
            raise InputError(
                f"{path}: found the card of another stage ({card.stage[:12]}…), expected that of "
                f"{stage} ({checksum[:12]}…). `inverse-shading stage` makes both anew."
            )
        return card
    given = settings or {"framing": _shipped(Framing), "refinement": _shipped(Refinement)}
    return StageCard.model_validate({"stage": checksum, **given, "calibration": None})


def _shipped(section: type[Section]) -> dict[str, Any]:
    """The values of config.yaml."""
    return {
        name: field.json_schema_extra["default"] for name, field in section.model_fields.items()
    }
