"""Simple predictors that a model has to beat, and the bound that none can."""

import itertools
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits
from torch import nn

from inverse_shading.dataset.framed_images import open_images
from inverse_shading.dataset.labels import Labels, read_labels
from inverse_shading.dataset.ranges import parse_range
from inverse_shading.dataset.rows import ArrayRows
from inverse_shading.evaluation.confidence import image_intervals
from inverse_shading.evaluation.metrics import image_errors, score_splits, write_metrics
from inverse_shading.evaluation.predictions import write_predictions
from inverse_shading.evaluation.predictor_names import BASELINES
from inverse_shading.material.products import posterior_means, posterior_medians
from inverse_shading.network.devices import choose_device, describe_device, set_up
from inverse_shading.network.objectives import regression
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.jobs import logger, progress
from inverse_shading.training.loop import Examples, Fit, fit


def fit_perceptron(
    thumbnails: np.ndarray, labels: Labels, config: dict, seed: int, device: torch.device
) -> tuple[np.ndarray, int, Fit]:
    """Train [dense, ReLU] for each hidden size, dense, sigmoid, on the mean squared error.

    Args:
        thumbnails: float32 (n, side, side, 3) in [0, 1].
        labels: of the same images.
        config: hidden_sizes, and a training section's keys (see `loop.fit`).
        seed: of weights and batches.
        device: where to train.

    Returns:
        Predictions float32 (n, 10), the number of weights, how the training went.
    """
    train = labels.indices("train")
    inputs = thumbnails.reshape(len(thumbnails), -1)
    # Pixels about zero, each by the same amount: a dense layer learns faster from them.
    inputs = inputs - inputs[train].mean(axis=0)
    objective = regression.build({}, labels.targets.shape[1])
    torch.manual_seed(seed)
    sizes = [inputs.shape[1], *config["hidden_sizes"]]
    layers = [
        layer for pair in itertools.pairwise(sizes) for layer in (nn.Linear(*pair), nn.ReLU())
    ]
    network = nn.Sequential(*layers, nn.Linear(sizes[-1], objective.outputs))
    examples = Examples(ArrayRows(inputs), labels.targets, train, labels.indices("validation"))
    result = fit(network, objective, examples, config, seed, device)
    with torch.inference_mode():
        batches = [
            objective.decode(network(torch.from_numpy(rows).to(device)))["sigmoid"].cpu().numpy()
            for rows in np.array_split(inputs, -(-len(inputs) // result.batch_size))
        ]
    count = sum(weight.numel() for weight in network.parameters())
    return np.concatenate(batches), count, result


def fit_baseline(
    predictions: str | Path,
    metrics: str | Path,
    name: str,
    config: dict,
    images: Sequence[str | Path],
    parameters: Sequence[str | Path],
    splits: Sequence[str | Path],
    device: str,
    threads: int,
) -> None:
    """Fit a baseline on the training images, predict every image, score it.

    constant: the training images' mean of each parameter.
    ridge: linear regression with an L2 penalty on thumbnails; validation chooses the penalty.
    perceptron: dense layers on thumbnails; see `baselines.fit_perceptron`.
    floor: the best answer of one who knows all but how base and base_color share their products;
    see `floor`. The predictions are the posterior means; the metrics' mae is that of the medians, and
    `mae_of` says so.

    Args:
        predictions, metrics: files to write, in the form of `evaluate_model.evaluate_model`. trunk and
            weights are "none"; what a baseline doesn't have (epochs, …) is null; ridge adds
            `penalty`. `image_intervals` is as in `seeds.collect_seeds`.
        name: constant, ridge, perceptron or floor.
        config: seed; baselines, the config's section.
        images: arrays of framed images of all ranges; only ridge and perceptron read them.
        parameters, splits: CSV files of the same ranges, in the same order.
        device: auto, cpu or cuda, for the perceptron.
        threads: of the CPU.

    Raises:
        InputError: an input file is wrong, or the thumbnail's size doesn't divide the images'.
    """
    if name not in BASELINES:
        raise InputError(f"baseline: found {name!r}, expected one of {', '.join(BASELINES)}.")
    labels = read_labels(parameters, splits)
    true = labels.values.to_numpy()
    section = config["baselines"]
    absolute = None
    # The keys of a model's metrics.json, so that one reader suffices.
    facts = dict.fromkeys(("parameter_count", "epochs", "best_epoch"))
    place = choose_device("cpu")
    facts |= {"seconds": 0.0, "device": describe_device(place, threads), "batch_size": None}
    start = time.monotonic()
    if name == "constant":
        mean = true[labels.split == "train"].mean(axis=0)
        predicted = np.tile(mean, (len(true), 1))
        facts["parameter_count"] = len(mean)
    elif name == "floor":
        predicted, absolute = posterior_means(true), posterior_medians(true)
    else:
        thumbnails = read_thumbnails(images, section["thumbnail_size"])
        if len(thumbnails) != len(true):
            raise InputError(
                f"Found {len(thumbnails)} images in {len(images)} files and {len(true)} rows of "
                "parameters; expected the same ranges."
            )
        start = time.monotonic()
        if name == "ridge":
            predicted, more = _fit_ridge(thumbnails, labels, section["ridge"]["penalties"], threads)
        else:
            place = set_up(device, threads)
            predicted, count, fit = fit_perceptron(
                thumbnails, labels, section["perceptron"], config["seed"], place
            )
            more = {
                "parameter_count": count,
                "epochs": len(fit.history),
                "best_epoch": fit.best_epoch,
                "device": describe_device(place, threads),
                "batch_size": fit.batch_size,
            }
        facts |= more
    facts["seconds"] = round(time.monotonic() - start, 3)

    scores = score_splits(labels.split, true, predicted)
    by_image = image_errors(true, predicted)
    if absolute is not None:
        _take_absolute_errors(scores, score_splits(labels.split, true, absolute))
        by_image = by_image[0], image_errors(true, absolute)[1]
        facts["mae_of"] = "posterior medians"
    report = {"model": name, "trunk": "none", "weights": "none", "splits": scores, **facts}
    report |= {"seed": config["seed"], "threads": threads}
    report["image_intervals"] = image_intervals(labels.split, *by_image)
    write_predictions(predictions, labels, predicted)
    write_metrics(metrics, report)


def read_thumbnails(images: Sequence[str | Path], size: int) -> np.ndarray:
    """Shrink the images of all ranges by averaging over square boxes of pixels.

    The averages are of sRGB-encoded values, as the networks see them.

    Returns:
        float32 (n, size, size, 3) in [0, 1].

    Raises:
        InputError: a file is wrong, or `size` doesn't divide the images' side.
    """
    return np.concatenate(
        [
            shrink_images(open_images(path, parse_range(Path(path).stem)), size)
            for path in progress(images, len(images), "shard")
        ]
    )


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


def _fit_ridge(
    thumbnails: np.ndarray, labels: Labels, penalties: Sequence[float], threads: int
) -> tuple[np.ndarray, dict]:
    """Ridge regression with an unpenalised intercept, on pixels as they are: they share one unit.

    Predictions are clipped to [0, 1], where the parameters lie, as any user of them would.
    """
    inputs = thumbnails.reshape(len(thumbnails), -1)
    train, validation = labels.indices("train"), labels.indices("validation")
    fits = []
    with threadpool_limits(threads):
        for penalty in progress(penalties, len(penalties), "penalty"):
            model = Ridge(alpha=penalty, solver="cholesky")
            # Neighbouring pixels are all but equal: a small penalty needs all of float64's digits.
            model.fit(inputs[train].astype(np.float64), labels.targets[train])
            predicted = np.clip(model.predict(inputs), 0, 1)
            error = np.square(predicted[validation] - labels.targets[validation]).mean()
            fits.append((float(error), penalty, predicted, model.coef_.size + len(model.coef_)))
    error, penalty, predicted, count = min(fits, key=lambda fit: fit[0])
    logger.info("penalty %g, validation MSE %.5f", penalty, error)
    if len(penalties) > 1 and penalty in (min(penalties), max(penalties)):
        logger.warning("the chosen penalty %g is at the end of baselines.ridge.penalties", penalty)
    return predicted, {"parameter_count": count, "penalty": penalty}


def _take_absolute_errors(scores: dict, others: dict) -> None:
    """Replace the mae of `scores` by that of `others`, for every split and parameter."""
    for split, score in scores.items():
        score["mae"] = others[split]["mae"]
        for name, errors in score["parameters"].items():
            errors["mae"] = others[split]["parameters"][name]["mae"]
