"""The best model's answers for test images, refined: what the comparison and the report show."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from inverse_shading.dataset.labels import Labels
from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.evaluation.metrics import read_metrics, score, write_metrics
from inverse_shading.evaluation.predictions import sampled_test_images, write_predictions
from inverse_shading.inversion.calibration import read_calibration
from inverse_shading.inversion.known_images import Ten, known_pictures
from inverse_shading.inversion.refiner import Refiner
from inverse_shading.material.observable import guessed_materials
from inverse_shading.material.parameters import DECIMALS, PARAMETERS
from inverse_shading.runtime.artefacts import unusable, write_csv, write_json
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.jobs import logger, progress
from inverse_shading.runtime.resources import Resources
from inverse_shading.runtime.sections import Section, key
from inverse_shading.runtime.typed_json import read_section

# Of an estimate, what is kept of each image: ten numbers each, and one.
FOUND = ("material", "expected", "low", "high")
MEASURED = ("reasons", "rms", "guess_rms", "renders", "starts", "converged")


class RefinedImage(Section):
    """What was found of a test image; ten numbers in the order of `PARAMETERS`."""

    id: str = key("The image's.")
    true: Ten = key("Its inputs.")
    material: Ten = key("See `refiner.Estimate`, as all that follow.")
    expected: Ten
    low: Ten
    high: Ten
    reasons: dict[str, str | None]
    rms: float
    guess_rms: float
    renders: float
    starts: int
    converged: bool


class RefinedImages(Section):
    """A part of the refined test images."""

    model: str = key("Whose answers were refined.")
    images: list[RefinedImage] = key("In the order of their ids.")


def refine_test_images(
    output: str | Path,
    part: ImageRange,
    metrics: Mapping[str, str | Path],
    predictions: Mapping[str, str | Path],
    images: Sequence[str | Path],
    stage: str | Path,
    calibration: str | Path,
    config: Mapping,
    resources: Resources,
) -> None:
    """Refine what the best model says of a part of the first test images.

    The best model is the one with the lowest MSE on the validation images.

    Args:
        output: the JSON to write, see `RefinedImages`.
        part: places of the images among the first test images.
        metrics, predictions: of the models by name.
        images: arrays of framed images named RANGE.npy that hold them.
        stage: what the images were rendered on.
        calibration: written by `calibrate_stage.calibrate`.
        config: framing, the config's section: image_size, margin, filter; settings, its section
            `refinement`.
        resources: where to render.

    Raises:
        InputError: an input can't be read or doesn't fit the others, or nothing can render.
    """
    framing, settings = config["framing"], config["settings"]
    best = _best_model(metrics)
    identifiers, true, predicted = (
        of_all[part.first :] for of_all in sampled_test_images(predictions[best], part.last + 1)
    )
    guesses = guessed_materials(predicted)
    measured = read_calibration(calibration)
    content = []
    refiner = Refiner(stage, framing, settings, measured, resources.device, resources.threads)
    # With another number of BLAS's threads, sums have other last digits.
    with refiner, threadpool_limits(1):
        logger.info("%d images of %s refined on %s", len(true), best, refiner.driver)
        pictures = known_pictures(images, identifiers, refiner.weights)
        known = zip(identifiers, true, pictures, guesses, strict=True)
        for identifier, values, picture, guess in progress(known, len(true), "image"):
            estimate = refiner.refine(picture, guess)
            ten = {name: getattr(estimate, name).tolist() for name in FOUND}
            rest = {name: getattr(estimate, name) for name in MEASURED}
            one = {"id": identifier, "true": values.tolist(), **ten, **rest}
            content.append(RefinedImage(**one).model_dump())
    write_json(output, {"model": best, "images": content})


def join_refined_images(
    outputs: Mapping[str, str | Path], parts: Sequence[str | Path], interval: float
) -> None:
    """Bring the refined test images together, and score them.

    Args:
        outputs: the files to write. predictions: a predictions.csv with posterior means, the best
            guesses at the numbers. materials: the same with materials that look like the images.
            intervals: CSV of id; low, high and undetermined (the reason, or empty) by parameter; rms
            and guess_rms in levels of 255; renders; starts. metrics: JSON of model; refined, the
            model's name; splits.test, see `metrics.score`, of the means; material_mse; interval;
            coverage by parameter; medians of rms, guess_rms and renders; converged, the share of
            images.
        parts: written by `refine_test_images`, in order.
        interval: share of truths that intervals are meant to hold.

    Raises:
        InputError: a part can't be read, or refined another model's answers than the first.
    """
    read = {part: read_section(part, "refined images", RefinedImages) for part in parts}
    best = read[parts[0]].model
    for part, content in read.items():
        if content.model != best:
            raise unusable(part, f"found answers of {content.model}, expected those of {best}")
    images = [image for content in read.values() for image in content.images]
    true = np.array([image.true for image in images])
    values = pd.DataFrame(true, index=[image.id for image in images], columns=list(PARAMETERS))
    labels = Labels(values, np.full(len(true), "test"))
    write_predictions(outputs["predictions"], labels, np.array([one.expected for one in images]))
    write_predictions(outputs["materials"], labels, np.array([one.material for one in images]))
    _write_intervals(outputs["intervals"], images)
    write_metrics(outputs["metrics"], _metrics(best, true, images, interval))


def _best_model(metrics: Mapping[str, str | Path]) -> str:
    if not metrics:
        raise InputError("models: found none, expected at least one to refine the answers of.")
    errors = {}
    for name, path in metrics.items():
        try:
            errors[name] = float(read_metrics(path)["splits"]["validation"]["mse"])
        except (LookupError, TypeError, ValueError) as error:
            raise unusable(path, "found no validation MSE") from error
    return min(errors, key=errors.get)


def _write_intervals(path: str | Path, images: Sequence[RefinedImage]) -> None:
    columns = {"id": [image.id for image in images]}
    for place, name in enumerate(PARAMETERS):
        columns[f"{name}_low"] = [image.low[place] for image in images]
        columns[f"{name}_high"] = [image.high[place] for image in images]
        columns[f"{name}_undetermined"] = [image.reasons[name] for image in images]
    for name in ("rms", "guess_rms", "renders", "starts"):
        columns[name] = [getattr(image, name) for image in images]
    write_csv(path, columns, f"%.{DECIMALS}f")


def _metrics(best: str, true: np.ndarray, images: Sequence[RefinedImage], interval: float) -> dict:
    expected = np.array([image.expected for image in images])
    material = np.array([image.material for image in images])
    low = np.array([image.low for image in images])
    high = np.array([image.high for image in images])
    held = ((true >= low) & (true <= high)).mean(axis=0)
    medians = {
        f"{name}_median": float(np.median([getattr(image, name) for image in images]))
        for name in ("rms", "guess_rms", "renders")
    }
    return {
        "model": f"{best} + refinement",
        "refined": best,
        "splits": {"test": score(true, expected)},
        "material_mse": score(true, material)["mse"],
        "interval": interval,
        "coverage": dict(zip(PARAMETERS, held.tolist(), strict=True)),
        **medians,
        "converged": float(np.mean([image.converged for image in images])),
    }
