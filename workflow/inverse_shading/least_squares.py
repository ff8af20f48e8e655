"""The material whose render is the picture: bounded least squares through the renderer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from .appearance_space import UNKNOWNS, unknowns, with_base_of_one
from .sampled_renderer import SampledRenderer

# Where the search starts without a guess, or when one led nowhere: materials of different kinds.
STARTS = np.array(
    [
        [0.3, 0.3, 0.3, 0.5, 0.3, 0.5, 0.5, 0.5, 0.1],
        [0.6, 0.6, 0.6, 0.5, 0.25, 0.5, 0.5, 0.5, 0.9],
        [0.1, 0.1, 0.1, 0.5, 0.6, 0.5, 0.5, 0.5, 0.05],
        [0.8, 0.8, 0.8, 0.5, 0.7, 0.5, 0.5, 0.5, 0.5],
        [0.5, 0.5, 0.5, 0.5, 0.1, 0.5, 0.5, 0.5, 0.5],
        [0.2, 0.2, 0.2, 0.8, 0.1, 0.8, 0.8, 0.8, 0.3],
        [0.5, 0.5, 0.5, 0.2, 0.5, 0.2, 0.2, 0.2, 0.7],
    ]
)

# At a bound an input may have no effect to be led by; the search starts a little inside.
MARGIN = 0.01

# A pass ends when a step gains less than this share of its cost, or after so many points. Rounding
# errors, alike over whole bands of a surface, make up for one per cent of the cost of a whole picture:
# what gains a fifth of that is not worth rendering.
COARSE_GAIN, COARSE_POINTS = 1e-3, 30
FINE_GAIN, FINE_POINTS = 2e-3, 8

# A start whose samples are so many times further off than is tolerated isn't followed to whole images.
HOPELESS = 8.0

# Two starts that end within this share of each other's distance have found the same picture.
SAME = 0.02


@dataclass(frozen=True)
class Solution:
    """Where one or several searches ended.

    Attributes:
        x: (9,) unknowns, see `appearance_space`.
        rms: of the whole image before rounding over the compared pixels, levels of 255.
        starts: searches made.
        converged: within the tolerance, or found from two starts alike.
    """

    x: np.ndarray
    rms: float
    starts: int
    converged: bool


def find_material(
    renderer: SampledRenderer,
    target: np.ndarray,
    compared: np.ndarray,
    guess: np.ndarray | None,
    settings: Mapping,
) -> Solution:
    """Search from a guess, and from fixed starts as long as no search is within the tolerance.

    Args:
        target: float32 (size, size, 3), the picture in levels of 255.
        compared: bool (size, size), pixels that count.
        guess: (10,) inputs in [0, 1], or None for the fixed starts alone.
        settings: the config's section: step, tolerance, restarts.
    """
    starts = list(STARTS[: settings["restarts"] + (guess is None)])
    if guess is not None:
        starts.insert(0, unknowns(guess))
    best, found_again, searches = None, False, 0
    for start in starts:
        searches += 1
        x, rms = _search(renderer, target, compared, start, settings)
        if best is not None:
            found_again = abs(rms - best[1]) <= SAME * min(rms, best[1])
        if best is None or rms < best[1]:
            best = (x, rms)
        if best[1] <= settings["tolerance"] or found_again:
            break
    x, rms = best
    return Solution(x, rms, searches, rms <= settings["tolerance"] or found_again)


def jacobian(
    samples: Callable[[np.ndarray], np.ndarray], x: np.ndarray, at_x: np.ndarray, step: float
) -> np.ndarray:
    """Forward differences, backward where an input would leave [0, 1].

    Args:
        samples: from materials (n, 10) to levels (n, pixels, 3).
        x: (9,).
        at_x: (pixels, 3), its samples.

    Returns:
        float32 (pixels, 3, 9).
    """
    steps = np.where(x + step <= 1, step, -step)
    moved = samples(with_base_of_one(x + np.diag(steps)))
    return np.moveaxis((moved - at_x) / steps[:, None, None], 0, -1).astype(np.float32)


def _search(
    renderer: SampledRenderer,
    target: np.ndarray,
    compared: np.ndarray,
    start: np.ndarray,
    settings: Mapping,
) -> tuple[np.ndarray, float]:
    """From a start over samples to whole images: x and the root mean square of whole images."""
    x = np.clip(start, MARGIN, 1 - MARGIN)
    step, tolerance = settings["step"], settings["tolerance"]
    chosen = compared[renderer.sparse]
    if chosen.any():
        x, rms = _fit(
            lambda x: renderer.sparse_samples(with_base_of_one(x[None]))[0][chosen],
            lambda values: renderer.sparse_samples(values)[:, chosen],
            target[renderer.sparse][chosen],
            x,
            step,
            COARSE_GAIN,
            COARSE_POINTS,
        )
        if rms > HOPELESS * tolerance:
            return x, rms
    # Whole images say how far off x is; centres of their pixels, at a third of the cost, where to go.
    pixels = compared & renderer.dense
    inner = compared[renderer.dense]
    return _fit(
        lambda x: renderer.image(with_base_of_one(x))[pixels],
        lambda values: renderer.dense_samples(values)[:, inner],
        target[pixels],
        np.clip(x, MARGIN / 10, 1 - MARGIN / 10),
        step,
        FINE_GAIN,
        FINE_POINTS,
    )


def _fit(
    render: Callable[[np.ndarray], np.ndarray],
    samples: Callable[[np.ndarray], np.ndarray],
    target: np.ndarray,
    x: np.ndarray,
    step: float,
    gain: float,
    points: int,
) -> tuple[np.ndarray, float]:
    def residuals(x: np.ndarray) -> np.ndarray:
        return (render(x) - target).ravel().astype(np.float64)

    def derivatives(x: np.ndarray) -> np.ndarray:
        at_x = samples(with_base_of_one(x[None]))[0]
        return jacobian(samples, x, at_x, step).reshape(-1, UNKNOWNS).astype(np.float64)

    # The method of bounded trust regions (Branch, Coleman and Li 1999), scaled by the Jacobian since
    # the picture depends on some inputs a thousand times more than on others.
    result = least_squares(
        residuals,
        x,
        derivatives,
        bounds=(0, 1),
        method="trf",
        x_scale="jac",
        ftol=gain,
        xtol=1e-5,
        gtol=None,
        max_nfev=points,
    )
    return result.x, float(np.sqrt(2 * result.cost / target.size))
