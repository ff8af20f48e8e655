"""What decoders of picture files give."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Decoded:
    """A file's values: float (height, width, 3), its straight alpha if it has one, their encoding."""

    values: np.ndarray
    alpha: np.ndarray | None
    linear: bool


def from_samples(samples: np.ndarray, linear: bool, premultiplied: bool = False) -> Decoded:
    """One or three channels and perhaps alpha, (height, width, 1 to 4)."""
    count = samples.shape[2]
    alpha = samples[..., -1] if count in (2, 4) else None
    values = samples[..., :3] if count >= 3 else samples[..., :1].repeat(3, axis=2)
    return Decoded(straight(values, alpha if premultiplied else None), alpha, linear)


def straight(values: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """Undo a multiplication by alpha; where that is 0 there is nothing to see."""
    if alpha is None:
        return values
    return np.where(alpha[..., None] > 0, values / np.maximum(alpha[..., None], 1e-6), 0)


def upright(decoded: Decoded, orientation: int) -> Decoded:
    """Turn a picture as EXIF's orientation, 1 to 8, says."""

    def turn(data: np.ndarray) -> np.ndarray:
        if orientation in (5, 6, 7, 8):
            data = data.swapaxes(0, 1)
        if orientation in (3, 4, 7, 8):
            data = data[::-1]
        if orientation in (2, 3, 6, 7):
            data = data[:, ::-1]
        return data

    alpha = None if decoded.alpha is None else turn(decoded.alpha)
    return Decoded(turn(decoded.values), alpha, decoded.linear)
