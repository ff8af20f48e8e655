"""A stage's calibration: known materials are refined, their intervals held against the truth."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from inverse_shading.dataset.data_files import DataFiles
from inverse_shading.dataset.parameter_table import sample_parameters
from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.inversion.calibration import (
    Calibration,
    measure_calibration,
    write_calibration,
)
from inverse_shading.inversion.known_images import as_picture, known_pictures, validation_materials
from inverse_shading.inversion.refiner import Refiner
from inverse_shading.pictures.framed_picture import FramedPicture
from inverse_shading.runtime.jobs import logger, progress
from inverse_shading.runtime.resources import Resources


def calibrate(
    output: str | Path,
    stage: str | Path,
    data: DataFiles,
    config: Mapping,
    resources: Resources,
) -> None:
    """Refine the first validation images from fixed starts and measure how far off that is.

    No model has a part in it: where a search starts makes no difference to where it ends.

    Args:
        output: the JSON to write, see `calibration`.
        stage: what the images were rendered on.
        data: framed images and their labels.
        config: framing, the config's section: image_size, margin, filter; settings, its section
            `refinement`.
        resources: where to render.

    Raises:
        InputError: an input can't be read or doesn't fit the others, or nothing can render.
    """
    framing, settings = config["framing"], config["settings"]
    device, threads = resources.device, resources.threads
    count = settings["calibration_images"]
    identifiers, true = validation_materials(data.parameters, data.splits, count)
    with Refiner(stage, framing, settings, device=device, threads=threads) as refiner:
        logger.info("%d known materials on %s", len(true), refiner.driver)
        pictures = known_pictures(data.inputs, identifiers, refiner.weights)
        write_calibration(output, _measured(refiner, pictures, true, settings["interval"], "image"))


def measure_known(refiner: Refiner, count: int, seed: int, level: float) -> Calibration:
    """The same for a stage without a data set, on images of materials drawn as a data set's are.

    Args:
        refiner: of the stage, uncalibrated.
        count: how many materials.
        seed: of their values.
        level: share of truths that intervals are to hold.
    """
    true = sample_parameters(ImageRange(0, count - 1), seed)
    pictures = (as_picture(refiner.render(values), refiner.weights) for values in true)
    return _measured(refiner, pictures, true, level, "material")


def _measured(
    refiner: Refiner, pictures: Iterable[FramedPicture], true: np.ndarray, level: float, what: str
) -> Calibration:
    found, scores = [], []
    pairs = zip(pictures, true, strict=True)
    for picture, values in progress(pairs, len(true), what):
        solution = refiner.solve(picture, None)
        found.append(refiner.spread(picture, solution))
        # Of files that round, a whole frame hides least of what search and driver leave. A margin for
        # it is one for all. It is searched for as a user's picture is, since a second search from what
        # the first one found would leave less.
        whole = refiner.whole_frame(picture, values)
        scores.append(refiner.residual(whole, refiner.solve(whole, None)).score)
    return measure_calibration(found, true, level, scores)
