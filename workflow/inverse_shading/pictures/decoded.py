"""What decoders of picture files give."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Told the size before the pixels are decoded: path, width, height.
CheckSize = Callable[[Path, int, int], None]


@dataclass(frozen=True)
class Decoded:
    """A file's values: float (height, width, 3), its straight alpha if it has one, their encoding."""

    values: np.ndarray
    alpha: np.ndarray | None
    linear: bool


def straight(values: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """Undo a multiplication by alpha; where that is 0 there is nothing to see."""
    if alpha is None:
        return values
    return np.where(alpha[..., None] > 0, values / np.maximum(alpha[..., None], 1e-6), 0)
