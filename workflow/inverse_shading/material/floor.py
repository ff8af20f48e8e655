"""The error that no method can be expected to go below.

`base` and `base_color` are only visible as their products. Four inputs, three numbers: even who knows
the products exactly can only guess at the inputs. Mean and median of each input given the products
minimise squared and absolute error. The means are those of `products`; with m the largest product,

    median b = m · √(2 / (1 + m²)),   median c_i = p_i / median b.
"""

import numpy as np

from inverse_shading.material.parameters import BASE, BASE_COLOR
from inverse_shading.material.products import base_products, expected_base, expected_inverse_base


def posterior_means(values: np.ndarray) -> np.ndarray:
    """The least squared error that the products of base and base_color allow.

    Args:
        values: (n, 10) true parameters in [0, 1], columns as in `parameters.PARAMETERS`.

    Returns:
        The same, with base and base_color replaced by their means given the three products.
    """
    products, largest = _products(values)
    base_color = products * expected_inverse_base(_positive(largest))
    return _replace(values, expected_base(largest), base_color, largest)


def posterior_medians(values: np.ndarray) -> np.ndarray:
    """The least absolute error that the products allow; as `posterior_means`, with medians."""
    products, largest = _products(values)
    base = largest * np.sqrt(2 / (1 + largest**2))
    return _replace(values, base, products / _positive(base), largest)


def products_of_means(means: np.ndarray) -> np.ndarray:
    """The products p that have these posterior means: the inverse of `posterior_means`.

    For who was trained on squared error and therefore answers means, whose own products are brighter
    than the image's. From E[b] = 2m / (1 + m) follows m, and from it p_i = E[c_i] / E[1/b].

    Args:
        means: (n, 10) in [0, 1].

    Returns:
        float64 (n, 3) in [0, 1].
    """
    largest = means[:, [BASE]] / (2 - means[:, [BASE]])
    products = means[:, BASE_COLOR] / expected_inverse_base(_positive(largest))
    return np.clip(np.where(largest > 0, products, 0), 0, 1)


def _products(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    products = base_products(values)
    return products, products.max(axis=1, keepdims=True)


def _positive(largest: np.ndarray) -> np.ndarray:
    """1 in place of 0, which isn't divided by: there the caller has an answer of its own."""
    return np.where(largest > 0, largest, 1)


def _replace(
    values: np.ndarray, base: np.ndarray, base_color: np.ndarray, largest: np.ndarray
) -> np.ndarray:
    result = values.copy()
    result[:, [BASE]] = base
    # Products of zero (a base of zero) say nothing of the colour: its mean and median are a half.
    result[:, BASE_COLOR] = np.where(largest > 0, base_color, 0.5)
    return result
