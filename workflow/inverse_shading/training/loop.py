"""The training loop: AdamW, a learning-rate schedule, the best weights kept."""

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from inverse_shading.dataset.rows import Rows
from inverse_shading.network.devices import halve_batch, place_rows
from inverse_shading.network.objectives.objective import Objective
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.interruption import noting_stops
from inverse_shading.runtime.jobs import logger
from inverse_shading.training.checkpoints import Checkpoint, keep
from inverse_shading.training.epoch_log import EpochLog
from inverse_shading.training.optimisation import build_optimiser, build_schedule


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
class Task:
    """What is to be learnt, by which network, from what.

    Attributes:
        network: from float32 inputs to outputs, with its initial weights.
        objective: the meaning of the outputs.
        examples: what to train on.
        trunk: those of the network's weights that were trained before and are only adjusted.
    """

    network: nn.Module
    objective: Objective
    examples: Examples
    trunk: Sequence[nn.Parameter] = ()


@dataclass(frozen=True)
class Fit:
    """How a training went.

    Attributes:
        history: a dict an epoch: epoch (from 1), learning_rate (of its last step), train_loss (mean
            over its steps), validation_loss, validation_mse (of the decoded values).
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


# Whether to give up, from the history so far.
Judge = Callable[[Sequence[dict]], bool]


def fit(
    task: Task,
    config: dict,
    seed: int,
    device: torch.device,
    checkpoint: Checkpoint | None = None,
    is_hopeless: Judge | None = None,
) -> Fit:
    """Train a network in place and leave it, on `device`, with the weights of its best epoch.

    The best epoch is that of the lowest validation MSE, which for regression is the loss itself. A
    cross-entropy over many bins starts to overfit long before the values that are read off it do.

    The same arguments give the same bits on the same machine with the same number of threads, also
    when the training was stopped on the way and resumed from its checkpoint.

    Args:
        task: what is to be learnt.
        config: a `training` section: batch_size, max_epochs, learning_rate (the schedule's peak),
            schedule (one_cycle, cosine or constant, stepped by batch over max_epochs), weight_decay;
            trunk_rate and trunk_decay, see `optimisation.build_optimiser`.
        seed: of batches and dropout.
        device: where to train.
        checkpoint: resumed if it holds something; written as often as it says, and when the process
            is asked to stop.
        is_hopeless: called after every epoch but the last with the history so far; where it is true
            the training ends. It may depend on nothing but the history.

    Raises:
        Stopped: the process was asked to stop; with a checkpoint nothing is lost.
        DivergenceError: the loss stops being finite.
        InputError: the GPU can't hold the smallest batch, or no longer a training that has a
            checkpoint. That is kept: it would be lost with a smaller batch, which begins anew.
    """
    least = _smallest_batch(task.network)
    if config["batch_size"] < least:
        raise InputError(
            f"training.batch_size: found {config['batch_size']}, expected at least {least} for a "
            "head with batch norm, which compares the images of a batch with each other."
        )
    task.network.to(device)
    initial = copy.deepcopy(task.network.state_dict())
    batch_size = config["batch_size"]
    training = None
    if checkpoint and (saved := checkpoint.load()) is not None:
        try:
            training = _resume(task, config, seed, device, saved)
        except torch.OutOfMemoryError as error:
            raise _no_memory_for(checkpoint) from error
        if training is None:
            task.network.load_state_dict(initial)
        else:
            # It may have been halved before.
            batch_size = saved["batch_size"]
    is_resumed = training is not None
    while True:
        if training is None:
            training = _Training(task, config, batch_size, seed, device)
        try:
            return training.run(checkpoint, is_hopeless)
        except torch.OutOfMemoryError as error:
            # What was trained for an epoch fitted, and would be lost.
            if checkpoint and (is_resumed or training.has_epochs):
                raise _no_memory_for(checkpoint) from error
            batch_size = halve_batch(batch_size, least)
            if checkpoint:
                # It may hold the first steps with the larger batch.
                checkpoint.remove()
        # Outside the except clause, whose traceback keeps the failed try in memory.
        training = None
        task.network.load_state_dict(initial)


def _resume(
    task: Task, config: dict, seed: int, device: torch.device, saved: dict
) -> "_Training | None":
    """The training that a checkpoint holds the state of; None if it holds something else.

    The network is then as good as damaged.
    """
    try:
        batch_size = saved["batch_size"]
        least = _smallest_batch(task.network)
        if type(batch_size) is not int or not least <= batch_size <= config["batch_size"]:
            raise ValueError(f"found a batch size of {batch_size!r}")
        training = _Training(task, config, batch_size, seed, device)
        training.restore(saved)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # What is no state can raise anything.
        # Nothing but time is lost with it.
        logger.warning(
            "starting anew: the checkpoint holds no state of this training (%s: %s)",
            type(error).__name__,
            error,
        )
        return None
    return training


def _no_memory_for(checkpoint: Checkpoint) -> InputError:
    """What to say where a training fitted into the GPU's memory once, and now doesn't."""
    return InputError(
        f"{checkpoint.path}: the GPU's memory no longer holds the training that this checkpoint is of. "
        "Free memory on it (see nvidia-smi) and run the same again. To begin anew, with batches that "
        "are halved until they fit, delete the file."
    )


@dataclass
class _Progress:
    """How far a training has come, but for what PyTorch's own objects hold.

    Attributes:
        total: sum of the losses in the epoch that is not closed yet, each times its images.
        step: steps done in that epoch.
        rate: learning rate of the last step.
        history: as in `Fit`.
        best_mse, best_epoch, best_weights: of the epoch with the lowest validation MSE.
        seconds: that processes before this one trained.
    """

    total: torch.Tensor
    step: int = 0
    rate: float = 0.0
    history: list[dict] = field(default_factory=list)
    best_mse: float = math.inf
    best_epoch: int = 0
    best_weights: dict = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def epoch(self) -> int:
        """The epoch that is not closed yet, from 1."""
        return len(self.history) + 1


class _Training:
    """One try with one batch size; all that changes on the way is in `state`."""

    def __init__(self, task: Task, config: dict, batch_size: int, seed: int, device: torch.device):
        torch.manual_seed(seed)
        self._task, self._network, self._examples = task, task.network, task.examples
        self._config, self._batch_size, self._seed, self._device = config, batch_size, seed, device
        self._steps = count_steps(len(task.examples.train), batch_size, self._network)
        self._optimiser = build_optimiser(task.network, task.trunk, config)
        self._schedule = build_schedule(
            self._optimiser, config["schedule"], self._steps * config["max_epochs"]
        )
        self._progress = _Progress(torch.zeros((), device=device))
        self._start = time.monotonic()

    @property
    def has_epochs(self) -> bool:
        """Whether it has come to the end of an epoch."""
        return bool(self._progress.history)

    def run(self, checkpoint: Checkpoint | None, is_hopeless: Judge | None) -> Fit:
        """Train to the end."""
        progress, epochs = self._progress, self._config["max_epochs"]
        log = EpochLog(epochs, self._steps, len(progress.history) + progress.step / self._steps)
        over = given_up = False
        with noting_stops() as raise_if_stopped:
            while not (over or given_up):
                for _ in self._train_epoch():
                    log.step(progress.epoch, progress.step)
                    keep(checkpoint, self.state, raise_if_stopped)
                row = self._close_epoch()
                over = row["epoch"] == epochs
                given_up = is_hopeless is not None and not over and is_hopeless(progress.history)
                log.epoch(row, last=over or given_up)
        self._network.load_state_dict(progress.best_weights)
        self._network.eval()
        return Fit(
            progress.history, progress.best_epoch, self._batch_size, self._seconds(), given_up
        )

    def _train_epoch(self) -> Iterator[None]:
        """Make the steps that are left of an epoch, stopping after each."""
        progress = self._progress
        generator = np.random.default_rng([self._seed, progress.epoch])
        order = generator.permutation(self._examples.train)
        self._network.train()
        # Batches differ by one row at most.
        for rows in np.array_split(order, self._steps)[progress.step :]:
            inputs, targets = _load(self._examples, rows, self._device)
            progress.rate = self._schedule.get_last_lr()[0]
            self._optimiser.zero_grad()
            loss = self._task.objective.loss(self._network(inputs), targets)
            loss.backward()
            self._optimiser.step()
            self._schedule.step()
            progress.total += loss.detach() * len(rows)
            progress.step += 1
            yield

    def _close_epoch(self) -> dict:
        """Validate, and add the epoch to the history."""
        progress = self._progress
        row = {
            "epoch": progress.epoch,
            "learning_rate": progress.rate,
            "train_loss": float(progress.total) / len(self._examples.train),
            **_validate(self._task, self._batch_size, self._device),
        }
        _refuse_divergence(row, progress.history, self._config["learning_rate"])
        progress.history.append(row)
        progress.step = 0
        progress.total = torch.zeros((), device=self._device)
        if row["validation_mse"] < progress.best_mse:
            progress.best_mse, progress.best_epoch = row["validation_mse"], row["epoch"]
            progress.best_weights = copy.deepcopy(self._network.state_dict())
        return row

    def state(self) -> dict:
        """All that a training needs to be resumed with the same bits."""
        return {
            "batch_size": self._batch_size,
            "network": self._network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "schedule": self._schedule.state_dict(),
            "progress": vars(self._progress) | {"seconds": self._seconds()},
            "random": torch.get_rng_state(),
            # The order of images follows from seed and epoch; dropout draws where the network runs.
            "random_cuda": (
                torch.cuda.get_rng_state(self._device) if self._device.type == "cuda" else None
            ),
        }

    def restore(self, saved: dict) -> None:
        """Resume where `state` was taken.

        Raises:
            ValueError: it was not taken of this training. What is restored until then is of no use, as
                after any other error.
        """
        self._check(saved)
        self._network.load_state_dict(saved["network"])
        self._optimiser.load_state_dict(saved["optimiser"])
        for weight, found in self._optimiser.state.items():
            moments = {"step": torch.zeros(()), "exp_avg": weight, "exp_avg_sq": weight}
            if not _has_form(found, moments):
                raise ValueError("its optimiser is of other weights")
        self._schedule.load_state_dict(saved["schedule"])
        self._progress = _Progress(**saved["progress"])
        self._progress.total = self._progress.total.to(self._device)
        torch.set_rng_state(saved["random"])
        if saved["random_cuda"] is not None:
            torch.cuda.set_rng_state(saved["random_cuda"], self._device)
        logger.info(
            "going on from a checkpoint in epoch %d, batch %d/%d",
            self._progress.epoch,
            self._progress.step,
            self._steps,
        )

    def _check(self, saved: dict) -> None:
        """Raise ValueError for what is no state of this training."""
        if not _has_form(saved, self.state()):
            raise ValueError("it has another form")
        progress = _Progress(**saved["progress"])
        history, best = progress.history, progress.best_epoch
        sound = (
            0 <= progress.step <= self._steps
            and len(history) < self._config["max_epochs"]
            and all(_is_row(row, epoch) for epoch, row in enumerate(history, start=1))
            and saved["schedule"]["last_epoch"] == len(history) * self._steps + progress.step
            and 0 <= best <= len(history)
            and bool(best) == bool(history)
        )
        if sound and best:
            sound = progress.best_mse == history[best - 1]["validation_mse"] and _has_form(
                progress.best_weights, self._network.state_dict()
            )
        if not sound:
            raise ValueError("its parts contradict each other")

    def _seconds(self) -> float:
        return self._progress.seconds + time.monotonic() - self._start


def _has_form(found: object, own: object) -> bool:
    """Whether a value is built as another: the same keys, types and shapes, whatever the numbers.

    What is empty in `own` may hold anything.
    """
    if isinstance(own, dict):
        return isinstance(found, dict) and (
            not own
            or (
                found.keys() == own.keys()
                and all(_has_form(found[key], value) for key, value in own.items())
            )
        )
    if isinstance(own, (list, tuple)):
        return type(found) is type(own) and (
            not own or (len(found) == len(own) and all(map(_has_form, found, own)))
        )
    if isinstance(own, torch.Tensor):
        return (
            isinstance(found, torch.Tensor)
            and found.shape == own.shape
            and found.dtype == own.dtype
        )
    return type(found) is type(own)


def _is_row(row: object, epoch: int) -> bool:
    """Whether this is the row of the history of an epoch."""
    errors = ("learning_rate", "train_loss", "validation_loss", "validation_mse")
    return (
        _has_form(row, {"epoch": epoch} | dict.fromkeys(errors, 0.0))
        and row["epoch"] == epoch
        and all(map(math.isfinite, row.values()))
    )


def _load(
    examples: Examples, rows: np.ndarray, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and targets of some rows on the device."""
    inputs = place_rows(examples.inputs.rows(rows), device)
    return inputs, torch.from_numpy(examples.targets[rows]).to(device)


@torch.no_grad()
def _validate(task: Task, batch_size: int, device: torch.device) -> dict[str, float]:
    """Means over the validation images: of the loss, and of the decoded values' squared error."""
    task.network.eval()
    rows = task.examples.validation
    loss = error = 0.0
    for first in range(0, len(rows), batch_size):
        batch = rows[first : first + batch_size]
        inputs, targets = _load(task.examples, batch, device)
        outputs = task.network(inputs)
        loss += float(task.objective.loss(outputs, targets)) * len(batch)
        values = task.objective.decode(outputs)
        error += float((values - targets).square().mean()) * len(batch)
    return {"validation_loss": loss / len(rows), "validation_mse": error / len(rows)}


def count_steps(rows: int, batch_size: int, network: nn.Module) -> int:
    """Batches of an epoch over so many rows.

    None has a single row where that would break batch norm: one may then have a row more than the size.
    """
    steps = math.ceil(rows / batch_size)
    return max(1, min(steps, rows // 2)) if _compares_rows(network) else steps


def _compares_rows(network: nn.Module) -> bool:
    return any(isinstance(layer, nn.BatchNorm1d) for layer in network.modules())


def _smallest_batch(network: nn.Module) -> int:
    return 2 if _compares_rows(network) else 1


def _refuse_divergence(row: dict, history: list[dict], learning_rate: float) -> None:
    if not (math.isfinite(row["train_loss"]) and math.isfinite(row["validation_loss"])):
        raise DivergenceError(
            f"training: in epoch {row['epoch']} the loss stopped being a finite number (train "
            f"{row['train_loss']}, validation {row['validation_loss']}). Lower "
            f"training.learning_rate for this model (now {learning_rate:g}).",
            history,
        )
