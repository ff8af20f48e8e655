"""A stage's calibration: known materials are refined, their intervals held against the truth."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from inverse_shading.inversion.calibration import measure_calibration, write_calibration
from inverse_shading.inversion.known_images import known_pictures, validation_materials
from inverse_shading.inversion.refiner import Refiner
from inverse_shading.runtime.jobs import logger, progress


def calibrate(
    output: str | Path,
    stage: str | Path,
    images: Sequence[str | Path],
    parameters: Sequence[str | Path],
    splits: Sequence[str | Path],
    framing: Mapping,
    settings: Mapping,
    device: str | int,
    threads: int | None = None,
) -> None:
    """Refine the first validation images from fixed starts and measure how far off that is.

    No model has a part in it: where a search starts makes no difference to where it ends.

    Args:
        output: the JSON to write, see `calibration`.
        stage: what the images were rendered on.
        images, parameters, splits: files of the same ranges that hold the images.
        framing: the config's section: image_size, margin, filter.
        settings: the config's section `refinement`.
        device, threads: see `frames.Renderer`; on the CPU no number depends on the threads.

    Raises:
        InputError: an input can't be read or doesn't fit the others, or nothing can render.
    """
    identifiers, true = validation_materials(parameters, splits, settings["calibration_images"])
    with Refiner(stage, framing, settings, device=device, threads=threads) as refiner:
        logger.info("%d known materials on %s", len(true), refiner.driver)
        pictures = known_pictures(images, identifiers, refiner.weights)
        found = [
            refiner.spread(picture, refiner.solve(picture, None))
            for picture in progress(pictures, len(true), "image")
        ]
    write_calibration(output, measure_calibration(found, true, settings["interval"]))
