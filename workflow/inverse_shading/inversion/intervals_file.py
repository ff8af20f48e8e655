"""intervals.csv of the refined materials: what the images leave open, and why."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from inverse_shading.inversion.reasons import REASONS
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import check_seal


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
    check_seal(path)
    remedy = f"Delete {path} and run the same command again to make it anew."
    low, high, undetermined = (
        [f"{name}_{end}" for name in PARAMETERS] for end in ("low", "high", "undetermined")
    )
    numbers = [*low, *high, "rms", "renders"]
    try:
        texts = dict.fromkeys(["id", *undetermined], str)
        table = pd.read_csv(path, dtype=texts).fillna(dict.fromkeys(undetermined, ""))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: can't be read as intervals ({error}). {remedy}") from error
    missing = [name for name in ["id", *numbers, *undetermined] if name not in table]
    if missing:
        raise InputError(f"{path}: found no column {', '.join(missing)}. {remedy}")
    try:
        values = table[numbers].to_numpy("float64")
    except ValueError as error:
        raise InputError(f"{path}: found text among the numbers ({error}). {remedy}") from error
    if not np.isfinite(values).all():
        raise InputError(f"{path}: found a value that is not a finite number. {remedy}")
    reason = table[undetermined].to_numpy(str)
    unknown = sorted(set(reason.ravel().tolist()) - {"", *REASONS})
    if unknown:
        raise InputError(
            f"{path}: found the reason {unknown[0]!r}, expected one of {', '.join(REASONS)} or "
            f"nothing. {remedy}"
        )
    count = len(PARAMETERS)
    return RefinedIntervals(
        list(table["id"]),
        values[:, :count],
        values[:, count : 2 * count],
        reason,
        values[:, -2],
        values[:, -1],
    )
