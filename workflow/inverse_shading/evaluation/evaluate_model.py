"""Evaluation of one model: predictions for every image, errors by split and parameter."""

from pathlib import Path

import numpy as np
import torch
from pydantic import ConfigDict
from torch import nn

from inverse_shading.dataset.data_files import DataFiles
from inverse_shading.dataset.labels import read_labels
from inverse_shading.dataset.rows import Rows
from inverse_shading.evaluation.metrics import score_splits, write_metrics
from inverse_shading.evaluation.predictions import write_predictions
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.network.devices import in_batches, place_rows, reuse_freed_memory, set_up
from inverse_shading.network.objectives.objective import Objective, answers, load_objective
from inverse_shading.network.settings import BatchSize, MaxEpochs
from inverse_shading.network.whole_network import load_network, open_inputs
from inverse_shading.runtime.artefacts import read_description, unusable
from inverse_shading.runtime.jobs import progress
from inverse_shading.runtime.resources import Resources
from inverse_shading.runtime.sections import Section, key
from inverse_shading.runtime.typed_json import read_section


class TrainingSummary(Section):
    """What metrics.json has of a training's summary."""

    model_config = ConfigDict(extra="ignore")

    parameter_count: int = key("Weights that were trained.", ge=0)
    epochs: MaxEpochs
    best_epoch: MaxEpochs
    seconds: float = key("Wall time of all epochs.", ge=0)
    device: str = key("Where it was trained.")
    batch_size: BatchSize


def evaluate_model(
    predictions: str | Path,
    metrics: str | Path,
    config: dict,
    weights: str | Path,
    summary: str | Path,
    trunk: str | Path,
    data: DataFiles,
    resources: Resources,
) -> None:
    """Let a trained model predict every image and score it.

    Args:
        predictions: CSV to write; see `predictions.write_predictions`.
        metrics: JSON to write: model, trunk, weights (where the trunk's come from, the size of images
            where they were made smaller, how many materials were streamed), precision (of the trunk's
            arithmetic), decoding (of bins, else null), splits (see `metrics.score`), parameter_count,
            epochs, best_epoch, seconds, device, batch_size (of the training), seed, threads, tuning.
        config: as for `train_model.train_model`, and `model` and `trunk`, the names of both. `tuning`:
            see `found_values.with_found_values`.
        weights, summary: as written by `train_model.train_model`.
        trunk: as written by `trunk_weights.prepare_trunk`.
        data: what the model was trained on.
        resources: where to predict.

    Raises:
        InputError: an input file is wrong, or the weights are another model's.
    """
    stages = config.get("trainable_stages", 0)
    place = set_up(resources.device, resources.threads, lenient=bool(stages))
    if stages:
        reuse_freed_memory(place)
    labels = read_labels(data.parameters, data.splits).learning_from(config.get("images"))
    network, description = load_network(weights)
    expected = {"head": config["head"], "objective": config["objective"]}
    rows = open_inputs(data.inputs, labels, config["architecture"], stages, config["precision"])
    image_size = config.get("image_size")
    if stages:
        expected |= {
            "trainable_stages": stages,
            "precision": config["precision"],
            "image_size": image_size,
        }
    else:
        expected["feature_shape"] = list(rows.shape)
    for name, value in expected.items():
        if description.get(name) != value:
            raise unusable(
                weights,
                f"found weights of a model with {name} {description.get(name)}, expected {value}",
            )
    training = read_section(summary, "a summary of a training", TrainingSummary)
    objective = load_objective(config["objective"], len(PARAMETERS))
    predicted, ends = _predict(network.to(place), objective, rows, training.batch_size, place)

    report = {
        "model": config["model"],
        "trunk": config["trunk"],
        "weights": read_description(trunk)["origin"],
        "precision": config["precision"],
        "decoding": config["objective"].get("decoding"),
        "splits": score_splits(labels.split, labels.values.to_numpy(), predicted),
    }
    if image_size is not None:
        report["weights"] += f", images of {image_size} px"
    if "stream" in config:
        report["weights"] += f", {config['stream']['renders']:,} streamed materials"
    report |= training.model_dump()
    report |= {"seed": config["seed"], "threads": resources.threads, "tuning": config.get("tuning")}
    write_predictions(predictions, labels, predicted, ends)
    write_metrics(metrics, report)


def _predict(
    network: nn.Module,
    objective: Objective,
    rows: Rows,
    batch_size: int,
    device: torch.device,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Predictions of all images, float32 (n, 10), and the ends of their intervals, (n, 2, 10).

    An objective without intervals has no ends.
    """

    def compute(first: int, last: int) -> np.ndarray:
        with torch.inference_mode():
            batch = place_rows(rows.rows(np.arange(first, last)), device)
            return answers(objective, network(batch)).cpu().numpy()

    batches = in_batches(len(rows), batch_size, compute)
    every, first = np.empty((0, 0, 0)), 0
    for batch in progress(batches, -(-len(rows) // batch_size), "batch"):
        if not first:
            # One array from the start: small ones that stay between the inputs of batches keep the
            # allocator from using their memory again, in the end twice the size of all features.
            every = np.empty((len(rows), *batch.shape[1:]), batch.dtype)
        every[first : first + len(batch)] = batch
        first += len(batch)
    return every[:, 0], every[:, 1:] if every.shape[1] > 1 else None
