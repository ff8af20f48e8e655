"""Materials that render the same and differ most: what a picture can't decide, to be looked at."""

from collections.abc import Callable

import numpy as np

from inverse_shading.inversion.posterior import Draws
from inverse_shading.material.observable import (
    DARKEST,
    U_PRODUCTS,
    U_SPECULAR,
    U_TINTS,
    materials,
    observables,
    unknowns,
)

# Root mean square in levels of 255 that rounding to bytes makes by itself: 1/√12. Renders that differ
# by less before rounding look the same within quantisation.
QUANTISATION = 12**-0.5

# Materials nearer to each other than this, over all ten inputs, are as good as one.
DIFFERENT = 0.05

# How often a candidate that differs more is drawn halfway towards the material.
HALVINGS = 5

# How many candidates are looked at for each material that is wanted.
TRIES = 8


def different_materials(
    draws: Draws,
    material: np.ndarray,
    render: Callable[[np.ndarray], np.ndarray],
    compared: np.ndarray,
    count: int,
) -> list[np.ndarray]:
    """Choose materials far from each other and from `material`, each checked by rendering it.

    Farthest-point sampling (Gonzalez 1985) among draws of the posterior, with base and specular also
    at their lowest and highest.

    Args:
        draws: what the picture allows.
        material: (10,).
        render: from a material (10,) to an image before rounding, (size, size, 3), levels of 255.
        compared: bool (size, size), the pixels that count.
        count: how many to choose.

    Returns:
        At most `count` materials (10,), fewer where the picture leaves no room for more.
    """
    candidates = _candidates(draws)
    image = render(material)[compared]
    chosen = [material]
    distance = np.linalg.norm(candidates - material, axis=1)
    for _ in range(TRIES * count):
        if len(chosen) > count or distance.max() < DIFFERENT:
            break
        candidate = candidates[distance.argmax()]
        checked = _drawn_near(candidate, material, render, compared, image)
        # Its like would be drawn as near.
        distance[np.linalg.norm(candidates - candidate, axis=1) < DIFFERENT] = 0
        # What is drawn halfway may be where another one was.
        if np.linalg.norm(chosen - checked, axis=1).min() >= DIFFERENT:
            distance = np.minimum(distance, np.linalg.norm(candidates - checked, axis=1))
            chosen.append(checked)
    return chosen[1:]


def _candidates(draws: Draws) -> np.ndarray:
    u = draws.u
    brightest = np.maximum(u[:, U_PRODUCTS].max(axis=1), DARKEST)
    candidates = [draws.values]
    for specular in (
        u[:, U_SPECULAR],
        np.maximum(u[:, U_TINTS].max(axis=1), DARKEST),
        np.ones(len(u)),
    ):
        moved = u.copy()
        moved[:, U_SPECULAR] = specular
        candidates += [materials(moved, base) for base in (brightest, np.ones(len(u)))]
    return np.concatenate(candidates)


def _drawn_near(
    candidate: np.ndarray,
    material: np.ndarray,
    render: Callable[[np.ndarray], np.ndarray],
    compared: np.ndarray,
    image: np.ndarray,
) -> np.ndarray:
    """The candidate, or a point between it and the material, whose render is the image.

    In between is taken in the observables, so that base and its colour may differ as far as they do. In
    the end they alone differ, which doesn't show at all.
    """
    start, end = observables(unknowns(material)), observables(unknowns(candidate))
    for share in [*0.5 ** np.arange(HALVINGS), 0.0]:
        u = start + (end - start) * share
        brightest = u[U_PRODUCTS].max()
        between = materials(u, np.clip(candidate[0], max(brightest, DARKEST), 1))
        difference = render(between)[compared] - image
        if np.sqrt(np.mean(np.square(difference, dtype=np.float64))) <= QUANTISATION:
            break
    return between
