"""The constants of a shading model whose picture is nearest to a given one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import lsq_linear

from inverse_shading.export.renders import PixelRenderer
from inverse_shading.export.targets import Mode, Target
from inverse_shading.inversion.least_squares import MARGIN, SAME, fit
from inverse_shading.material.parameters import DECIMALS

# What follows is numerical: it decides how far a search is driven, not what is sought. What users set
# stands in `settings`. Certificates are measured, whatever it is.

# Pixels that lead near the optimum.
COARSE_PIXELS = 600

# A pass ends when a step gains less than this share of its cost, or after so many points.
COARSE_GAIN, COARSE_POINTS = 2e-3, 25
FINE_GAIN, FINE_POINTS = 1e-3, 10

# Step of the finite differences, as a share of an input's range.
STEP = 0.005

# Further starts are tried until so many have found the best picture.
AGREEING = 2

# Linear steps by which further materials are followed. What changes the picture by less than the
# damping over its whole range, in levels, is rather left alone. Damping grows where a step led away,
# and falls where it led nearer, down to the least.
STEPS, DAMPING, LEAST, GROWTH, FALL = 6, 1.0, 0.1, 10.0, 3.0


@dataclass(frozen=True)
class Fit:
    """Constants that were found.

    Attributes:
        mode: of `Target.modes`.
        sought: bool (n,), numbers that were sought; the others have no effect.
        values: (n,) in the order of `Target.columns`, of at most `parameters.DECIMALS` decimals.
        derivatives: float64 (pixels · 3, sought), levels of 255 of the first `pixels` by the
            number's share of its range.
        starts: searches made, over all modes.
    """

    mode: Mode
    sought: np.ndarray
    values: np.ndarray
    derivatives: np.ndarray
    starts: int


def refit(
    target: Target,
    renderers: Sequence[PixelRenderer],
    picture: np.ndarray,
    starts: Sequence[Sequence[np.ndarray]],
    settings: Mapping,
) -> Fit:
    """Search each mode from several starts over few pixels, and from the best of all over more.

    Args:
        renderers: one for each of the target's modes.
        picture: (covered, 3) levels of 255, pixels in the renderers' order.
        starts: for each mode, numbers of the target; later ones are tried only as long as the best
            picture was not found twice.
        settings: see `settings.Exports`; its `pixels` are those of the last search.
    """
    tolerance, pixels = settings["tolerance"], settings["pixels"]
    low, high = target.bounds
    best, count = (np.inf, 0, low), 0
    for mode, renderer in enumerate(renderers):
        problem = _Problem(target, renderer, picture, pixels)
        found: list[float] = []
        for start in starts[mode]:
            x = (np.asarray(start) - low) / (high - low)
            x, distance = problem.search(x, target.sought(target.modes[mode], spare=False))
            count += 1
            found.append(distance)
            if distance < best[0]:
                best = (distance, mode, x)
            agreeing = sum(each <= (1 + SAME) * min(found) for each in found)
            if min(found) <= tolerance or agreeing >= AGREEING:
                break
    distance, mode, x = best
    problem = _Problem(target, renderers[mode], picture, pixels)
    spare = distance > tolerance
    sought = target.sought(target.modes[mode], spare)
    if spare:
        x, _ = problem.search(x, sought)
    x, _ = problem.search(x, sought, fine=True)
    # As the files hold them.
    values = np.clip((low + x * (high - low)).round(DECIMALS), low, high)
    derivatives = _derivatives(lambda points: problem.render(points, pixels), x, sought)
    return Fit(target.modes[mode], sought, values, derivatives, count)


def intervals(target: Target, found: Fit, visible: float) -> np.ndarray:
    """How far each number can go while the others follow it and the picture changes by what is visible.

    The picture is taken to be linear in them. Bounds (2, sought) within the target's own.

    Args:
        visible: root mean square in levels of 255.
    """
    low, high = (bound[found.sought] for bound in target.bounds)
    normal = found.derivatives.T @ found.derivatives / len(found.derivatives)
    strengths, directions = np.linalg.eigh(normal)
    # What doesn't show at all is known nowhere within its range.
    strengths = np.maximum(strengths, 1e-12)
    reach = visible * np.sqrt((directions**2 / strengths).sum(axis=1))
    x = (found.values[found.sought] - low) / (high - low)
    return low + np.clip(np.stack([x - reach, x + reach]), 0, 1) * (high - low)


def follow(
    target: Target,
    renderer: PixelRenderer,
    found: Fit,
    changes: np.ndarray,
    moves: np.ndarray,
) -> np.ndarray:
    """The numbers of materials that look much like the one that was found: (n, sought).

    Each starts from a move of the numbers found, and takes linear steps within the target's bounds
    towards its picture. The nearest place is kept. What hardly shows stays where the move put it.

    Args:
        renderer: of the mode that was found.
        changes: (n, pixels, 3) levels of 255 by which each material's picture differs from that of the
            one found, COARSE_PIXELS of each.
        moves: (n, numbers).
    """
    low, high = target.bounds
    ends = low[found.sought], high[found.sought]
    # The same least squares as over all pixels, with as many rows as there are numbers.
    basis, rows = np.linalg.qr(found.derivatives[: changes[0].size])
    still = np.sqrt(changes[0].size) * np.eye(len(rows))
    pictures = renderer.pixels(found.values[None], COARSE_PIXELS) + changes
    x = np.clip(found.values + moves, low, high)
    best, left, nearest = x.copy(), np.zeros((len(x), len(rows))), np.full(len(x), np.inf)
    damping = np.full(len(x), DAMPING)
    for step in range(STEPS + 1):
        residuals = (renderer.pixels(x, COARSE_PIXELS) - pictures).reshape(len(x), -1)
        distances = np.linalg.norm(residuals, axis=1)
        nearer = distances < nearest
        best[nearer], nearest[nearer] = x[nearer], distances[nearer]
        left[nearer] = residuals[nearer] @ basis
        if step < STEPS:
            damping = np.where(nearer, np.maximum(damping / FALL, LEAST), damping * GROWTH)
            shares = (best[:, found.sought] - ends[0]) / (ends[1] - ends[0])
            for share, residual, damped in zip(shares, left, damping, strict=True):
                matrix = np.concatenate([rows, damped * still])
                wanted = np.concatenate([-residual, np.zeros(len(rows))])
                share += lsq_linear(matrix, wanted, (-share, 1 - share), method="bvls").x
            x[:, found.sought] = ends[0] + np.clip(shares, 0, 1) * (ends[1] - ends[0])
    return best[:, found.sought]


def lost_shares(found: Fit, wanted: np.ndarray) -> np.ndarray:
    """Which share of each change of the picture the target's numbers can't make, 0 to 1.

    Args:
        wanted: (pixels · 3, changes), of the same pixels as `Fit.derivatives`.
    """
    scale = np.linalg.norm(found.derivatives, axis=0)
    columns = found.derivatives[:, scale > 0] / scale[scale > 0]
    basis, strengths, _ = np.linalg.svd(columns, full_matrices=False)
    basis = basis[:, strengths > 1e-6 * strengths.max(initial=0)]
    left = wanted - basis @ (basis.T @ wanted)
    sizes = np.linalg.norm(wanted, axis=0)
    return np.linalg.norm(left, axis=0) / np.where(sizes > 0, sizes, 1)


def derivatives_by_inputs(renderer: PixelRenderer, values: np.ndarray, pixels: int) -> np.ndarray:
    """Derivatives (pixels · 3, 10) of a material's first `pixels` by its ten inputs."""
    return _derivatives(
        lambda points: renderer.pixels(points, pixels), values, np.full(len(values), True)
    )


class _Problem:
    """Least squares over the first pixels, in shares of the numbers' ranges."""

    def __init__(self, target: Target, renderer: PixelRenderer, picture: np.ndarray, pixels: int):
        self._target, self._renderer, self._picture = target, renderer, picture
        self._pixels = pixels

    def render(self, x: np.ndarray, count: int) -> np.ndarray:
        """Pixels (n, count, 3) of x (n, numbers)."""
        low, high = self._target.bounds
        return self._renderer.pixels(low + x * (high - low), count)

    def search(
        self, x: np.ndarray, sought: np.ndarray, fine: bool = False
    ) -> tuple[np.ndarray, float]:
        """Where a search from x ends, and the root mean square there; what isn't sought stays."""
        count = self._pixels if fine else COARSE_PIXELS
        picture, margin = self._picture[:count], MARGIN / 10 if fine else MARGIN

        def whole(part: np.ndarray) -> np.ndarray:
            result = x.copy()
            result[sought] = part
            return result

        part, residuals = fit(
            lambda part: self.render(whole(part)[None], count)[0] - picture,
            lambda part: _derivatives(lambda at: self.render(at, count), whole(part), sought),
            np.clip(x[sought], margin, 1 - margin),
            FINE_GAIN if fine else COARSE_GAIN,
            FINE_POINTS if fine else COARSE_POINTS,
        )
        return whole(part), float(np.sqrt(np.mean(np.square(residuals))))


def _derivatives(
    render: Callable[[np.ndarray], np.ndarray], x: np.ndarray, sought: np.ndarray
) -> np.ndarray:
    """By forward differences, backward where a number would leave [0, 1]: (pixels · 3, sought)."""
    steps = np.where(x + STEP <= 1, STEP, -STEP)[sought]
    points = np.repeat(x[None], len(steps) + 1, axis=0)
    points[np.arange(1, len(points)), np.flatnonzero(sought)] += steps
    at_x, *moved = render(points).astype(np.float64)
    return np.stack([(m - at_x).ravel() for m in moved], axis=-1) / steps
