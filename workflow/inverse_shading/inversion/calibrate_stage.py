"""A stage's calibration: known materials are refined, their intervals held against the truth."""

from collections.abc import Mapping
from pathlib import Path

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
        found = [
            refiner.spread(picture, refiner.solve(picture, None))
            for picture in progress(pictures, len(true), "image")
        ]
    write_calibration(output, measure_calibration(found, true, settings["interval"]))


def measure_known(refiner: Refiner, count: int, seed: int, level: float) -> Calibration:
    """The same for a stage without a data set, on images of materials drawn as a data set's are.

    Args:
        refiner: of the stage, uncalibrated.
        count: how many materials.
        seed: of their values.
        level: share of truths that intervals are to hold.
    """
    true = sample_parameters(ImageRange(0, count - 1), seed)
    found = []
    for values in progress(true, count, "material"):
        picture = as_picture(refiner.render(values), refiner.weights)
        found.append(refiner.spread(picture, refiner.solve(picture, None)))
    return measure_calibration(found, true, level)
