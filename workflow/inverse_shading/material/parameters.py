"""The ten shading parameters: names, sampling, and the table that holds them."""

# Inputs of MaterialX standard_surface in the poster's order; colours by channel, linear, in [0, 1].
PARAMETERS = (
    "base",
    "base_color_r",
    "base_color_g",
    "base_color_b",
    "specular",
    "specular_roughness",
    "specular_color_r",
    "specular_color_g",
    "specular_color_b",
    "metalness",
)

# A CSV, a JSON and a shader uniform must hold the same number; six decimals are finer than what a
# render can show (1/255) and than a float32 near 1 needs to be told from its neighbours in a plot.
DECIMALS = 6

# Errors of two answers that need no image, for values uniform in [0, 1]: the mean of (y - 1/2)^2, and
# of (y - z)^2 for a z just as uniform.
CONSTANT_MSE, RANDOM_MSE = 1 / 12, 1 / 6
