"""The ten shading parameters: their names, order and precision."""

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

# Places of the inputs of standard_surface among them.
BASE, BASE_COLOR, SPECULAR, ROUGHNESS, SPECULAR_COLOR, METALNESS = 0, [1, 2, 3], 4, 5, [6, 7, 8], 9

# A CSV, a JSON and a shader uniform must hold the same number; six decimals are finer than what a
# render can show (1/255) and than a float32 near 1 needs to be told from its neighbours in a plot.
DECIMALS = 6

# Errors of two answers that need no image, for values uniform in [0, 1]: the mean of (y - 1/2)^2, and
# of (y - z)^2 for a z just as uniform.
CONSTANT_MSE, RANDOM_MSE = 1 / 12, 1 / 6
