"""Which inputs a picture leaves undetermined, and why."""

import numpy as np

from inverse_shading.material.parameters import PARAMETERS

# An input is determined where its interval is shorter than this share of the one it would have
# without a picture, which for a uniform input is as wide as the level.
DETERMINED = 0.5

# Inputs that show only multiplied: when one isn't determined, neither is its partner, unless its
# interval is shorter than this.
PARTNERS = (
    ("base", "base_color_r", "base_color_g", "base_color_b"),
    ("specular", "specular_color_r", "specular_color_g", "specular_color_b"),
)
SURE = 0.05

# Below this a product reflects so little that it hides what it is made of, and above it a material is
# more metal than not.
DARK, METAL = 0.05, 0.5

PRODUCT_REASON, DARK_REASON, METAL_REASON = "product", "dark", "metal"
REASONS = (PRODUCT_REASON, DARK_REASON, METAL_REASON)

# Of all inputs of a user's picture that no material was found for. Images of the data set have one.
MISFIT_REASON = "misfit"

# A sentence for each, for people.
EXPLANATIONS = {
    None: "The picture determines it, as far as low and high say.",
    PRODUCT_REASON: (
        "The renderer uses this input only multiplied by another (base by base_color, specular by "
        "specular_color): a brighter factor with a darker partner gives the same picture."
    ),
    DARK_REASON: (
        "What this input acts on reflects next to no light here, so changing it changes nothing that "
        "can be seen."
    ),
    METAL_REASON: (
        "On a metal the specular inputs only tint the reflection at grazing angles, of which the "
        "picture shows very little."
    ),
    MISFIT_REASON: (
        "No material was found that renders as the picture does, so its numbers mean little. Light, "
        "exposure, view, object or renderer may not be those of the stage."
    ),
}

# The first, where intervals are not calibrated.
UNSURE = (
    "The picture seems to determine it. Low and high are not calibrated, so they may be too narrow."
)


def reasons(
    values: np.ndarray, low: np.ndarray, high: np.ndarray, level: float
) -> dict[str, str | None]:
    """By parameter: None where the picture determines it, else why not.

    Args:
        values: (10,) the material.
        low, high: (10,) its intervals.
        level: share of truths that the intervals hold.
    """
    named = dict(zip(PARAMETERS, values, strict=True))
    diffuse = named["base"] * max(named[f"base_color_{channel}"] for channel in "rgb")
    reflection = named["specular"] * max(named[f"specular_color_{channel}"] for channel in "rgb")
    metal = named["metalness"] > METAL
    widths = dict(zip(PARAMETERS, high - low, strict=True))
    determined = {name: width < DETERMINED * level for name, width in widths.items()}
    for partners in PARTNERS:
        if not all(determined[name] for name in partners):
            determined |= {name: widths[name] < SURE for name in partners}
    result = {}
    for name in PARAMETERS:
        if determined[name]:
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
