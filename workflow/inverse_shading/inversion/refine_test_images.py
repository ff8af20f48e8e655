"""The best model's answers for test images, refined: what the comparison and the report show."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from inverse_shading.dataset.labels import Labels
from inverse_shading.evaluation.metrics import read_metrics, score, write_metrics
from inverse_shading.evaluation.predictions import sampled_test_images, write_predictions
from inverse_shading.inversion.calibration import read_calibration
from inverse_shading.inversion.known_images import known_pictures
from inverse_shading.inversion.refiner import Estimate, Refiner
from inverse_shading.material.observable import guessed_materials
from inverse_shading.material.parameters import DECIMALS, PARAMETERS
from inverse_shading.runtime.artefacts import unusable, write_csv
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.jobs import logger, progress
from inverse_shading.runtime.resources import Resources


def refine_sample(
    outputs: Mapping[str, str | Path],
    metrics: Mapping[str, str | Path],
    predictions: Mapping[str, str | Path],
    images: Sequence[str | Path],
    stage: str | Path,
    calibration: str | Path,
    config: Mapping,
    resources: Resources,
) -> None:
    """Refine what the best model says of the first test images, and score it.

    The best model is the one with the lowest MSE on the validation images.

    Args:
        outputs: the files to write. predictions: a predictions.csv with posterior means, the best
            guesses at the numbers. materials: the same with materials that look like the images.
            intervals: CSV of id; low, high and undetermined (the reason, or empty) by parameter; rms
            and guess_rms in levels of 255; renders; starts. metrics: JSON of model; refined, the
            model's name; splits.test, see `metrics.score`, of the means; material_mse; interval;
            coverage by parameter; medians of rms, guess_rms and renders; converged, the share of
            images.
        metrics, predictions: of the models by name.
        images: arrays of framed images named RANGE.npy that hold the sample, see `sample`.
        stage: what the images were rendered on.
        calibration: written by `calibrate_stage.calibrate`.
        config: framing, the config's section: image_size, margin, filter; settings, its section
            `refinement`; count of test images to take, all if there are fewer.
        resources: where to render.

    Raises:
        InputError: an input can't be read or doesn't fit the others, or nothing can render.
    """
    framing, settings = config["framing"], config["settings"]
    best = _best_model(metrics)
    identifiers, true, predicted = sampled_test_images(predictions[best], config["count"])
    guesses = guessed_materials(predicted)
    estimates = []
    measured = read_calibration(calibration)
    with Refiner(
        stage, framing, settings, measured, resources.device, resources.threads
    ) as refiner:
        logger.info("%d images of %s refined on %s", len(true), best, refiner.driver)
        pictures = known_pictures(images, identifiers, refiner.weights)
        pairs = zip(pictures, guesses, strict=True)
        for picture, guess in progress(pairs, len(true), "image"):
            estimates.append(refiner.refine(picture, guess))
    values = pd.DataFrame(true, index=identifiers, columns=list(PARAMETERS))
    labels = Labels(values, np.full(len(true), "test"))
    write_predictions(outputs["predictions"], labels, np.array([e.expected for e in estimates]))
    write_predictions(outputs["materials"], labels, np.array([e.material for e in estimates]))
    _write_intervals(outputs["intervals"], identifiers, estimates)
    write_metrics(outputs["metrics"], _metrics(best, true, estimates, settings["interval"]))


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


def _write_intervals(
    path: str | Path, identifiers: Sequence[str], estimates: Sequence[Estimate]
) -> None:
    columns = {"id": identifiers}
    for place, name in enumerate(PARAMETERS):
        columns[f"{name}_low"] = [estimate.low[place] for estimate in estimates]
        columns[f"{name}_high"] = [estimate.high[place] for estimate in estimates]
        columns[f"{name}_undetermined"] = [estimate.reasons[name] for estimate in estimates]
    for name in ("rms", "guess_rms", "renders", "starts"):
        columns[name] = [getattr(estimate, name) for estimate in estimates]
    write_csv(path, columns, f"%.{DECIMALS}f")


def _metrics(best: str, true: np.ndarray, estimates: Sequence[Estimate], interval: float) -> dict:
    expected = np.array([estimate.expected for estimate in estimates])
    material = np.array([estimate.material for estimate in estimates])
    low = np.array([estimate.low for estimate in estimates])
    high = np.array([estimate.high for estimate in estimates])
    held = ((true >= low) & (true <= high)).mean(axis=0)
    medians = {
        f"{name}_median": float(np.median([getattr(estimate, name) for estimate in estimates]))
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
        "converged": float(np.mean([estimate.converged for estimate in estimates])),
    }
