"""Training of one model: its head, on the kept features of its trunk."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from .checkpoints import Checkpoint
from .dataset import ArrayRows, FeatureShards, Rows, open_features, read_labels
from .devices import describe_device, set_up
from .files import read_seal, sealed_path, write_sealed_text
from .fitting import Examples, fit
from .heads import GridPool, Head, Standardise, build_head, parameter_count
from .jobs import logger, progress
from .objectives import load_objective
from .parameters import PARAMETERS
from .tensor_files import write_tensors

# Pooled features are kept in memory up to this many bytes; beyond, they are pooled batch by batch.
# It changes the time only, not the result.
MEMORY_FOR_POOLED_FEATURES = 4 << 30


def train_model(
    weights: str | Path,
    history: str | Path,
    summary: str | Path,
    checkpoint: str | Path,
    config: dict,
    features: Sequence[str | Path],
    parameters: Sequence[str | Path],
    splits: Sequence[str | Path],
    device: str,
    threads: int,
    checkpoint_seconds: float,
    code: Mapping[str, str],
) -> None:
    """Train a head and write its best weights and how that went.

    Two runs with the same arguments on the same processor write the same bytes, but for the seconds
    in `summary`, also when one of them was killed on the way and went on from its checkpoint.

    Args:
        weights: safetensors to write; see `heads.load_head` for its description.
        history: CSV to write, a row an epoch: epoch, learning_rate, train_loss, validation_loss,
            validation_mse.
        summary: JSON to write: parameter_count (trainable), epochs, best_epoch, seconds,
            seconds_per_epoch, device, batch_size (the one used).
        checkpoint: file to go on from if it is there, of this very training; removed in the end.
        config: seed, architecture, head, objective, training.
        features, parameters, splits: files of all ranges, in the same order.
        device: auto, cpu or cuda.
        threads: of the CPU.
        checkpoint_seconds: from one checkpoint to the next.
        code: digests of the code that trains; what other code has begun is not gone on with.

    Raises:
        InputError: an input file is wrong, or the training diverges.
        Stopped: the process was asked to stop; the checkpoint is written.
    """
    place = set_up(device, threads)
    labels = read_labels(parameters, splits)
    shards = open_features(features, labels)
    objective = load_objective(config["objective"], len(PARAMETERS))
    torch.manual_seed(config["seed"])
    head = build_head(config["head"], shards.shape, objective.outputs)
    train, validation = labels.indices("train"), labels.indices("validation")
    logger.info(
        "%d weights, %d training and %d validation images, on %s",
        parameter_count(head),
        len(train),
        len(validation),
        describe_device(place, threads),
    )

    batch_size = config["training"]["batch_size"]
    network, inputs = head, shards
    pooled_bytes = 4 * len(shards) * int(np.prod(head.pooled_shape))
    if head.pooling is not None and pooled_bytes <= MEMORY_FOR_POOLED_FEATURES:
        network, inputs = head.trained, _pool(head, shards, batch_size)
    pooling = head.pooling if network is head else None
    _standardise(head.standardise, pooling, inputs, train, batch_size)

    examples = Examples(inputs, labels.targets, train, validation)
    identity = {
        "config": config,
        "code": dict(code),
        "inputs": [read_seal(path) for path in (*features, *parameters, *splits)],
        "device": place.type,
        "threads": threads,
    }
    resumable = Checkpoint(checkpoint, identity, checkpoint_seconds)
    result = fit(network, objective, examples, config["training"], config["seed"], place, resumable)

    description = {
        "architecture": config["architecture"],
        "feature_shape": list(shards.shape),
        "head": config["head"],
        "objective": config["objective"],
        "outputs": objective.outputs,
    }
    write_tensors(weights, head.state_dict(), description)
    with sealed_path(history) as temporary:
        pd.DataFrame(result.history).to_csv(
            temporary, index=False, float_format="%.9g", lineterminator="\n"
        )
    epochs = len(result.history)
    report = {
        "parameter_count": parameter_count(head),
        "epochs": epochs,
        "best_epoch": result.best_epoch,
        "seconds": round(result.seconds, 3),
        "seconds_per_epoch": round(result.seconds / epochs, 6),
        "device": describe_device(place, threads),
        "batch_size": result.batch_size,
    }
    write_sealed_text(summary, json.dumps(report, indent=2) + "\n")
    resumable.remove()


@torch.no_grad()
def _pool(head: Head, shards: FeatureShards, batch_size: int) -> ArrayRows:
    """Pool the features of all images once: the pooling has nothing to learn."""
    logger.info("pooling features to %s an image", "x".join(map(str, head.pooled_shape)))
    pooled = np.empty((len(shards), *head.pooled_shape), np.float32)
    starts = range(0, len(shards), batch_size)
    for first in progress(starts, len(starts), "batch"):
        rows = np.arange(first, min(first + batch_size, len(shards)))
        pooled[rows] = head.pooling(torch.from_numpy(shards.rows(rows)).float()).numpy()
    return ArrayRows(pooled)


@torch.no_grad()
def _standardise(
    standardise: Standardise,
    pooling: GridPool | None,
    inputs: Rows,
    train: np.ndarray,
    batch_size: int,
) -> None:
    """Measure mean and scale of the training images' features, after `pooling` if there is one."""
    total = torch.zeros(standardise.mean.shape, dtype=torch.float64)
    squares = torch.zeros((), dtype=torch.float64)
    for rows in np.array_split(train, math.ceil(len(train) / batch_size)):
        features = torch.from_numpy(inputs.rows(rows)).float()
        if pooling is not None:
            features = pooling(features)
        total += features.sum(dim=0)
        squares = squares + features.square().sum(dtype=torch.float64)
    mean = total / len(train)
    variance = squares / (len(train) * mean.numel()) - mean.square().mean()
    standardise.mean.copy_(mean)
    # Features that never vary teach nothing, at any scale.
    standardise.factor.fill_(variance**-0.5 if variance > 0 else 1.0)
