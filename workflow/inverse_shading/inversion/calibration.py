"""How far a posterior can be trusted, measured on renders of known materials.

`scales` say by how much the standard deviations of u (see `observable`) are too small, by part
of u: the quantile of |error| / deviation as a share of the normal distribution's. `factors` then
stretch the interval of each input so that it holds its share of truths: the split-conformal quantile of
how far off the truth is in units of the interval's side (Romano, Patterson and Candès 2019,
https://arxiv.org/abs/1905.03222, with ratios in place of differences).

The images are of the validation split: neither models nor the table's test images have a part in it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, create_model
from scipy.special import ndtri

from inverse_shading.evaluation.conformal import conformal_quantile
from inverse_shading.inversion.misfit import (
    SCALES,
    SHIPPED_MARGINS,
    Margins,
    Residual,
    measure_margins,
)
from inverse_shading.inversion.posterior import draw
from inverse_shading.material.observable import (
    U_METALNESS,
    U_PRODUCTS,
    U_ROUGHNESS,
    U_SPECULAR,
    U_TINTS,
    observables,
    unknowns,
)
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.runtime.artefacts import write_json
from inverse_shading.runtime.sections import Section, key
from inverse_shading.runtime.typed_json import read_section

# Parts of u that share a scale.
PARTS = {
    "products": U_PRODUCTS,
    "tints": U_TINTS,
    "specular": U_SPECULAR,
    "roughness": U_ROUGHNESS,
    "metalness": U_METALNESS,
}

# An interval's side that is narrower is taken for as wide: six decimals of an input mean nothing.
NARROWEST = 1e-6

# A factor that stretches any interval to all of [0, 1]: what is known where so few images say nothing.
WHOLE_RANGE = 1 / NARROWEST


# Far above what any image gives; its square is still far from infinity.
LARGEST_SCALE = 1e12

Scale = Annotated[
    float, Field(description="How far deviations are too small.", ge=0, le=LARGEST_SCALE)
]
Factor = Annotated[
    float, Field(description="How far an interval is stretched.", ge=0, le=WHOLE_RANGE)
]
Scales = create_model("Scales", __base__=Section, **dict.fromkeys(PARTS, (Scale, ...)))
Factors = create_model("Factors", __base__=Section, **dict.fromkeys(PARAMETERS, (Factor, ...)))


Score = Annotated[float, Field(ge=-LARGEST_SCALE, le=LARGEST_SCALE)]


class MarginsContent(Section):
    """What a file says of margins, see `misfit.Margins`."""

    units: Annotated[list[Scale], Field(min_length=len(SCALES), max_length=len(SCALES))]
    deciles: Annotated[list[Score], Field(min_length=9, max_length=9)]
    tail: float = key("Mean of the highest tenth above the last decile.", gt=0, le=LARGEST_SCALE)
    images: int = key("Images that they were measured on.", ge=0)


class CalibrationContent(Section):
    """What a file says of a calibration, see `Calibration`."""

    images: int = key("Images that it was measured on.", ge=0)
    scales: Scales = key("By part of u.")
    factors: Factors = key("By parameter.")
    margins: MarginsContent = key("Of what the stage's own pictures leave.")

    def calibration(self) -> "Calibration":
        """The calibration itself."""
        margins = self.margins
        return Calibration(
            self.scales.model_dump(),
            self.factors.model_dump(),
            self.images,
            Margins(tuple(margins.units), tuple(margins.deciles), margins.tail, margins.images),
        )


@dataclass(frozen=True)
class Calibration:
    """Scales by part of u, factors by parameter, how many images they were measured on, and margins."""

    scales: dict[str, float]
    factors: dict[str, float]
    images: int
    margins: Margins = SHIPPED_MARGINS

    @property
    def scale_vector(self) -> np.ndarray:
        """(9,) in the order of u."""
        vector = np.empty(len(PARAMETERS) - 1)
        for name, places in PARTS.items():
            vector[places] = self.scales[name]
        return vector

    @property
    def factor_vector(self) -> np.ndarray:
        """(10,) in the order of `PARAMETERS`."""
        return np.array([self.factors[name] for name in PARAMETERS])


#: What a posterior is before it is calibrated.
UNCALIBRATED = Calibration(dict.fromkeys(PARTS, 1.0), dict.fromkeys(PARAMETERS, 1.0), 0)


def measure_calibration(
    found: Sequence[tuple[np.ndarray, np.ndarray]],
    true: np.ndarray,
    level: float,
    left: Sequence[Residual] = (),
) -> Calibration:
    """Compare posteriors with the truth.

    Args:
        found: u (9,) and its covariance (9, 9) for each image, see `refiner.Refiner.spread`.
        true: (n, 10) materials.
        level: share of truths that intervals are to hold.
        left: what is left of each image.
    """
    errors = np.array([u for u, _ in found]) - observables(unknowns(true))
    deviations = np.sqrt(np.array([np.diagonal(spread) for _, spread in found]))
    ratios = np.abs(errors) / deviations
    normal = ndtri((1 + level) / 2)
    scales = {}
    for name, places in PARTS.items():
        part = np.ravel(ratios[:, places])
        # Of too few images no quantile is known, and the largest is what there is.
        quantile = min(conformal_quantile(part, level), part.max())
        scales[name] = max(1.0, float(quantile) / normal)
    vector = Calibration(scales, {}, 0).scale_vector
    sides = []
    for (u, spread), truth in zip(found, true, strict=True):
        draws = draw(u, vector[:, None] * spread * vector)
        low, high = draws.interval(level)
        median = np.median(draws.values, axis=0)
        side = np.where(truth < median, median - low, high - median)
        sides.append(np.abs(truth - median) / np.maximum(side, NARROWEST))
    factors = np.minimum(conformal_quantile(np.array(sides), level), WHOLE_RANGE)
    return Calibration(
        scales,
        dict(zip(PARAMETERS, factors.tolist(), strict=True)),
        len(true),
        measure_margins([one.excess for one in left]),
    )


def write_calibration(path: str | Path, calibration: Calibration) -> None:
    """Write a calibration as JSON."""
    write_json(path, asdict(calibration))


def read_calibration(path: str | Path) -> Calibration:
    """Read what `write_calibration` wrote.

    Raises:
        InputError: missing, damaged, or other than a calibration.
    """
    return read_section(path, "a calibration", CalibrationContent).calibration()
