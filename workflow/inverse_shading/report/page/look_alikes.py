"""Materials that look like a given one and differ: what the page walks along and has buttons for."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from inverse_shading.inversion.alternatives import different_materials
from inverse_shading.inversion.posterior import Draws
from inverse_shading.material.observable import observables, unknowns
from inverse_shading.material.parameters import DECIMALS
from inverse_shading.render.unrounded import UnroundedRenderer
from inverse_shading.runtime.jobs import progress
from inverse_shading.runtime.resources import Resources

# As many as there are corners of what never shows: base and specular, each at its least and its most.
COUNT = 4


def look_alikes(
    materials: np.ndarray, stage: str | Path, framing: Mapping, resources: Resources
) -> list[np.ndarray]:
    """For each material, others whose render is the same within the rounding to bytes.

    Each was rendered, and so was what is half as far where it looked different: see
    `alternatives.different_materials`. Base and specular are taken as far as they can go while what
    they are multiplied by makes up for it.

    Args:
        materials: (n, 10) in [0, 1].
        stage: that shows them, see `make_stage.write_stage`.
        framing: the config's section: image_size, margin, filter.
        resources: where to render.

    Returns:
        n arrays (k, 10) of at most `parameters.DECIMALS` decimals; k is from 0 to 4.

    Raises:
        InputError: the stage can't be read, or nothing can render.
    """
    # No search: any stride does.
    renderer = UnroundedRenderer(stage, framing, 1, resources.device, resources.threads)
    try:
        return [
            _of_one(values, renderer) for values in progress(materials, len(materials), "material")
        ]
    finally:
        renderer.close()


def _of_one(values: np.ndarray, renderer: UnroundedRenderer) -> np.ndarray:
    known = Draws(observables(unknowns(values))[None], values[None], values)
    found = different_materials(known, values, renderer.image, renderer.weights > 0.5, COUNT)
    return np.reshape(found, (-1, len(values))).round(DECIMALS)
