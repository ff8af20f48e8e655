"""The material whose render is the picture: bounded least squares through the renderer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import least_squares

from inverse_shading.material.observable import (
    U_SPECULAR,
    UNKNOWNS,
    X_BASE_COLOR,
    X_METALNESS,
    X_ROUGHNESS,
    X_SPECULAR,
    X_SPECULAR_COLOR,
    divisible,
    observables,
    observables_derivative,
    unknowns,
    unknowns_derivative,
    with_base_of_one,
)
from inverse_shading.render.unrounded import FEWEST, UnroundedRenderer

# Step, tolerance, restarts and stride stand in the configuration. Those below are numerical: where a
# search starts, how far it is driven, and when two searches are one. They were chosen once for all
# stages; LOOKS_ALIKE and SAME also bound, in multiples of the tolerance, what is called converged.

# Where the search starts without a guess, or when one led nowhere: materials of different kinds,
# dielectrics before metals, which are where a search is caught.
STARTS = np.array(
    [
        [0.3, 0.3, 0.3, 0.5, 0.3, 0.5, 0.5, 0.5, 0.1],
        [0.1, 0.1, 0.1, 0.5, 0.6, 0.5, 0.5, 0.5, 0.05],
        [0.8, 0.8, 0.8, 0.5, 0.7, 0.5, 0.5, 0.5, 0.5],
        [0.6, 0.6, 0.6, 0.5, 0.25, 0.5, 0.5, 0.5, 0.9],
        [0.5, 0.5, 0.5, 0.5, 0.1, 0.5, 0.5, 0.5, 0.5],
        [0.2, 0.2, 0.2, 0.8, 0.1, 0.8, 0.8, 0.8, 0.3],
        [0.5, 0.5, 0.5, 0.2, 0.5, 0.2, 0.2, 0.2, 0.7],
    ]
)

# Where a material has next to no base, metals and dielectrics are two optima. What the first search
# leaves unexplained is tried from here next, with the roughness that it found, which is right in both.
BLACK = np.array([0.02, 0.02, 0.02, 0.7, 0.5, 0.5, 0.5, 0.5, 0.2])

# At a bound an input may have no effect to be led by; the search starts a little inside.
MARGIN = 0.01

# Unknowns that one render for the derivatives moves: of a colour, and of the gains, each shows in its
# own channel of the image alone.
MOVED_TOGETHER = (
    X_BASE_COLOR,
    [X_SPECULAR],
    [X_ROUGHNESS],
    X_SPECULAR_COLOR,
    [X_METALNESS],
    [UNKNOWNS, UNKNOWNS + 1, UNKNOWNS + 2],
)

# Gains are sought between this and one by it, on a logarithmic scale from 0 to 1.
LARGEST_GAIN = 4.0

# A pass ends when a step gains less than this share of its cost, or after so many points. Rounding
# errors, alike over whole bands of a surface, make up for one per cent of the cost of a whole picture:
# what gains a fifth of that is not worth rendering.
COARSE_GAIN, COARSE_POINTS = 1e-3, 30
FINE_GAIN, FINE_POINTS = 2e-3, 8

# A search that leaves more than the picture's own render would (a score above ENOUGH, see `misfit`) is
# followed on more closely, and one that then leaves far more is tried from another start.
ENOUGH, FAR_MORE = 0.5, 1.0
CLOSE_GAIN, CLOSE_POINTS = 1e-5, 25

# So many further searches must end as the best did before it is believed that nothing leaves less.
BELIEVED = 2

# A start whose sparse pixels are so many times further off than is tolerated isn't followed to
# whole images.
HOPELESS = 8.0

# A search that ended where another did is said to have converged up to so many times the tolerance,
# which JPEG and cut-outs need. What is further off has found no material that looks like the picture.
LOOKS_ALIKE = 4.0

# Two starts that end within this share of each other's distance have found the same picture.
SAME = 0.02

# A start whose sparse pixels come this near to an earlier one's, as a share of what it leaves itself,
# isn't followed to whole images: it counts as having ended where that one did. Seldom it would have
# ended a little better.
RETRACED = 0.1

# Derivatives by u are used again as long as no component of it but specular, on which they hardly
# depend, has moved further than this.
NEAR = 0.01


@dataclass(frozen=True)
class Solution:
    """Where one or several searches ended.

    Attributes:
        x: (9,) unknowns, see `observable`; (12,) where gains are fitted along, see `rendered`.
        rms: of the whole image before rounding over the compared pixels, levels of 255.
        residuals: (pixels, 3), render minus picture over the compared pixels that lie wholly on the
            object, levels of 255.
        by_u: float32 (pixels, 3, 9 or 12), their derivatives by u, at x or so near that they are the
            same.
        starts: searches made.
        converged: near enough, within the tolerance, or found from two starts alike and not far off.
        score: how much more is left than the picture's own render would leave, see `misfit`.
    """

    x: np.ndarray
    rms: float
    residuals: np.ndarray
    by_u: np.ndarray
    starts: int
    converged: bool
    score: float = 0.0


def rendered(x: np.ndarray) -> np.ndarray:
    """What the renderer takes, (…, 10) or (…, 13) with gains, of unknowns (…, 9 or 12)."""
    gains = LARGEST_GAIN ** (2 * x[..., UNKNOWNS:] - 1)
    return np.concatenate([with_base_of_one(x[..., :UNKNOWNS]), gains], axis=-1)


def found_gains(x: np.ndarray) -> np.ndarray:
    """(3,) of unknowns (12,), (0,) of (9,)."""
    return rendered(x)[UNKNOWNS + 1 :]


class Derivatives:
    """Derivatives of pixels by u, computed anew where u has moved.

    Args:
        render: from materials (n, 10) to levels (n, pixels, 3).
        step: of the finite differences by x, forward, backward where an input would leave [0, 1].
    """

    def __init__(self, render: Callable[[np.ndarray], np.ndarray], step: float):
        self._render, self._step = render, step
        self._at: np.ndarray | None = None
        self._by_u = np.empty(0, np.float32)
        self._strengths = self._directions = np.empty(0)

    def by_u(self, x: np.ndarray) -> np.ndarray:
        """float32 (pixels, 3, 9)."""
        place = divisible(x)
        u = observables(place)
        if self._at is None or np.abs(np.delete(u - self._at, U_SPECULAR)).max() > NEAR:
            by_x = self._differences(place)
            self._at, self._by_u = u, by_x @ unknowns_derivative(place).astype(np.float32)
            flat = self._by_u.reshape(-1, len(x)).astype(np.float64)
            strengths, self._directions = np.linalg.eigh(flat.T @ flat)
            self._strengths = np.sqrt(np.maximum(strengths, max(strengths[-1], 1e-12) * 1e-14))
        return self._by_u

    def by_x(self, x: np.ndarray) -> np.ndarray:
        """float64 (pixels · 3, 9), as an optimiser wants them."""
        by_u = self.by_u(x).reshape(-1, len(x)).astype(np.float64)
        return by_u @ observables_derivative(x)

    def reduced(self, residuals: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Residuals (pixels, 3) at x as ten numbers of the same sum of squares.

        Nine are their coordinates in the space that the derivatives span, all that a step of
        least squares depends on; the tenth is the length of the rest. A decomposition of ten rows costs
        nothing, one of a hundred thousand as much as a render.
        """
        flat = residuals.ravel().astype(np.float64)
        by_u = self.by_u(x).reshape(-1, len(x))
        inside = (flat @ by_u) @ self._directions / self._strengths
        return np.append(inside, np.sqrt(max(flat @ flat - inside @ inside, 0.0)))

    def reduced_by_x(self, x: np.ndarray) -> np.ndarray:
        """Derivatives (10, 9) of `reduced`."""
        self.by_u(x)
        inside = (self._directions * self._strengths).T @ observables_derivative(x)
        return np.vstack([inside, np.zeros(len(x))])

    def _differences(self, x: np.ndarray) -> np.ndarray:
        """float32 (pixels, 3, 9 or 12)."""
        steps = np.where(x + self._step <= 1, self._step, -self._step)
        together = [places for places in MOVED_TOGETHER if places[-1] < len(x)]
        points = np.tile(x, (1 + len(together), 1))
        for point, places in zip(points[1:], together, strict=True):
            point[places] += steps[places]
        at_x, *moved = self._render(rendered(points))
        by_x = np.zeros((*at_x.shape, len(x)), np.float32)
        for levels, places in zip(moved, together, strict=True):
            by_x[:, [0, 1, 2], places] = (levels - at_x) / steps[places].astype(np.float32)
        return by_x


def find_material(
    renderer: UnroundedRenderer,
    target: np.ndarray,
    compared: np.ndarray,
    guess: np.ndarray | None,
    settings: Mapping,
    gains: bool = False,
    score: Callable[[Solution], float] | None = None,
) -> Solution:
    """Search from a guess, and from fixed starts as long as no search is near enough.

    Near enough is what leaves little more than the picture's own render would, whatever its file: a
    JPEG leaves levels, a PNG a third of one.

    Args:
        target: float32 (size, size, 3), the picture in levels of 255.
        compared: bool (size, size), pixels that count.
        guess: (10,) inputs in [0, 1], or None for the fixed starts alone.
        settings: the config's section: step, tolerance, restarts.
        gains: whether exposure and white balance are fitted along.
        score: how much more a solution leaves than the picture's own render would, see `misfit`;
            without it what is within the tolerance is near enough.
    """
    first, *others = STARTS if guess is None else [unknowns(guess), *STARTS]
    starts = [first, BLACK.copy(), *others][: settings["restarts"] + 1]
    if gains:
        starts = [np.append(start, [0.5, 0.5, 0.5]) for start in starts]
    search = _Search(renderer, target, compared, settings, score)
    best, found_again, searches = None, 0, 0
    for start in starts:
        if searches == 1:
            start[X_ROUGHNESS] = best.x[X_ROUGHNESS]
        searches += 1
        solution = search.run(start)
        if best is not None:
            nearer, further = sorted([solution.rms, best.rms])
            # Hopeless searches end early and thereby alike, which says nothing.
            alike = further - nearer <= SAME * nearer
            if alike:
                found_again += nearer <= HOPELESS * settings["tolerance"]
            elif solution.rms < best.rms:
                found_again = 0
        if best is None or solution.rms < best.rms:
            best = solution
        if best.score <= FAR_MORE or found_again >= BELIEVED:
            break
    near = best.rms <= LOOKS_ALIKE * settings["tolerance"]
    converged = (
        best.score <= FAR_MORE or best.rms <= settings["tolerance"] or (found_again > 0 and near)
    )
    return replace(best, starts=searches, converged=converged)


class _Search:
    """Searches for one picture, each from its start over sparse pixels to whole images.

    Args:
        renderer, target, compared, settings, score: as in `find_material`.
    """

    def __init__(
        self,
        renderer: UnroundedRenderer,
        target: np.ndarray,
        compared: np.ndarray,
        settings: Mapping,
        score: Callable[[Solution], float] | None,
    ):
        self._renderer, self._target, self._score = renderer, target, score
        self._settings, self._tolerance = settings, settings["tolerance"]
        self._pixels = compared & renderer.dense
        self._inner = np.flatnonzero(compared[renderer.dense])
        self._near = np.flatnonzero(compared[renderer.sparse])
        # What earlier searches left of the sparse pixels, and where each ended.
        self._ends: list[tuple[np.ndarray, Solution]] = []

    def run(self, start: np.ndarray) -> Solution:
        """Search from a start, or say where an earlier search went on from the same place."""
        x = np.clip(start, MARGIN, 1 - MARGIN)
        if len(self._near) < FEWEST:
            return self._whole_images(x, FINE_POINTS)
        x, left = self._sparse_pixels(x)
        for earlier, end in self._ends:
            if _rms(left - earlier) <= RETRACED * _rms(left):
                return end
        hopeless = _rms(left) > HOPELESS * self._tolerance
        end = self._whole_images(x, 1 if hopeless else FINE_POINTS)
        # Without its pixels, which fill memory: an end found again is no better than the best.
        empty = np.empty(0, np.float32)
        self._ends.append((left, replace(end, residuals=empty, by_u=empty)))
        return end

    def _sparse_pixels(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where the sparse pixels lead, and what is left of them there."""

        def levels(values: np.ndarray) -> np.ndarray:
            return self._renderer.sparse_pixels(values)[:, self._near]

        sought = self._target[self._renderer.sparse][self._near]
        by_x = Derivatives(levels, self._settings["step"]).by_x
        return fit(
            lambda x: levels(rendered(x[None]))[0] - sought, by_x, x, COARSE_GAIN, COARSE_POINTS
        )

    def _whole_images(self, x: np.ndarray, points: int) -> Solution:
        """Where whole images lead in so many points, and further where that isn't near enough.

        Whole images say how far off x is; centres of their pixels, at a third of the cost, where to go.
        """
        dense = Derivatives(
            lambda values: self._renderer.dense_pixels(values)[:, self._inner],
            self._settings["step"],
        )
        found = {}

        def distance(x: np.ndarray) -> np.ndarray:
            image = self._renderer.image(rendered(x))
            found[x.tobytes()] = (image - self._target)[self._pixels]
            return dense.reduced(found[x.tobytes()], x)

        def solution(x: np.ndarray) -> Solution:
            residuals = found[x.tobytes()]
            there = Solution(x, _rms(residuals), residuals, dense.by_u(x), 1, False)
            return replace(there, score=self._score_of(there))

        x = np.clip(x, MARGIN / 10, 1 - MARGIN / 10)
        x, _ = fit(distance, dense.reduced_by_x, x, FINE_GAIN, points)
        end = solution(x)
        if ENOUGH < end.score < np.inf:
            x, _ = fit(distance, dense.reduced_by_x, x, CLOSE_GAIN, CLOSE_POINTS)
            end = solution(x)
        return end

    def _score_of(self, there: Solution) -> float:
        if self._score is not None and there.rms <= HOPELESS * self._tolerance:
            return self._score(there)
        return 0.0 if there.rms <= self._tolerance else np.inf


def fit(
    residuals: Callable[[np.ndarray], np.ndarray],
    derivatives: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    gain: float,
    points: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Bounded least squares from x, of unknowns in [0, 1].

    Args:
        residuals, derivatives: functions of x; arrays (…) and (size of it, unknowns).
        gain, points: when to end, see above.

    Returns:
        x and the residuals there, flat.
    """
    # The method of bounded trust regions (Branch, Coleman and Li 1999), scaled by the Jacobian since
    # the picture depends on some inputs a thousand times more than on others.
    result = least_squares(
        lambda x: residuals(x).ravel().astype(np.float64),
        x,
        derivatives,
        bounds=(0, 1),
        method="trf",
        x_scale="jac",
        ftol=gain,
        xtol=1e-5,
        # No gradient at all, as of a picture all white, would be divided by.
        gtol=1e-8,
        max_nfev=points,
    )
    return result.x, result.fun


def _rms(residuals: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(residuals))))
