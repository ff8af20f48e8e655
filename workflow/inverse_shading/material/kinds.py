"""Kinds of material, by which results are looked at apart. A material may be of several, or of none."""

import numpy as np

from inverse_shading.material.parameters import METALNESS, ROUGHNESS
from inverse_shading.material.products import base_products, specular_products

# Roughness below which a reflection is sharp, and above which it is a haze.
SMOOTH, ROUGH = 0.2, 0.6

# The brightest channel of the weighted colour below which base and reflection show little.
DARK, WEAK = 0.1, 0.15

# Metalness above which a material is more metal than not, and below which hardly any.
METAL, DIELECTRIC = 0.5, 0.2


KINDS = ("smooth", "rough", "dark", "metal", "dielectric", "weakly reflecting")


def material_kinds(values: np.ndarray) -> dict[str, np.ndarray]:
    """Which materials are of which kind.

    Args:
        values: (…, 10), in [0, 1].

    Returns:
        By kind, in the order of `KINDS`, bool (…).
    """
    roughness, metalness = values[..., ROUGHNESS], values[..., METALNESS]
    found = (
        roughness < SMOOTH,
        roughness > ROUGH,
        base_products(values).max(axis=-1) < DARK,
        metalness > METAL,
        metalness < DIELECTRIC,
        specular_products(values).max(axis=-1) < WEAK,
    )
    return dict(zip(KINDS, found, strict=True))
