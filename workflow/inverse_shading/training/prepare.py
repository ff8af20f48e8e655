"""A model before its first step: built with fresh weights, its inputs at hand."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import nn

from inverse_shading.dataset.labels import Labels
from inverse_shading.dataset.rows import ArrayRows, Rows, open_features
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.network.devices import halve_batch, place_rows, reuse_freed_memory
from inverse_shading.network.heads import Head, Standardise, build_head
from inverse_shading.network.objectives.objective import Objective, load_objective
from inverse_shading.network.trunks import load_trunk
from inverse_shading.network.whole_network import (
    FineTuned,
    feature_shape,
    open_inputs,
    place_inputs,
)
from inverse_shading.runtime.artefacts import unusable
from inverse_shading.runtime.jobs import logger, progress
from inverse_shading.training.loop import Examples, Task

# What comes out of a head's untrained part is kept in memory up to this many bytes; beyond, it is
# computed batch by batch. It changes the time only, not the result.
MEMORY_FOR_PREPARED_FEATURES = 4 << 30


@dataclass(frozen=True)
class Model:
    """A model ready to be trained.

    Attributes:
        task: what is trained, and on what.
        whole: what is kept in the end, with the task's network as a part of it or the same.
        description: how to build `whole` again.
    """

    task: Task
    whole: nn.Module
    description: dict


def prepare_model(
    config: dict,
    inputs: Sequence[str | Path],
    labels: Labels,
    device: torch.device,
    threads: int,
    trunk: str | Path | None = None,
) -> Model:
    """Build a model with fresh weights, and measure what is measured and not trained.

    Only training images are measured.

    Args:
        config, trunk: as for `train_model`.
        inputs: files of all ranges, see `DataFiles`.
        labels: of all images.
        device, threads: where it will be trained.

    Raises:
        InputError: an input file is wrong, or the head doesn't fit the features.
    """
    objective = load_objective(config["objective"], len(PARAMETERS))
    torch.manual_seed(config["seed"])
    if config.get("trainable_stages"):
        return _prepare_fine_tuned(config, inputs, labels, objective, device, trunk)
    return _prepare_frozen(config, inputs, labels, objective, threads)


def _prepare_frozen(
    config: dict,
    inputs: Sequence[str | Path],
    labels: Labels,
    objective: Objective,
    threads: int,
) -> Model:
    """A head on features. What comes out of its untrained part is kept if there is room for it."""
    shards = open_features(inputs, labels, config["precision"])
    head = build_head(config["head"], shards.shape, objective.outputs)
    train, batch_size = labels.indices("train"), config["training"]["batch_size"]
    if head.components is not None:
        values = _gather(shards, train, head.components.values)
        with threadpool_limits(threads):
            head.components.fit(values, config["seed"])
    network, rows, prepare = head, shards, head.prepare
    kept_bytes = 4 * len(shards) * int(np.prod(head.kept_shape))
    prepares = head.pooling is not None or head.components is not None
    if prepares and kept_bytes <= MEMORY_FOR_PREPARED_FEATURES:
        network, rows, prepare = (
            head.trained,
            _prepare_rows(head, shards, batch_size),
            nn.Identity(),
        )
    if head.standardise is not None:
        _standardise(head.standardise, prepare, rows, train, batch_size, torch.device("cpu"))
    task = Task(network, objective, _examples(rows, labels))
    return Model(task, head, describe(config, shards.shape, objective))


def _prepare_fine_tuned(
    config: dict,
    inputs: Sequence[str | Path],
    labels: Labels,
    objective: Objective,
    device: torch.device,
    trunk: str | Path,
) -> Model:
    """A trunk and its head on images or on what the frozen stages give, on the device."""
    reuse_freed_memory(device)
    architecture, stages = config["architecture"], config["trainable_stages"]
    precision, image_size = config["precision"], config.get("image_size")
    shards = open_inputs(inputs, labels, architecture, stages, precision)
    body = load_trunk(trunk)
    try:
        shape = feature_shape(body, architecture, stages, shards, image_size)
    except RuntimeError as error:
        raise unusable(
            inputs[0],
            f"found {shards.dtype} of shape {shards.shape} an image, expected what the last {stages} "
            f"stages of {architecture} take ({str(error).splitlines()[0]})",
        ) from error
    head = build_head(config["head"], shape, objective.outputs)
    network = FineTuned(body, architecture, stages, head, precision, image_size)
    network.to(device).eval()
    # How the weights lie decides how maps do. On a CPU kept outputs, whose maps are small and many, are
    # trained on a sixth faster with each map in one piece; all else is faster with channels last.
    if device.type == "cuda" or shards.dtype == np.uint8:
        network.to(memory_format=torch.channels_last)
    rows = place_inputs(shards, device)
    _standardise(
        head.standardise,
        lambda batch: head.prepare(network.features(batch)),
        rows,
        labels.indices("train"),
        config["training"]["batch_size"],
        device,
    )
    task = Task(network, objective, _examples(rows, labels), network.trunk_weights())
    description = describe(config, shape, objective)
    description |= {"trainable_stages": stages, "precision": precision}
    if image_size is not None:
        description["image_size"] = image_size
    return Model(task, network, description)


def _examples(rows: Rows, labels: Labels) -> Examples:
    train, validation = labels.indices("train"), labels.indices("validation")
    return Examples(rows, labels.targets, train, validation)


def describe(config: dict, shape: tuple[int, ...], objective: Objective) -> dict:
    """What the file of a head's weights says of them, see `settings.HeadDescription`."""
    return {
        "architecture": config["architecture"],
        "feature_shape": list(shape),
        "head": config["head"],
        "objective": config["objective"],
        "outputs": objective.outputs,
    }


def _gather(rows: Rows, indices: np.ndarray, values: int) -> np.ndarray:
    """Rows of these indices, flat and in float32: (len(indices), values)."""
    result = np.empty((len(indices), values), np.float32)
    for part in np.array_split(np.arange(len(indices)), math.ceil(len(indices) / 256)):
        result[part] = rows.rows(indices[part]).reshape(len(part), values)
    return result


@torch.no_grad()
def _prepare_rows(head: Head, rows: Rows, batch_size: int) -> ArrayRows:
    """Run the untrained part of a head once over all images."""
    logger.info("reducing features to %s an image", "x".join(map(str, head.kept_shape)))
    prepared = np.empty((len(rows), *head.kept_shape), np.float32)
    starts = range(0, len(rows), batch_size)
    for first in progress(starts, len(starts), "batch"):
        batch = np.arange(first, min(first + batch_size, len(rows)))
        prepared[batch] = head.prepare(torch.from_numpy(rows.rows(batch)).float()).numpy()
    return ArrayRows(prepared)


@torch.no_grad()
def _standardise(
    standardise: Standardise,
    prepare: Callable[[torch.Tensor], torch.Tensor],
    rows: Rows,
    train: np.ndarray,
    batch_size: int,
    device: torch.device,
) -> None:
    """Measure mean and scale of what `prepare` makes of the training images."""

    def sums(batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
        # On the CPU in float64, whatever the device.
        total = torch.zeros(standardise.mean.shape, dtype=torch.float64)
        squares = torch.zeros((), dtype=torch.float64)
        for batch in np.array_split(train, math.ceil(len(train) / batch_size)):
            features = prepare(place_rows(rows.rows(batch), device)).cpu()
            total += features.sum(dim=0)
            squares = squares + features.square().sum(dtype=torch.float64)
        return total, squares

    found = None
    while found is None:
        try:
            found = sums(batch_size)
        except torch.OutOfMemoryError:
            batch_size = halve_batch(batch_size)
    total, squares = found
    mean = total / len(train)
    variance = squares / (len(train) * mean.numel()) - mean.square().mean()
    standardise.mean.copy_(mean)
    # Features that never vary teach nothing, at any scale.
    standardise.factor.fill_(variance**-0.5 if variance > 0 else 1.0)
