"""intervals.csv of the refined materials: what the images leave open, and why."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inverse_shading.inversion.reasons import REASONS
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.runtime.artefacts import FINITE, read_csv


@dataclass(frozen=True)
class RefinedIntervals:
    """Intervals of refined materials, one row an image.

    Attributes:
        identifiers: the images' ids.
        low, high: float64 (n, 10), columns as in `parameters.PARAMETERS`.
        reason: str (n, 10), one of `reasons.REASONS` where the image leaves the input
            undetermined, else "".
        rms: float64 (n,), root mean squared difference of the refined render in levels of 255.
        renders: float64 (n,), renders that the refinement took.
    """

    identifiers: list[str]
    low: np.ndarray
    high: np.ndarray
    reason: np.ndarray
    rms: np.ndarray
    renders: np.ndarray


def read_intervals(path: str | Path) -> RefinedIntervals:
    """Read an intervals.csv.

    Raises:
        InputError: damaged, unreadable, a column missing, a value that is not a finite number, or an
            unknown reason.
    """
    low, high, undetermined = (
        [f"{name}_{end}" for name in PARAMETERS] for end in ("low", "high", "undetermined")
    )
    columns = {"id": str} | dict.fromkeys([*low, *high, "rms", "renders"], FINITE)
    columns |= dict.fromkeys(undetermined, (*REASONS, ""))
    table = read_csv(path, "intervals", columns, whole=False)
    return RefinedIntervals(
        list(table["id"]),
        table[low].to_numpy(),
        table[high].to_numpy(),
        table[undetermined].to_numpy(str),
        table["rms"].to_numpy(),
        table["renders"].to_numpy(),
    )
