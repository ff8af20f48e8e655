"""The training loop: AdamW, a learning-rate schedule, early stopping, the best weights kept."""

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from inverse_shading.dataset.rows import Rows
from inverse_shading.network.devices import halve_batch, place_rows
from inverse_shading.network.objectives.objective import Objective
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.interruption import Stopped, noting_stops
from inverse_shading.runtime.jobs import SECONDS_BETWEEN_REPORTS, logger
from inverse_shading.training.checkpoints import Checkpoint


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
        given_up: whether it ended because it was hopeless.
    """

    history: list[dict]
    best_epoch: int
    batch_size: int
    seconds: float
    given_up: bool


class DivergenceError(InputError):
    """The loss stopped being a finite number.

    Attributes:
        history: of the epochs before, as in `Fit`.
    """

    def __init__(self, message: str, history: list[dict]):
        super().__init__(message)
        self.history = history


def fit(
    network: nn.Module,
    objective: Objective,
    examples: Examples,
    config: dict,
    seed: int,
    device: torch.device,
    checkpoint: Checkpoint | None = None,
    trunk: Sequence[nn.Parameter] = (),
    is_hopeless: Callable[[Sequence[dict]], bool] | None = None,
) -> Fit:
    """Train a network in place and leave it, on `device`, with the weights of its best epoch.

    The best epoch is that of the lowest validation MSE, which for regression is the loss itself. A
    cross-entropy over many bins starts to overfit long before the values that are read off it do.

    The same arguments give the same bits on the same machine with the same number of threads, also
    when the training was stopped on the way and went on from its checkpoint.

    Args:
        network: from float32 inputs to outputs, with its initial weights.
        objective: the meaning of the outputs.
        examples: what to train on.
        config: a `training` section: batch_size, max_epochs, learning_rate (the schedule's peak),
            schedule (one_cycle, cosine or constant, stepped by batch over max_epochs),
            weight_decay, patience; trunk_rate, only read where there is a `trunk`: its learning rate
            as a share of the others'.
        seed: of batches and dropout.
        device: where to train.
        checkpoint: what to go on from if it holds something, written as often as it says and when
            the process is asked to stop.
        trunk: those of the network's weights that were trained before and are only adjusted.
        is_hopeless: asked after every epoch but the last, with the history so far; where it says yes
            the training ends there. The answer may depend on nothing but the history.

    Raises:
        Stopped: the process was asked to stop; with a checkpoint nothing is lost.
        DivergenceError: the loss stops being finite.
        InputError: the GPU can't hold a single image.
    """
    _refuse_single_rows(network, config["batch_size"])
    network.to(device)
    initial = copy.deepcopy(network.state_dict())
    saved = checkpoint.load() if checkpoint else None
    # It may have been halved before.
    batch_size = saved["batch_size"] if saved else config["batch_size"]
    while True:
        training = _Training(network, objective, examples, config, batch_size, seed, device, trunk)
        if saved:
            training.restore(saved)
        try:
            return training.run(checkpoint, is_hopeless)
        except torch.OutOfMemoryError:
            batch_size = halve_batch(batch_size)
        # Outside the except clause, whose traceback keeps the failed try in memory.
        del training
        saved = None
        _refuse_single_rows(network, batch_size)
        network.load_state_dict(initial)


class _Training:
    """One try with one batch size; all that changes on the way is in `state`."""

    def __init__(
        self,
        network: nn.Module,
        objective: Objective,
        examples: Examples,
        config: dict,
        batch_size: int,
        seed: int,
        device: torch.device,
        trunk: Sequence[nn.Parameter],
    ):
        torch.manual_seed(seed)
        self._network, self._objective, self._examples = network, objective, examples
        self._config, self._batch_size, self._seed, self._device = config, batch_size, seed, device
        self._steps = math.ceil(len(examples.train) / batch_size)
        # The fused form updates all weights in one pass over memory; on heads of millions of
        # weights the step is otherwise as slow as the gradient.
        self._optimiser = torch.optim.AdamW(
            _groups(network, trunk, config), weight_decay=config["weight_decay"], fused=True
        )
        self._schedule = _build_schedule(
            self._optimiser, config, self._steps * config["max_epochs"]
        )
        # Steps done in the epoch after the last of the history, and their loss times their images.
        self._step = 0
        self._total = torch.zeros((), device=device)
        self._rate = 0.0
        self._history: list[dict] = []
        self._best_mse, self._best_epoch, self._best_weights = math.inf, 0, {}
        self._seconds_before = 0.0
        self._start = time.monotonic()

    def state(self) -> dict:
        """All that a training needs to go on with the same bits."""
        return {
            "batch_size": self._batch_size,
            "network": self._network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "schedule": self._schedule.state_dict(),
            "step": self._step,
            "total": self._total,
            "rate": self._rate,
            "history": self._history,
            "best_mse": self._best_mse,
            "best_epoch": self._best_epoch,
            "best_weights": self._best_weights,
            "seconds": self._seconds(),
            "random": torch.get_rng_state(),
            # The order of images follows from seed and epoch; dropout draws where the network runs.
            "random_cuda": (
                torch.cuda.get_rng_state(self._device) if self._device.type == "cuda" else None
            ),
        }

    def restore(self, saved: dict) -> None:
        """Stand where `state` was taken."""
        self._network.load_state_dict(saved["network"])
        self._optimiser.load_state_dict(saved["optimiser"])
        self._schedule.load_state_dict(saved["schedule"])
        self._step = saved["step"]
        self._total = saved["total"].to(self._device)
        self._rate = saved["rate"]
        self._history = saved["history"]
        self._best_mse, self._best_epoch = saved["best_mse"], saved["best_epoch"]
        self._best_weights = saved["best_weights"]
        self._seconds_before = saved["seconds"]
        torch.set_rng_state(saved["random"])
        if saved["random_cuda"] is not None:
            torch.cuda.set_rng_state(saved["random_cuda"], self._device)
        logger.info(
            "going on from a checkpoint in epoch %d, batch %d/%d",
            len(self._history) + 1,
            self._step,
            self._steps,
        )

    def run(
        self,
        checkpoint: Checkpoint | None,
        is_hopeless: Callable[[Sequence[dict]], bool] | None,
    ) -> Fit:
        """Train to the end."""
        epochs, patience = self._config["max_epochs"], self._config["patience"]
        reports = _Reports(len(self._history) + self._step / self._steps)
        ended = stopping = given_up = False
        with noting_stops() as raise_if_stopped:
            while not (ended or given_up):
                self._train_epoch(checkpoint, raise_if_stopped, reports)
                row = self._close_epoch()
                stopping = row["epoch"] - self._best_epoch >= patience
                ended = stopping or row["epoch"] == epochs
                if is_hopeless and not ended:
                    given_up = is_hopeless(self._history)
                reports.epoch(row, epochs, last=ended or given_up)
        if stopping:
            logger.info(
                "stopped: no better validation MSE in %d epochs; the best was epoch %d",
                patience,
                self._best_epoch,
            )
        self._network.load_state_dict(self._best_weights)
        self._network.eval()
        return Fit(self._history, self._best_epoch, self._batch_size, self._seconds(), given_up)

    def _train_epoch(
        self,
        checkpoint: Checkpoint | None,
        raise_if_stopped: Callable[[], None],
        reports: "_Reports",
    ) -> None:
        epoch = len(self._history) + 1
        order = np.random.default_rng([self._seed, epoch]).permutation(self._examples.train)
        self._network.train()
        # Equal batches but for one row: a rest of a single row would break batch norm.
        for rows in np.array_split(order, self._steps)[self._step :]:
            inputs, targets = _load(self._examples, rows, self._device)
            self._rate = self._schedule.get_last_lr()[0]
            self._optimiser.zero_grad()
            loss = self._objective.loss(self._network(inputs), targets)
            loss.backward()
            self._optimiser.step()
            self._schedule.step()
            self._total += loss.detach() * len(rows)
            self._step += 1
            reports.step(epoch, self._config["max_epochs"], self._step, self._steps)
            self._keep(checkpoint, raise_if_stopped)

    def _keep(self, checkpoint: Checkpoint | None, raise_if_stopped: Callable[[], None]) -> None:
        """Write a checkpoint if it is time to, or the last chance."""
        try:
            raise_if_stopped()
        except Stopped:
            if checkpoint:
                checkpoint.save(self.state())
                logger.info("wrote a checkpoint; the same command goes on from here")
            raise
        if checkpoint and checkpoint.is_due():
            try:
                checkpoint.save(self.state())
            except InputError as error:
                # The training itself needs no space yet; there may be some when it does.
                logger.warning("training on without a new checkpoint: %s", error)

    def _close_epoch(self) -> dict:
        """Validate, and add the epoch to the history."""
        row = {
            "epoch": len(self._history) + 1,
            "learning_rate": self._rate,
            "train_loss": float(self._total) / len(self._examples.train),
            **_validate(
                self._network, self._objective, self._examples, self._batch_size, self._device
            ),
        }
        _refuse_divergence(row, self._history, self._config["learning_rate"])
        self._history.append(row)
        self._step = 0
        self._total = torch.zeros((), device=self._device)
        if row["validation_mse"] < self._best_mse:
            self._best_mse, self._best_epoch = row["validation_mse"], row["epoch"]
            self._best_weights = copy.deepcopy(self._network.state_dict())
        return row

    def _seconds(self) -> float:
        return self._seconds_before + time.monotonic() - self._start


def _load(
    examples: Examples, rows: np.ndarray, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and targets of some rows on the device."""
    inputs = place_rows(examples.inputs.rows(rows), device)
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


def _groups(network: nn.Module, trunk: Sequence[nn.Parameter], config: dict) -> list[dict]:
    """The weights to train by learning rate: the head's first, whose rate is reported."""
    rate = config["learning_rate"]
    slow = {id(weight) for weight in trunk}
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    groups = [{"params": [weight for weight in weights if id(weight) not in slow], "lr": rate}]
    if slow:
        groups.append({"params": list(trunk), "lr": rate * config["trunk_rate"]})
    return groups


def _build_schedule(
    optimiser: torch.optim.Optimizer, config: dict, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """The course of the learning rate over `steps` steps.

    one_cycle is Smith and Topin's (2018, https://arxiv.org/abs/1708.07120) with PyTorch's shares:
    up from 1/25 of the peak in three tenths of the steps, then down to nothing.
    """
    name = config["schedule"]
    rates = [group["lr"] for group in optimiser.param_groups]
    schedules = torch.optim.lr_scheduler
    if name == "one_cycle":
        # With a single step it would stand at its end, at nothing, from the start.
        return schedules.OneCycleLR(optimiser, max_lr=rates, total_steps=max(steps, 2))
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


def _refuse_divergence(row: dict, history: list[dict], learning_rate: float) -> None:
    if not (math.isfinite(row["train_loss"]) and math.isfinite(row["validation_loss"])):
        raise DivergenceError(
            f"training: in epoch {row['epoch']} the loss stopped being a finite number (train "
            f"{row['train_loss']}, validation {row['validation_loss']}). Lower "
            f"training.learning_rate for this model (now {learning_rate:g}).",
            history,
        )


class _Reports:
    """A line an epoch, and lines within epochs that last longer than the time between reports.

    Args:
        before: epochs that were done before this process began.
    """

    def __init__(self, before: float):
        self._before = before
        self._start = self._last = time.monotonic()
        self._first = True

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
        if last or self._first or now - self._last >= 1:
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
            self._first = False

    def _left(self, now: float, done: float, epochs: int) -> str:
        if done <= self._before:
            # Gone on from an epoch's last batch: nothing is timed yet.
            return "?"
        pace = (now - self._start) / (done - self._before)
        return tqdm.format_interval(pace * (epochs - done))
