"""Which inputs a picture can't tell, and why."""

import numpy as np

from .parameters import PARAMETERS

# An input is told where its interval is shorter than this share of the one it would have without a
# picture, which for a uniform input is as wide as the level.
TOLD = 0.5

# Below this a product reflects so little that it hides what it is made of, and above it a material is
# more metal than not.
DARK, METAL = 0.05, 0.5

PRODUCT_REASON, DARK_REASON, METAL_REASON = "product", "dark", "metal"


def reasons(
    values: np.ndarray, low: np.ndarray, high: np.ndarray, level: float
) -> dict[str, str | None]:
    """By parameter: None where the picture tells it, else why not.

    Args:
        values: (10,) the material.
        low, high: (10,) its intervals.
        level: share of truths that the intervals hold.
    """
    named = dict(zip(PARAMETERS, values, strict=True))
    diffuse = named["base"] * max(named[f"base_color_{channel}"] for channel in "rgb")
    reflection = named["specular"] * max(named[f"specular_color_{channel}"] for channel in "rgb")
    metal = named["metalness"] > METAL
    result = {}
    for name, width in zip(PARAMETERS, high - low, strict=True):
        if width < TOLD * level:
            result[name] = None
        elif name.startswith("base"):
            result[name] = DARK_REASON if diffuse < DARK else PRODUCT_REASON
        elif name.startswith("specular") and name != "specular_roughness":
            if metal:
                result[name] = METAL_REASON
            else:
                result[name] = DARK_REASON if reflection < DARK else PRODUCT_REASON
        else:
            # Roughness and metalness change every material that reflects.
            result[name] = DARK_REASON
    return result
