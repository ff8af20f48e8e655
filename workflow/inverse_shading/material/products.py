"""The error that nobody can go below: `base` and `base_color` are only visible as their products.

`standard_surface` uses `base` b and `base_color` c₁, c₂, c₃ in no other way than as p_i = b·c_i
(diffuse albedo and metal reflectivity). Four inputs, three numbers: even who knows the products
exactly can only guess at the inputs. With b and c_i independent and uniform in [0, 1], and
m = max p_i, the density of b given the products follows from the change of variables c_i = p_i / b,
whose Jacobian is 1 / b for each channel:

    f(b | p) ∝ b⁻³ on [m, 1].

Mean and median of it, and of c_i = p_i / b, minimise squared and absolute error:

    E[b]    = 2m / (1 + m)
    E[1/b]  = 2 (1 + m + m²) / (3 m (1 + m))
    median b = m · √(2 / (1 + m²)),   median c_i = p_i / median b.
"""

import numpy as np

from inverse_shading.material.parameters import PARAMETERS

BASE = PARAMETERS.index("base")
BASE_COLOR = [PARAMETERS.index(f"base_color_{channel}") for channel in "rgb"]


def posterior_means(values: np.ndarray) -> np.ndarray:
    """The least squared error that the products of base and base_color allow.

    Args:
        values: (n, 10) true parameters in [0, 1], columns as in `parameters.PARAMETERS`.

    Returns:
        The same, with base and base_color replaced by their means given the three products.
    """
    products, largest = _products(values)
    base = 2 * largest / (1 + largest)
    inverse = _divide(2 * (1 + largest + largest**2), 3 * largest * (1 + largest))
    return _replace(values, base, products * inverse, largest)


def posterior_medians(values: np.ndarray) -> np.ndarray:
    """The least absolute error that the products allow; as `posterior_means`, with medians."""
    products, largest = _products(values)
    base = largest * np.sqrt(2 / (1 + largest**2))
    return _replace(values, base, _divide(products, base), largest)


def products_of_means(means: np.ndarray) -> np.ndarray:
    """The products p that have these posterior means: the inverse of `posterior_means`.

    For who was trained on squared error and therefore answers means, whose own products are brighter
    than what was seen. From E[b] = 2m / (1 + m) follows m, and from it p_i = E[c_i] / E[1/b].

    Args:
        means: (n, 10) in [0, 1].

    Returns:
        float64 (n, 3) in [0, 1].
    """
    largest = means[:, [BASE]] / (2 - means[:, [BASE]])
    inverse = _divide(2 * (1 + largest + largest**2), 3 * largest * (1 + largest))
    return np.clip(_divide(means[:, BASE_COLOR], inverse), 0, 1)


def _products(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    products = values[:, [BASE]] * values[:, BASE_COLOR]
    return products, products.max(axis=1, keepdims=True)


def _divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _replace(
    values: np.ndarray, base: np.ndarray, base_color: np.ndarray, largest: np.ndarray
) -> np.ndarray:
    result = values.copy()
    result[:, [BASE]] = base
    # Products of zero (a base of zero) say nothing of the colour: its mean and median are a half.
    result[:, BASE_COLOR] = np.where(largest > 0, base_color, 0.5)
    return result
