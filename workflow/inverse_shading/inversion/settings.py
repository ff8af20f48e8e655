"""The configuration's section on refinement, which a model's card repeats."""

from inverse_shading.runtime.sections import Section, key


class Refinement(Section):
    """How a network's guess is corrected by rendering."""

    stride: int = key(
        "Every n-th pixel per side is rendered on the way to the solution.", 4, ge=1, le=16
    )
    step: float = key("Step of the finite differences.", 0.005, gt=0, le=0.1)
    tolerance: float = key(
        "Root mean square in levels of 255 up to which a search has converged.",
        1.0,
        ge=0.1,
        le=50,
    )
    restarts: int = key("Starting points to try after the first.", 6, ge=0, le=7)
    interval: float = key("Share of truths that the intervals are to hold.", 0.8, ge=0.5, le=0.99)
    calibration_images: int = key(
        "Validation images that the widths of intervals are measured on.", 200, ge=2, le=100000
    )
    doubtful: float = key(
        "Share of the stage's own pictures, at most, that are called doubtful or worse.",
        0.01,
        gt=0,
        le=0.5,
    )
    denied: float = key(
        "Share of the stage's own pictures, at most, that are called not made this way.",
        0.001,
        gt=0,
        le=0.5,
    )
    misfit_scale: float = key(
        "How many times wider deviations are where the material doesn't explain the picture.",
        25.0,
        ge=1,
        le=1000,
    )
    misfit_margin: float = key(
        "By how much each end of an interval is moved outwards where the material doesn't explain "
        "the picture.",
        0.1,
        ge=0,
        le=1,
    )
