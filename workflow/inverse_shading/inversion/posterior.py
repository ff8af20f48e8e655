"""How sure a refined material is: draws of all that the picture allows, and intervals from them.

Near the optimum the picture is linear in u (see `observable`), so what is known of u is a
normal distribution, cut off at its bounds and multiplied by the density that u has before there is
a picture. Its covariance comes from the Jacobian J (levels of 255 by u) and the residuals r. These are
mostly the picture's own rounding, which isn't independent from pixel to pixel: a smooth surface is
rounded alike over whole bands. With A = JᵀJ and the sums g = Jᵀr over BLOCK x BLOCK pixels
(cluster-robust, Cameron and Miller 2015, https://doi.org/10.3368/jhr.50.2.317)

    covariance = A⁻¹ (Σ g gᵀ) A⁻¹.

Bands reach further than any block, so what is left is measured: `scales` say, by part of u, how many
times too small that is on renders of known materials (`calibration`), and `factors` stretch what is
left of that, by input. Those materials' images are rounded and no more. A JPEG's errors reach further
still, so what its own errors would do to u is looked at too, see `draw`.
"""

from dataclasses import dataclass

import numpy as np

from inverse_shading.material.floor import posterior_means
from inverse_shading.material.observable import (
    U_PRODUCTS,
    U_SPECULAR,
    U_TINTS,
    UNKNOWNS,
    draw_base,
    log_density,
    materials,
)

# Side of the blocks in framed pixels.
BLOCK = 32

# Chains side by side, and how often each goes through all directions; the first half is forgotten.
CHAINS, SWEEPS = 48, 30

# Places along a line where the density is taken, and its reach in standard deviations.
GRID, REACH = 25, 5.0

# A density that falls steeply, as that of a dark reflection's specular does at its least, lies between
# the places of the grid. Where straight cells hold this much more than exponential ones, places are
# added where the mass is, as often as this.
STEEP, ROUNDS = 1.02, 4

# Draws of base for each draw of u: its distribution is known, so they are its even quantiles.
BASES = 4

# Nothing is known worse than a uniform input is before there is a picture; much wider is wide enough.
WIDEST = 10.0


@dataclass(frozen=True)
class Draws:
    """Equally likely materials.

    Attributes:
        u: (n, 9), see `observable`.
        values: (n · BASES, 10) materials.
        means: (10,) of the inputs; base and base_color by their exact means given each draw's products.
    """

    u: np.ndarray
    values: np.ndarray
    means: np.ndarray

    def interval(self, level: float, factors: np.ndarray | float = 1.0) -> np.ndarray:
        """Bounds (2, 10) within [0, 1] that leave out the same share of draws on either side.

        Args:
            level: share of draws within.
            factors: (10,) by which either side is stretched away from the median.
        """
        low, median, high = np.quantile(
            self.values, [(1 - level) / 2, 0.5, (1 + level) / 2], axis=0
        )
        stretched = median + np.stack([low - median, high - median]) * factors
        return np.clip(stretched, 0, 1)


def covariance(jacobian: np.ndarray, residuals: np.ndarray, compared: np.ndarray) -> np.ndarray:
    """Covariance (9, 9) of u, or of u and gains (12, 12).

    Args:
        jacobian: (pixels, 3, 9 or 12) of the compared pixels, levels of 255.
        residuals: (pixels, 3) of the same.
        compared: bool (size, size), where these pixels lie.
    """
    normal = np.einsum("pci,pcj->ij", jacobian, jacobian)
    scores = np.einsum("pci,pc->pi", jacobian, residuals)
    rows, columns = np.nonzero(compared)
    blocks = rows // BLOCK * compared.shape[1] + columns // BLOCK
    numbers = np.unique(blocks, return_inverse=True)[1]
    sums = np.zeros((numbers.max() + 1, jacobian.shape[-1]))
    np.add.at(sums, numbers, scores)
    # In the eigenvectors' coordinates, so that what is hardly determined stays in the arithmetic.
    strengths, directions = np.linalg.eigh(normal)
    strengths = np.maximum(strengths, max(strengths[-1], 1e-12) * 1e-14)
    scaled = sums @ directions / np.sqrt(strengths)
    # No less than independent errors would give, also where no block has a say.
    spread = scaled.T @ scaled + np.mean(residuals**2) * np.eye(jacobian.shape[-1])
    half = directions / np.sqrt(strengths)
    return half @ spread @ half.T


def draw(
    u: np.ndarray, spread: np.ndarray, seed: int = 0, shift: np.ndarray | float = 0.0
) -> Draws:
    """Draw from what is known of u, by hit-and-run along the covariance's eigenvectors.

    Smith 1984, https://doi.org/10.1287/opre.32.6.1296. Along a line the density is taken on a grid.

    Args:
        u: (9,) the optimum.
        spread: (9, 9) its covariance, scales included.
        seed: of the draws.
        shift: (9,) by which errors like the picture's would move u. Where that is more than a
            deviation, in the root mean square over directions, all deviations are as much wider.
    """
    generator = np.random.default_rng(seed)
    variances, directions = np.linalg.eigh(spread)
    variances = np.maximum(variances, 1e-16)
    variances *= max(1.0, np.mean(np.dot(shift, directions) ** 2 / variances))
    deviations = np.minimum(np.sqrt(variances), WIDEST)
    state = np.repeat(_inside(u)[None], CHAINS, axis=0)
    kept = []
    for sweep in range(SWEEPS):
        for axis in generator.permutation(UNKNOWNS):
            state = _move(state, u, directions[:, axis], deviations[axis], generator)
        if sweep >= SWEEPS // 2:
            kept.append(state)
    drawn = np.concatenate(kept)
    shares = (np.arange(BASES) + generator.uniform(size=(len(drawn), 1))) / BASES
    repeated = np.repeat(drawn[:, None], BASES, axis=1)
    values = materials(repeated, draw_base(repeated, shares)).reshape(len(drawn) * BASES, -1)
    means = posterior_means(materials(drawn, np.ones(len(drawn)))).mean(axis=0)
    return Draws(drawn, values, means)


def _inside(u: np.ndarray) -> np.ndarray:
    """The nearest point from which every line has some length inside the bounds."""
    margin = 1e-4
    inside = np.clip(u, margin, 1 - margin)
    inside[U_SPECULAR] = min(max(inside[U_SPECULAR], inside[U_TINTS].max() + margin), 1 - margin)
    inside[U_TINTS] = np.minimum(inside[U_TINTS], inside[U_SPECULAR] - margin / 2)
    return inside


def _move(
    state: np.ndarray,
    center: np.ndarray,
    direction: np.ndarray,
    deviation: float,
    generator: np.random.Generator,
) -> np.ndarray:
    """Draw each chain anew along a line."""
    # The part of the line that keeps 0 <= u <= 1 and tints <= specular: distances that shrink as
    # the line goes on, and by how much.
    gaps = np.concatenate([state, 1 - state, state[:, [U_SPECULAR]] - state[:, U_TINTS]], axis=1)
    slopes = np.concatenate([direction, -direction, direction[U_SPECULAR] - direction[U_TINTS]])
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.maximum(gaps, 0) / -slopes
    high = np.where(slopes < 0, ends, np.inf).min(axis=1)
    low = np.where(slopes > 0, ends, -np.inf).max(axis=1)
    # Where the normal distribution lives; its coordinate along an eigenvector is independent.
    middle = (center - state) @ direction
    low = np.maximum(low, middle - REACH * deviation)
    high = np.minimum(high, middle + REACH * deviation)
    usable = high > low

    def log_densities(places: np.ndarray, chains: np.ndarray) -> np.ndarray:
        products = state[chains, None, U_PRODUCTS] + places[..., None] * direction[U_PRODUCTS]
        specular = state[chains, None, U_SPECULAR] + places * direction[U_SPECULAR]
        normal = -0.5 * ((places - middle[chains, None]) / deviation) ** 2
        return log_density(products, specular) + normal

    places = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, GRID)
    logs = log_densities(places, np.arange(len(state)))
    shares = generator.uniform(size=len(state))
    place, cells = _straight_quantiles(logs, shares)
    distance = low + (high - low) * place
    straight, curved = cells * (high - low) / (GRID - 1), _cell_masses(places, logs).sum(axis=1)
    steep = np.flatnonzero(usable & (straight > STEEP * curved))
    if len(steep):
        places, logs = places[steep], logs[steep]
        middles = np.tile((np.arange(GRID) + 0.5) / GRID, (len(steep), 1))
        for _ in range(ROUNDS):
            places = np.sort(np.hstack([places, _quantiles(places, logs, middles)]), axis=1)
            logs = log_densities(places, steep)
        distance[steep] = _quantiles(places, logs, shares[steep, None])[:, 0]
    moved = state + distance[:, None] * direction
    usable = usable[:, None] & np.isfinite(moved)
    return np.clip(np.where(usable, moved, state), 0, 1)


def _straight_quantiles(logs: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The trapezoidal rule's distribution function over an even grid, inverted at shares (n,).

    Returns:
        places (n,) from 0 to 1 along the grid; the rule's integral (n,) in cells, in units of the
        density's maximum over the grid.
    """
    masses = np.exp(logs - logs.max(axis=1, keepdims=True))
    sums = np.cumsum((masses[:, 1:] + masses[:, :-1]) / 2, axis=1)
    shares = shares * sums[:, -1]
    cell = (sums < shares[:, None]).sum(axis=1).clip(max=GRID - 2)
    rows = np.arange(len(logs))
    before = np.where(cell > 0, sums[rows, cell - 1], 0)
    width = np.maximum(sums[rows, cell] - before, 1e-300)
    return (cell + np.clip((shares - before) / width, 0, 1)) / (GRID - 1), sums[:, -1]


def _cell_masses(places: np.ndarray, logs: np.ndarray) -> np.ndarray:
    """Masses (n, cells) between places (n, cells + 1) of a density that is exponential in each cell.

    In units of the density's maximum over the places of its row.
    """
    density = np.exp(logs - logs.max(axis=1, keepdims=True))
    rises, steps = np.diff(logs, axis=1), np.diff(density, axis=1)
    even = np.abs(rises) < 1e-6
    return np.diff(places, axis=1) * np.where(
        even, density[:, 1:], steps / np.where(even, 1, rises)
    )


def _quantiles(places: np.ndarray, logs: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Where the distribution function of such a density has these shares (n, k), each (n, k)."""
    sums = np.cumsum(_cell_masses(places, logs), axis=1)
    shares = shares * sums[:, -1:]
    cell = (sums[:, None] < shares[..., None]).sum(axis=2).clip(max=sums.shape[1] - 1)

    def at(table: np.ndarray) -> np.ndarray:
        return np.take_along_axis(table, cell, axis=1)

    ends = np.hstack([np.zeros((len(sums), 1)), sums])
    part = (shares - at(ends)) / np.maximum(at(sums) - at(ends), 1e-300)
    rise = at(np.diff(logs, axis=1))
    even = np.abs(rise) < 1e-6
    with np.errstate(divide="ignore"):
        inverse = np.log1p(part * np.expm1(rise)) / np.where(even, 1, rise)
    return at(places) + at(np.diff(places, axis=1)) * np.clip(np.where(even, part, inverse), 0, 1)
