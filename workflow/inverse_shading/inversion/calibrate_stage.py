"""A stage's calibration: known materials are refined, their intervals held against the truth."""

from collections.abc import Mapping
from pathlib import Path

from inverse_shading.dataset.data_files import DataFiles
from inverse_shading.inversion.calibration import measure_calibration, write_calibration
from inverse_shading.inversion.known_images import known_pictures, validation_materials
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
