"""sRGB's transfer function, both ways."""

import numpy as np


def srgb_encode(linear: np.ndarray) -> np.ndarray:
    """Linear light to sRGB's transfer function, both 0 to 1 (IEC 61966-2-1)."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def srgb_decode(encoded, namespace=np):
    """The inverse of `srgb_encode`, of an array, or of a tensor if `namespace` is torch."""
    # No negative number, which rounding may have left, is raised to a fraction.
    power = ((encoded.clip(min=0) + 0.055) / 1.055) ** 2.4
    return namespace.where(encoded <= 0.04045, encoded / 12.92, power)
