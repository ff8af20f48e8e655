"""The trainings of one model from several seeds, brought together: means, intervals, one of them."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from inverse_shading.dataset.splits import SPLITS
from inverse_shading.evaluation.confidence import half_width, image_intervals
from inverse_shading.evaluation.metrics import (
    image_errors,
    read_metrics,
    score_splits,
    write_metrics,
)
from inverse_shading.evaluation.predictions import Predictions, read_all_predictions
from inverse_shading.runtime.artefacts import unusable
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import check_seal, sealed_path
from inverse_shading.runtime.jobs import logger

# What one seed's training and evaluation wrote and what is kept of one of them; metrics are averaged.
COPIED = ("weights", "history", "summary", "predictions")

# Keys of metrics.json: what is trained; numbers that have a mean; how it was done.
NAMED = ("model", "trunk", "weights", "precision", "decoding")
AVERAGED = ("parameter_count", "epochs", "best_epoch", "seconds")
STATED = ("device", "batch_size", "threads")


def collect_seeds(
    outputs: Mapping[str, str | Path],
    inputs: Mapping[str, Sequence[str | Path]],
    seeds: Sequence[int],
) -> None:
    """Write one model's files from those of its seeds.

    Weights, history, summary and predictions are those of the seed with the lowest validation MSE
    (the first of equals), so that they stay one whole, usable model. Its metrics.json holds

    - model, trunk, weights, precision, decoding, splits, parameter_count, epochs, best_epoch, seconds,
      device, batch_size, threads: as of one seed (see `evaluate_model.evaluate_model`), numbers being
      means over seeds, and devices and the like that differ joined by "/";
    - tuning: that of every seed;
    - chosen_seed: the one whose files are kept;
    - seeds: the metrics of each, as they are;
    - intervals: {split: {mse, mae}}, half-widths of the 95 % interval over seeds: how far the mean
      depends on initial weights, batches and dropout; None with one seed;
    - image_intervals: the same over images, of the error that is the mean over seeds: how far it
      depends on which images were drawn;
    - ensemble (from two seeds on): splits and image_intervals of the mean of the seeds' predictions.

    Args:
        outputs: the files to write: weights, history, summary, predictions, metrics.
        inputs: the files of every seed under the same names, each in the order of `seeds`.
        seeds: at least one.

    Raises:
        InputError: a file is missing or damaged, metrics are of another seed, form, model, trunk,
            precision or decoding, or the seeds' predictions are of other images than each other.
    """
    metrics = _read_all_metrics(inputs["metrics"], seeds)
    predictions = _read_all_predictions(inputs["predictions"])
    validation = [one["splits"]["validation"]["mse"] for one in metrics]
    chosen = int(np.argmin(validation))
    logger.info("kept is seed %d, validation MSE %.5f", seeds[chosen], validation[chosen])

    report = {key: metrics[0][key] for key in NAMED}
    report["splits"] = _mean([one["splits"] for one in metrics])
    report |= {key: _mean([one[key] for one in metrics]) for key in AVERAGED}
    report |= {key: _common(metrics, key) for key in STATED}
    report |= {"tuning": metrics[0]["tuning"], "chosen_seed": seeds[chosen], "seeds": metrics}
    report["intervals"] = {
        split: {
            error: half_width([one["splits"][split][error] for one in metrics])
            for error in ("mse", "mae")
        }
        for split in SPLITS
    }
    report["image_intervals"] = _image_intervals(predictions)
    if len(seeds) > 1:
        first = predictions[0]
        mean = np.mean([one.predicted for one in predictions], axis=0)
        report["ensemble"] = {
            "splits": score_splits(first.split, first.true, mean),
            "image_intervals": image_intervals(first.split, *image_errors(first.true, mean)),
        }

    for name in COPIED:
        _copy(inputs[name][chosen], outputs[name])
    write_metrics(outputs["metrics"], report)


def _read_all_metrics(paths: Sequence[str | Path], seeds: Sequence[int]) -> list[dict]:
    metrics = [read_metrics(path) for path in paths]
    for path, one, seed in zip(paths, metrics, seeds, strict=True):
        if one.get("seed") != seed:
            raise unusable(path, f"found metrics of the seed {one.get('seed')}, expected {seed}")
        for key in NAMED:
            if one.get(key) != metrics[0].get(key):
                raise unusable(
                    path,
                    f"found metrics of the {key} {one.get(key)}, expected {metrics[0].get(key)} as in "
                    f"{paths[0]}",
                )
        if one.get("tuning") != metrics[0].get("tuning"):
            raise unusable(path, f"found a model that was tuned otherwise than in {paths[0]}")
        needed = {*NAMED, "splits", *AVERAGED, *STATED, "tuning"}
        if _form(one) != _form(metrics[0]) or not needed <= set(one):
            raise unusable(
                path, f"found metrics of another form than {paths[0]}, or not all of them"
            )
    return metrics


def _read_all_predictions(paths: Sequence[str | Path]) -> list[Predictions]:
    predictions = [read_all_predictions(path) for path in paths]
    for path, one in zip(paths, predictions, strict=True):
        if not one.is_of_images_of(predictions[0]):
            raise InputError(
                f"{path}: found predictions of other images than {paths[0]}, expected the same ones "
                "in the same splits. Delete both and run the same command again to make them anew."
            )
    return predictions


def _form(value: object) -> object:
    """The keys of a value, of those under them, and so on."""
    return {key: _form(item) for key, item in value.items()} if isinstance(value, dict) else None


def _mean(values: list) -> object:
    """The mean of numbers, or of dicts of numbers key by key; None where a value is None."""
    first = values[0]
    if isinstance(first, dict):
        return {key: _mean([value[key] for value in values]) for key in first}
    if all(value == first for value in values):
        # As it is: a count stays a whole number.
        return first
    return None if None in values else float(np.mean(values))


def _common(metrics: Sequence[Mapping], key: str) -> object:
    """The value that all have; different ones joined by "/", each once, in the seeds' order."""
    values = list(dict.fromkeys(one[key] for one in metrics))
    return values[0] if len(values) == 1 else "/".join(map(str, values))


def _image_intervals(predictions: Sequence[Predictions]) -> dict:
    errors = np.mean([image_errors(one.true, one.predicted) for one in predictions], axis=0)
    return image_intervals(predictions[0].split, *errors)


def _copy(source: str | Path, target: str | Path) -> None:
    check_seal(source)
    with sealed_path(target) as temporary:
        shutil.copyfile(source, temporary)
