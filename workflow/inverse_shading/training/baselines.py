"""Simple predictors that a model has to beat, and a bound that none can be expected to pass."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from inverse_shading.dataset.data_files import DataFiles
from inverse_shading.dataset.framed_images import open_images
from inverse_shading.dataset.labels import Labels, read_labels
from inverse_shading.dataset.ranges import parse_range
from inverse_shading.dataset.splits import SPLITS
from inverse_shading.evaluation.confidence import image_intervals
from inverse_shading.evaluation.metrics import image_errors, score_splits, write_metrics
from inverse_shading.evaluation.predictions import write_predictions
from inverse_shading.evaluation.predictor_names import BASELINES, FLOOR, RIDGE
from inverse_shading.material.floor import posterior_means, posterior_medians
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.jobs import logger, progress
from inverse_shading.runtime.resources import describe_processor


@dataclass(frozen=True)
class Answer:
    """What a baseline says.

    Attributes:
        predicted: (n, 10), of all images.
        facts: keys of metrics.json that it has values for.
        of_least_mae: (n, 10), what it would say to be judged by the absolute error; None for the same.
    """

    predicted: np.ndarray
    facts: dict = field(default_factory=dict)
    of_least_mae: np.ndarray | None = None


def fit_baseline(
    predictions: str | Path,
    metrics: str | Path,
    name: str,
    config: dict,
    data: DataFiles,
    threads: int,
) -> None:
    """Fit a baseline on the training images, predict every image, score it.

    Args:
        predictions, metrics: files to write, in the form of `evaluate_model.evaluate_model`. trunk and
            weights are "none"; what a baseline doesn't have (epochs, …) is null; ridge adds
            `penalty` and `penalties`, the errors by penalty, which are its trials in `tuning`. The
            metrics' mae of the floor is that of the posterior medians, and `mae_of` says so.
            `image_intervals` is as in `seeds.collect_seeds`.
        name: a key of `FITTERS`, whose functions say what each baseline is.
        config: `baselines`, the config's section, which only ridge reads.
        data: framed images, which only ridge reads, and their labels.
        threads: of the CPU.

    Raises:
        InputError: an input file is wrong, or the thumbnail's size doesn't divide the images'.
    """
    if name not in BASELINES:
        raise InputError(f"baseline: found {name!r}, expected one of {', '.join(BASELINES)}.")
    labels = read_labels(data.parameters, data.splits)
    thumbnails = None
    if name == RIDGE:
        size = config["baselines"]["thumbnail_size"]
        thumbnails = read_thumbnails(data.inputs, size, len(labels.split))
    start = time.monotonic()
    answer = FITTERS[name](labels, thumbnails, config, threads)
    seconds = round(time.monotonic() - start, 3)

    true = labels.values.to_numpy()
    scores = score_splits(labels.split, true, answer.predicted)
    squared, absolute = image_errors(true, answer.predicted)
    if answer.of_least_mae is not None:
        _take_absolute_errors(scores, score_splits(labels.split, true, answer.of_least_mae))
        _, absolute = image_errors(true, answer.of_least_mae)
    # The keys of a model's metrics.json, so that one reader suffices.
    report = {"model": name, "trunk": "none", "weights": "none", "splits": scores}
    report |= dict.fromkeys(("parameter_count", "epochs", "best_epoch", "tuning"))
    report |= {"seconds": seconds, "device": describe_processor(threads), "batch_size": None}
    report |= answer.facts
    report |= {"seed": None, "threads": threads}
    report["image_intervals"] = image_intervals(labels.split, squared, absolute)
    write_predictions(predictions, labels, answer.predicted)
    write_metrics(metrics, report)


def fit_constant(labels: Labels, *_) -> Answer:
    """The training images' mean of each parameter."""
    true = labels.values.to_numpy()
    mean = true[labels.split == "train"].mean(axis=0)
    return Answer(np.tile(mean, (len(true), 1)), {"parameter_count": len(mean)})


def fit_floor(labels: Labels, *_) -> Answer:
    """The best answer of one who knows all but how base and base_color share their products.

    See `products`: posterior means, and posterior medians for the absolute error.
    """
    true = labels.values.to_numpy()
    return Answer(posterior_means(true), {"mae_of": "posterior medians"}, posterior_medians(true))


def fit_ridge(labels: Labels, thumbnails: np.ndarray, config: dict, threads: int) -> Answer:
    """Linear regression with an L2 penalty on thumbnails; validation chooses the penalty.

    The intercept is unpenalised, and pixels are taken as they are: they share one unit. Predictions
    are clipped to [0, 1], where the parameters lie, as any user of them would.
    """
    penalties = config["baselines"]["ridge"]["penalties"]
    inputs = thumbnails.reshape(len(thumbnails), -1)
    train, validation, test = (labels.indices(name) for name in SPLITS)
    fits, tried = [], []
    with threadpool_limits(threads):
        for penalty in progress(penalties, len(penalties), "penalty"):
            model = Ridge(alpha=penalty, solver="cholesky")
            # Neighbouring pixels are all but equal: a small penalty needs all of float64's digits.
            model.fit(inputs[train].astype(np.float64), labels.targets[train])
            predicted = np.clip(model.predict(inputs), 0, 1)
            squared = np.square(predicted - labels.targets)
            error, test_error = (float(squared[rows].mean()) for rows in (validation, test))
            tried.append({"penalty": penalty, "validation_mse": error, "test_mse": test_error})
            fits.append((error, penalty, predicted, model.coef_.size + len(model.coef_)))
    error, penalty, predicted, count = min(fits, key=lambda fit: fit[0])
    logger.info("penalty %g, validation MSE %.5f", penalty, error)
    if len(penalties) > 1 and penalty in (min(penalties), max(penalties)):
        logger.warning("the chosen penalty %g is at the end of baselines.ridge.penalties", penalty)
    tuning = {"model": RIDGE, "trials": len(penalties), "images": len(labels.split)}
    tuning["values"] = {"penalty": penalty}
    facts = {"parameter_count": count, "penalty": penalty, "penalties": tried, "tuning": tuning}
    return Answer(predicted, facts)


FITTERS = {"constant": fit_constant, RIDGE: fit_ridge, FLOOR: fit_floor}


def read_thumbnails(images: Sequence[str | Path], size: int, count: int) -> np.ndarray:
    """Shrink the images of all ranges by averaging over square boxes of pixels.

    The averages are of sRGB-encoded values, as the networks see them.

    Returns:
        float32 (count, size, size, 3) in [0, 1].

    Raises:
        InputError: a file is wrong, there aren't `count` images, or `size` doesn't divide their side.
    """
    thumbnails = np.concatenate(
        [
            shrink_images(open_images(path, parse_range(Path(path).stem)), size)
            for path in progress(images, len(images), "shard")
        ]
    )
    if len(thumbnails) != count:
        raise InputError(
            f"Found {len(thumbnails)} images in {len(images)} files and {count} rows of "
            "parameters; expected the same ranges."
        )
    return thumbnails


def shrink_images(images: np.ndarray, size: int) -> np.ndarray:
    """Average uint8 (n, side, side, 3) over boxes to float32 (n, size, size, 3) in [0, 1].

    Raises:
        InputError: `size` doesn't divide the images' side.
    """
    count, side = images.shape[:2]
    if side % size:
        raise InputError(
            f"baselines.thumbnail_size: found {size}, expected a divisor of the images' side "
            f"({side} pixels)."
        )
    box = side // size
    boxes = images.reshape(count, size, box, size, box, 3)
    # Whole numbers have exact sums in any order.
    return (boxes.sum(axis=(2, 4), dtype=np.uint32) / (255 * box**2)).astype(np.float32)


def _take_absolute_errors(scores: dict, others: dict) -> None:
    """Replace the mae of `scores` by that of `others`, for every split and parameter."""
    for split, score in scores.items():
        score["mae"] = others[split]["mae"]
        for name, errors in score["parameters"].items():
            errors["mae"] = others[split]["parameters"][name]["mae"]
