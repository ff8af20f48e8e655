"""Products of a weight and its colour, and what those of the base say of its factors.

`standard_surface` uses `base` b and `base_color` c₁, c₂, c₃ in no other way than as p_i = b·c_i
(diffuse albedo and metal reflectivity). With b and c_i independent and uniform in [0, 1], and
m = max p_i, the density of b given the products follows from the change of variables c_i = p_i / b,
whose Jacobian is 1 / b for each channel:

    f(b | p) ∝ b⁻³ on [m, 1].

Its means, of which E[c_i] = p_i · E[1/b]:

    E[b]    = 2m / (1 + m)
    E[1/b]  = 2 (1 + m + m²) / (3 m (1 + m))

All functions take arrays of NumPy or tensors of torch alike, and return the same.
"""

from inverse_shading.material.parameters import BASE, BASE_COLOR, SPECULAR, SPECULAR_COLOR


def base_products(values):
    """base · base_color (…, 3) of materials (…, 10)."""
    return values[..., [BASE]] * values[..., BASE_COLOR]


def specular_products(values):
    """specular · specular_color (…, 3) of materials (…, 10)."""
    return values[..., [SPECULAR]] * values[..., SPECULAR_COLOR]


def expected_base(largest):
    """E[b] of the largest product m in [0, 1]."""
    return 2 * largest / (1 + largest)


def expected_inverse_base(largest):
    """E[1/b] of the largest product m in (0, 1]."""
    return 2 * (1 + largest + largest**2) / (3 * largest * (1 + largest))
