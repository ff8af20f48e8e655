"""The training loop: AdamW, a learning-rate schedule, early stopping, the best weights kept."""

import copy
import math
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from .dataset import Rows
from .devices import halve_batch
from .errors import InputError
from .jobs import SECONDS_BETWEEN_REPORTS, logger
from .objectives import Objective


@dataclass(frozen=True)
class Examples:
    """Inputs and targets of all images, and which of them are trained and chosen on.

    Attributes:
        inputs: an image a row.
        targets: float32 (n, parameters), in [0, 1].
        train, validation: indices of rows.
    """

    inputs: Rows
    targets: np.ndarray
    train: np.ndarray
    validation: np.ndarray


@dataclass(frozen=True)
class Fit:
    """How a training went.

    Attributes:
        history: a dict an epoch: epoch (from 1), learning_rate (of its last step), train_loss (mean
            over its steps), validation_loss, validation_mse (of the best decoding).
        best_epoch: the one with the lowest validation_mse, whose weights the network has.
        batch_size: the one used in the end.
        seconds: wall time of all epochs.
    """

    history: list[dict]
    best_epoch: int
    batch_size: int
    seconds: float


def fit(
    network: nn.Module,
    objective: Objective,
    examples: Examples,
    config: dict,
    seed: int,
    device: torch.device,
) -> Fit:
    """Train a network in place and leave it, on `device`, with the weights of its best epoch.

    The best epoch is that of the lowest validation MSE, which for regression is the loss itself. A
    cross-entropy over many bins starts to overfit long before the values that are read off it do.

    The same arguments give the same bits on the same machine with the same number of threads.

    Args:
        network: from float32 inputs to outputs, with its initial weights.
        objective: the meaning of the outputs.
        examples: what to train on.
        config: a `training` section: batch_size, max_epochs, learning_rate (the schedule's peak),
            schedule (one_cycle, cosine or constant, stepped by batch over max_epochs),
            weight_decay, patience.
        seed: of batches and dropout.
        device: where to train.

    Raises:
        InputError: the loss stops being finite, or the GPU can't hold a single image.
    """
    network.to(device)
    initial = copy.deepcopy(network.state_dict())
    batch_size = config["batch_size"]
    while True:
        try:
            return _fit(network, objective, examples, config, batch_size, seed, device)
        except torch.OutOfMemoryError:
            batch_size = halve_batch(batch_size)
        # Outside the except clause, whose traceback keeps the failed try in memory.
        network.load_state_dict(initial)


def _fit(
    network: nn.Module,
    objective: Objective,
    examples: Examples,
    config: dict,
    batch_size: int,
    seed: int,
    device: torch.device,
) -> Fit:
    _refuse_single_rows(network, batch_size)
    torch.manual_seed(seed)
    steps = math.ceil(len(examples.train) / batch_size)
    epochs = config["max_epochs"]
    # The fused form updates all weights in one pass over memory; on heads of millions of weights
    # the step is otherwise as slow as the gradient.
    optimiser = torch.optim.AdamW(
        network.parameters(),
        lr=config["learning_rate"],
        weight_decay=config["weight_decay"],
        fused=True,
    )
    schedule = _build_schedule(optimiser, config, steps * epochs)
    history: list[dict] = []
    best = (math.inf, 0, {})
    start = time.monotonic()
    reports = _Reports(start)
    for epoch in range(1, epochs + 1):
        order = np.random.default_rng([seed, epoch]).permutation(examples.train)
        network.train()
        total = torch.zeros((), device=device)
        # Equal batches but for one row: a rest of a single row would break batch norm.
        for step, rows in enumerate(np.array_split(order, steps)):
            inputs, targets = _load(examples, rows, device)
            rate = schedule.get_last_lr()[0]
            optimiser.zero_grad()
            loss = objective.loss(network(inputs), targets)
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.detach() * len(rows)
            reports.step(epoch, epochs, step + 1, steps)
        row = {
            "epoch": epoch,
            "learning_rate": rate,
            "train_loss": float(total) / len(order),
            **_validate(network, objective, examples, batch_size, device),
        }
        _refuse_divergence(row, config["learning_rate"])
        history.append(row)
        if row["validation_mse"] < best[0]:
            best = (row["validation_mse"], epoch, copy.deepcopy(network.state_dict()))
        stopping = epoch - best[1] >= config["patience"]
        reports.epoch(row, epochs, last=stopping or epoch == epochs)
        if stopping:
            logger.info(
                "stopped: no better validation MSE in %d epochs; the best was epoch %d",
                config["patience"],
                best[1],
            )
            break
    network.load_state_dict(best[2])
    network.eval()
    return Fit(history, best[1], batch_size, time.monotonic() - start)


def _load(
    examples: Examples, rows: np.ndarray, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and targets of some rows as float32 on the device; they travel as they are stored."""
    inputs = torch.from_numpy(examples.inputs.rows(rows)).to(device).float()
    return inputs, torch.from_numpy(examples.targets[rows]).to(device)


@torch.no_grad()
def _validate(
    network: nn.Module,
    objective: Objective,
    examples: Examples,
    batch_size: int,
    device: torch.device,
) -> dict[str, float]:
    network.eval()
    rows = examples.validation
    loss = 0.0
    errors: dict[str, float] = {}
    for first in range(0, len(rows), batch_size):
        batch = rows[first : first + batch_size]
        inputs, targets = _load(examples, batch, device)
        outputs = network(inputs)
        loss += float(objective.loss(outputs, targets)) * len(batch)
        for name, values in objective.decode(outputs).items():
            error = float((values - targets).square().mean()) * len(batch)
            errors[name] = errors.get(name, 0.0) + error
    return {
        "validation_loss": loss / len(rows),
        "validation_mse": min(errors.values()) / len(rows),
    }


def _build_schedule(
    optimiser: torch.optim.Optimizer, config: dict, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """The course of the learning rate over `steps` steps.

    one_cycle is Smith and Topin's (2018, https://arxiv.org/abs/1708.07120) with PyTorch's shares:
    up from 1/25 of the peak in three tenths of the steps, then down to nothing.
    """
    rate, name = config["learning_rate"], config["schedule"]
    schedules = torch.optim.lr_scheduler
    if name == "one_cycle":
        # With a single step it would stand at its end, at nothing, from the start.
        return schedules.OneCycleLR(optimiser, max_lr=rate, total_steps=max(steps, 2))
    if name == "cosine":
        return schedules.CosineAnnealingLR(optimiser, T_max=steps)
    if name == "constant":
        return schedules.ConstantLR(optimiser, factor=1.0)
    raise InputError(f"training.schedule: found {name!r}, expected one_cycle, cosine or constant.")


def _refuse_single_rows(network: nn.Module, batch_size: int) -> None:
    normalises = any(isinstance(layer, nn.BatchNorm1d) for layer in network.modules())
    if batch_size < 2 and normalises:
        raise InputError(
            "training.batch_size: found 1, expected at least 2 for a head with batch norm, which "
            "compares the images of a batch with each other."
        )


def _refuse_divergence(row: dict, learning_rate: float) -> None:
    if not (math.isfinite(row["train_loss"]) and math.isfinite(row["validation_loss"])):
        raise InputError(
            f"training: in epoch {row['epoch']} the loss stopped being a finite number (train "
            f"{row['train_loss']}, validation {row['validation_loss']}). Lower "
            f"training.learning_rate for this model (now {learning_rate:g})."
        )


class _Reports:
    """A line an epoch, and lines within epochs that last longer than the time between reports."""

    def __init__(self, start: float):
        self._start = self._last = start
        self._best = math.inf

    def step(self, epoch: int, epochs: int, step: int, steps: int) -> None:
        now = time.monotonic()
        if now - self._last >= SECONDS_BETWEEN_REPORTS and step < steps:
            logger.info(
                "epoch %d/%d, batch %d/%d, at most %s left",
                epoch,
                epochs,
                step,
                steps,
                self._left(now, (epoch - 1) + step / steps, epochs),
            )
            self._last = now

    def epoch(self, row: dict, epochs: int, last: bool) -> None:
        now = time.monotonic()
        # Epochs on pooled features last milliseconds; hundreds of lines a second help nobody.
        if last or row["epoch"] == 1 or now - self._last >= 1:
            logger.info(
                "epoch %d/%d: train loss %.5f, validation loss %.5f, validation MSE %.5f, "
                "at most %s left",
                row["epoch"],
                epochs,
                row["train_loss"],
                row["validation_loss"],
                row["validation_mse"],
                "0:00" if last else self._left(now, row["epoch"], epochs),
            )
            self._last = now

    def _left(self, now: float, done: float, epochs: int) -> str:
        return tqdm.format_interval((now - self._start) / done * (epochs - done))
