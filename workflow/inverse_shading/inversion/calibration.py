"""How far a posterior can be trusted, measured on renders of known materials.

`scales` say by how much the standard deviations of u (see `observable`) are too small, by part
of u: the quantile of |error| / deviation as a share of the normal distribution's. `factors` then
stretch the interval of each input so that it holds its share of truths: the split-conformal quantile of
how far off the truth is in units of the interval's side (Romano, Patterson and Candès 2019,
https://arxiv.org/abs/1905.03222, with ratios in place of differences).

That holds on average. `kinds` stretch further where the found material is of a kind, all inputs alike,
and `roughness_kinds` that of roughness beside, so that each kind's intervals hold their share. They are
a quantile regression of the ratios' logarithms on the kinds, whose optimum has that property on the
images that it is fitted to (Gibbs, Cherian and Candès 2023, https://arxiv.org/abs/2305.12616).

The images are of the validation split: neither models nor the table's test images have a part in it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, create_model
from scipy.optimize import linprog
from scipy.sparse import csr_matrix, hstack, identity
from scipy.special import ndtri

from inverse_shading.evaluation.conformal import conformal_quantile
from inverse_shading.inversion.misfit import SHIPPED_MARGINS, Margins, measure_margins
from inverse_shading.inversion.posterior import draw
from inverse_shading.material.kinds import KINDS, material_kinds
from inverse_shading.material.observable import (
    U_METALNESS,
    U_PRODUCTS,
    U_ROUGHNESS,
    U_SPECULAR,
    U_TINTS,
    materials,
    observables,
    unknowns,
)
from inverse_shading.material.parameters import PARAMETERS, ROUGHNESS
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

# Kinds as fields of a file.
FIELDS = tuple(kind.replace(" ", "_") for kind in KINDS)

# The kinds that roughness has stretches of its own for, by their place.
OF_ROUGHNESS = tuple(map(KINDS.index, ("smooth", "rough")))

# Fewer images than these say nothing about kinds.
FEWEST_OF_KINDS = 50

# Penalty of a stretch's logarithm, in images: a kind that hardly occurs isn't fitted to its few.
CAUTION = 1.0

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


Stretches = create_model("Stretches", __base__=Section, **dict.fromkeys(FIELDS, (Factor, ...)))
Score = Annotated[float, Field(ge=-LARGEST_SCALE, le=LARGEST_SCALE)]


class MarginsContent(Section):
    """What a file says of margins, see `misfit.Margins`."""

    deciles: Annotated[list[Score], Field(min_length=9, max_length=9)]
    tail: float = key("How slowly the highest tenth falls off.", gt=0, le=LARGEST_SCALE)
    images: int = key("Images that they were measured on.", ge=0)


class CalibrationContent(Section):
    """What a file says of a calibration, see `Calibration`."""

    images: int = key("Images that it was measured on.", ge=0)
    scales: Scales = key("By part of u.")
    factors: Factors = key("By parameter.")
    kinds: Stretches = key("Further, by the found material's kind.")
    roughness_kinds: Stretches = key("Of roughness, further by the found material's kind.")
    margins: MarginsContent = key("Of what the stage's own pictures leave.")

    def calibration(self) -> "Calibration":
        """The calibration itself."""
        margins = self.margins
        return Calibration(
            self.scales.model_dump(),
            self.factors.model_dump(),
            self.images,
            self.kinds.model_dump(),
            self.roughness_kinds.model_dump(),
            Margins(tuple(margins.deciles), margins.tail, margins.images),
        )


@dataclass(frozen=True)
class Calibration:
    """Scales by part of u, factors by parameter, stretches by kind, margins; see the module.

    `images` is how many they were measured on.
    """

    scales: dict[str, float]
    factors: dict[str, float]
    images: int
    kinds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(FIELDS, 1.0))
    roughness_kinds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(FIELDS, 1.0))
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

    def factors_of(self, u: np.ndarray) -> np.ndarray:
        """(10,) of a found u (9,), by its kinds too."""
        factors, of_kind = self.factor_vector, _kinds_of(u)
        factors *= np.prod(np.where(of_kind, list(self.kinds.values()), 1.0))
        factors[ROUGHNESS] *= np.prod(np.where(of_kind, list(self.roughness_kinds.values()), 1.0))
        return np.minimum(factors, WHOLE_RANGE)


def _kinds_of(u: np.ndarray) -> np.ndarray:
    """bool (…, KINDS) of u (…, 9)."""
    kinds = material_kinds(materials(u, np.ones(u.shape[:-1])))
    return np.stack(list(kinds.values()), axis=-1)


#: What a posterior is before it is calibrated.
UNCALIBRATED = Calibration(dict.fromkeys(PARTS, 1.0), dict.fromkeys(PARAMETERS, 1.0), 0)


def measure_calibration(
    found: Sequence[tuple[np.ndarray, np.ndarray]],
    true: np.ndarray,
    level: float,
    scores: Sequence[float] = (),
) -> Calibration:
    """Compare posteriors with the truth.

    Args:
        found: u (9,) and its covariance (9, 9) for each image, see `refiner.Refiner.spread`.
        true: (n, 10) materials.
        level: share of truths that intervals are to hold.
        scores: of what is left of each image, see `misfit.Residual`.
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
    ratios = np.array(sides)
    factors = np.minimum(conformal_quantile(ratios, level), WHOLE_RANGE)
    kinds, roughness_kinds = np.ones(len(KINDS)), np.ones(len(KINDS))
    # Where they are too few for the level, the whole range stays.
    if len(true) >= FEWEST_OF_KINDS and np.all(factors < WHOLE_RANGE):
        of_kind = _kinds_of(np.array([u for u, _ in found]))
        common, kinds, roughness_kinds = _stretches(ratios / factors, of_kind, level)
        factors = factors * common
    return Calibration(
        scales,
        dict(zip(PARAMETERS, factors.tolist(), strict=True)),
        len(true),
        dict(zip(FIELDS, kinds.tolist(), strict=True)),
        dict(zip(FIELDS, roughness_kinds.tolist(), strict=True)),
        measure_margins(scores),
    )


def _stretches(
    ratios: np.ndarray, of_kind: np.ndarray, level: float
) -> tuple[float, np.ndarray, np.ndarray]:
    """Of all, of kinds and of roughness by kind: what each kind's ratios are to be divided by.

    Args:
        ratios: (n, 10), how far off the truth is in units of the interval's side.
        of_kind: bool (n, KINDS).
    """
    images, inputs = ratios.shape
    columns = np.ones((images, inputs, 1 + len(KINDS) + len(OF_ROUGHNESS)))
    columns[..., 1 : 1 + len(KINDS)] = of_kind[:, None]
    columns[..., 1 + len(KINDS) :] = 0
    columns[:, ROUGHNESS, 1 + len(KINDS) :] = of_kind[:, OF_ROUGHNESS]
    rows = columns.reshape(images * inputs, -1)
    logs = np.log(np.maximum(ratios, NARROWEST)).ravel()
    count = rows.shape[1]
    # Coefficients as differences of positive numbers, then what is above and below the quantile.
    caution = np.r_[0.0, np.full(count - 1, CAUTION)]
    costs = np.r_[caution, caution, np.full(len(logs), level), np.full(len(logs), 1 - level)]
    above = identity(len(logs), format="csr")
    equations = hstack([csr_matrix(rows), csr_matrix(-rows), above, -above])
    solved = linprog(costs, A_eq=equations, b_eq=logs, bounds=(0, None), method="highs").x
    stretches = np.exp(solved[:count] - solved[count : 2 * count])
    of_roughness = np.ones(len(KINDS))
    of_roughness[list(OF_ROUGHNESS)] = stretches[1 + len(KINDS) :]
    return float(stretches[0]), stretches[1 : 1 + len(KINDS)], of_roughness


def write_calibration(path: str | Path, calibration: Calibration) -> None:
    """Write a calibration as JSON."""
    write_json(path, asdict(calibration))


def read_calibration(path: str | Path) -> Calibration:
    """Read what `write_calibration` wrote.

    Raises:
        InputError: missing, damaged, or other than a calibration.
    """
    return read_section(path, "a calibration", CalibrationContent).calibration()
