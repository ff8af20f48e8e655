"""What an image can show of a material: nine numbers instead of ten.

`standard_surface` uses `base` and `base_color` only as their products p, and `specular_color` only
as its products q with `specular`; `specular` itself also dims what is under the reflection, a little.
So an image is a function of

    u = (p_r, p_g, p_b, q_r, q_g, q_b, specular, specular_roughness, metalness)

with 0 ≤ p ≤ 1 and 0 ≤ q ≤ specular ≤ 1. Inputs independent and uniform in [0, 1] give u the density
(changes of variables as in `products`, Jacobians base⁻³ and specular⁻³)

    f(u) ∝ (max(p)⁻² − 1) / 2 · specular⁻³.

While a material is sought, `base` is 1 and the unknowns are the other nine inputs x; q ≤ specular is
then no constraint of its own.
"""

import numpy as np

from inverse_shading.material.floor import products_of_means
from inverse_shading.material.parameters import (
    BASE,
    BASE_COLOR,
    METALNESS,
    PARAMETERS,
    ROUGHNESS,
    SPECULAR,
    SPECULAR_COLOR,
)
from inverse_shading.material.products import base_products, expected_base

# Places in u.
U_PRODUCTS, U_TINTS, U_SPECULAR, U_ROUGHNESS, U_METALNESS = slice(0, 3), slice(3, 6), 6, 7, 8
UNKNOWNS = 9

# Places in x, which are those among the ten inputs without the first, `base`.
X_BASE_COLOR = [place - 1 for place in BASE_COLOR]
X_SPECULAR_COLOR = [place - 1 for place in SPECULAR_COLOR]
X_SPECULAR, X_ROUGHNESS, X_METALNESS = SPECULAR - 1, ROUGHNESS - 1, METALNESS - 1

# Below this a reflection is too weak for its colour to be divided out of it.
LEAST_SPECULAR = 0.05

# A darker product than this is taken for it where it is divided by.
DARKEST = 1e-4


def unknowns(values: np.ndarray) -> np.ndarray:
    """x (…, 9) of materials (…, 10): base is multiplied into base_color."""
    values = np.asarray(values, dtype=np.float64)
    return np.concatenate([base_products(values), values[..., SPECULAR:]], axis=-1)


def with_base_of_one(x: np.ndarray) -> np.ndarray:
    """Materials (…, 10) of x (…, 9)."""
    return np.concatenate([np.ones((*x.shape[:-1], 1)), x], axis=-1)


def observables(x: np.ndarray) -> np.ndarray:
    """u (…, 9) of x (…, 9). What stands after the nine stays, here and in the derivatives."""
    return np.concatenate(
        [
            x[..., X_BASE_COLOR],
            x[..., X_SPECULAR_COLOR] * x[..., X_SPECULAR, None],
            x[..., X_SPECULAR : X_ROUGHNESS + 1],
            x[..., X_METALNESS:],
        ],
        axis=-1,
    )


def observables_derivative(x: np.ndarray) -> np.ndarray:
    """du/dx at x: (9, 9), a row a component of u."""
    derivative = np.diag((np.arange(len(x)) >= UNKNOWNS).astype(float))
    derivative[U_PRODUCTS, X_BASE_COLOR] = np.eye(3)
    derivative[U_TINTS, X_SPECULAR_COLOR] = np.eye(3) * x[X_SPECULAR]
    derivative[U_TINTS, X_SPECULAR] = x[X_SPECULAR_COLOR]
    derivative[U_SPECULAR, X_SPECULAR] = 1
    derivative[U_ROUGHNESS, X_ROUGHNESS] = 1
    derivative[U_METALNESS, X_METALNESS] = 1
    return derivative


def unknowns_derivative(x: np.ndarray) -> np.ndarray:
    """dx/du at x: (9, 9), a row an unknown x. `specular` must be at least LEAST_SPECULAR."""
    derivative = np.diag((np.arange(len(x)) >= UNKNOWNS).astype(float))
    derivative[X_BASE_COLOR, U_PRODUCTS] = np.eye(3)
    derivative[X_SPECULAR_COLOR, U_TINTS] = np.eye(3) / x[X_SPECULAR]
    derivative[X_SPECULAR_COLOR, U_SPECULAR] = -x[X_SPECULAR_COLOR] / x[X_SPECULAR]
    derivative[X_SPECULAR, U_SPECULAR] = 1
    derivative[X_ROUGHNESS, U_ROUGHNESS] = 1
    derivative[X_METALNESS, U_METALNESS] = 1
    return derivative


def divisible(x: np.ndarray) -> np.ndarray:
    """x with its specular raised to LEAST_SPECULAR, and the colour lowered to the same products.

    Where it isn't below, x to the last bit: what was rendered there is known.
    """
    result = x.copy()
    if x[X_SPECULAR] >= LEAST_SPECULAR:
        return result
    result[X_SPECULAR] = LEAST_SPECULAR
    result[X_SPECULAR_COLOR] = x[X_SPECULAR_COLOR] * x[X_SPECULAR] / LEAST_SPECULAR
    return result


def log_density(products: np.ndarray, specular: np.ndarray) -> np.ndarray:
    """Logarithm of f(u) within its bounds, up to a constant: (…) of products (…, 3), specular (…)."""
    brightest = np.clip(products.max(axis=-1), DARKEST, 1 - DARKEST)
    return np.log(brightest**-2 - 1) - 3 * np.log(np.maximum(specular, DARKEST))


def materials(u: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Materials (…, 10) that show u (…, 9) with this `base` (…).

    Where base or specular is 0 the colour under it can't be seen: it is 1/2.
    """
    values = np.empty((*u.shape[:-1], len(PARAMETERS)))
    values[..., BASE] = base
    values[..., BASE_COLOR] = _quotient(u[..., U_PRODUCTS], np.asarray(base)[..., None])
    values[..., SPECULAR], values[..., ROUGHNESS] = u[..., U_SPECULAR], u[..., U_ROUGHNESS]
    values[..., SPECULAR_COLOR] = _quotient(u[..., U_TINTS], u[..., U_SPECULAR, None])
    values[..., METALNESS] = u[..., U_METALNESS]
    return np.clip(values, 0, 1)


def guessed_materials(values: np.ndarray) -> np.ndarray:
    """Materials (n, 10) that look as a network means that answers posterior means (n, 10).

    base stays, and base_color is lowered so that their product is the image's.
    """
    values = np.clip(values, 0, 1)
    products = products_of_means(values)
    result = values.copy()
    base = np.maximum(values[:, [BASE]], products.max(axis=1, keepdims=True))
    result[:, [BASE]], result[:, BASE_COLOR] = base, _quotient(products, base)
    return result


def mean_base(u: np.ndarray) -> np.ndarray:
    """E[base | p] (…) of u (…, 9), see `products`."""
    return expected_base(u[..., U_PRODUCTS].max(axis=-1))


def draw_base(u: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Quantiles of base given p: the inverse of its distribution, of density ∝ base⁻³ on [max(p), 1].

    Args:
        u: (…, 9).
        shares: (…) in [0, 1].
    """
    brightest = np.maximum(u[..., U_PRODUCTS].max(axis=-1), DARKEST)
    return (brightest**-2 - shares * (brightest**-2 - 1)) ** -0.5


def _quotient(products: np.ndarray, factor: np.ndarray) -> np.ndarray:
    factor = np.broadcast_to(factor, products.shape)
    return np.divide(products, factor, out=np.full(products.shape, 0.5), where=factor > 0)
