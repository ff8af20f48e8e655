"""A stage, framing and settings small enough for materials to be sought within tests."""

import numpy as np

from inverse_shading.pictures.framed_picture import FramedPicture
from inverse_shading.scene.make_stage import write_stage
from tests.support.project import write_ball

SIZE = 96
STAGE = {
    "environment": "builtin",
    "camera": {"azimuth": 0.0, "elevation": 20.0, "field_of_view": 25.0, "fill": 0.95},
    "background": [0.42, 0.43, 0.45],
}
FRAMING = {"image_size": 48, "margin": 0.04, "filter": "lanczos"}
SETTINGS = {
    "stride": 2,
    "step": 0.005,
    "tolerance": 1.0,
    "restarts": 2,
    "interval": 0.8,
    "doubtful": 0.01,
    "denied": 0.001,
    "misfit_scale": 25.0,
    "misfit_margin": 0.1,
}
# base, base_color, specular, roughness, specular_color, metalness: two dielectrics and a metal.
MATERIALS = np.array(
    [
        [0.8, 0.7, 0.4, 0.2, 0.7, 0.3, 0.9, 0.6, 0.7, 0.1],
        [0.6, 0.3, 0.5, 0.8, 0.5, 0.6, 0.5, 0.9, 0.6, 0.3],
        [0.9, 0.8, 0.6, 0.4, 0.6, 0.25, 0.5, 0.6, 0.7, 0.9],
    ]
)


def make_small_stage(folder, size=SIZE):
    """Write the stage into a folder and say where.

    A ball, since the smallest things of the shader ball are smaller than these pixels.
    """
    path, mesh = folder / "stage.safetensors", folder / "ball.obj"
    write_ball(mesh, rings=32, sectors=48)
    write_stage(path, STAGE | {"mesh": str(mesh)}, size, 4, "cpu")
    return path


def framed(image, weights):
    """A picture of the data set's form, compared where the object is."""
    pixels = np.array(image)
    shown = (weights > 0).astype(np.float32)
    return FramedPicture(pixels, pixels.astype(np.float32), shown, "srgb", "framed", 1.0)
