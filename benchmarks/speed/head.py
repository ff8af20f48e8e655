"""What an epoch of a head costs: on kept features, and with the frozen trunk in the loop."""

import json
import math
import multiprocessing
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from inverse_shading.dataset.data_files import DataFiles
from inverse_shading.dataset.labels import Labels, read_labels
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.network.devices import choose_device
from inverse_shading.network.heads import build_head, load_head
from inverse_shading.network.objectives.objective import load_objective
from inverse_shading.network.trunks import load_trunk
from inverse_shading.runtime.resources import Resources
from inverse_shading.training.checkpoints import Resumption
from inverse_shading.training.train_model import TrainingFiles, train_model

from .data import Files
from .fine_tuning import synchronise
from .trunk import be_plain, plain_input

SECONDS_BETWEEN_LOOKS = 0.02
# A new interpreter: a forked one would begin with this one's memory.
PROCESSES = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Epoch:
    """One epoch's losses: of training, and of validation after it."""

    train_loss: float
    validation_loss: float

    def difference(self, other: "Epoch") -> float:
        """The larger one of the two losses' relative differences."""
        return max(
            abs(self.train_loss / other.train_loss - 1),
            abs(self.validation_loss / other.validation_loss - 1),
        )


@dataclass(frozen=True)
class Training:
    """What a training on kept features cost, in a process of its own.

    Attributes:
        seconds: of an epoch, for each of its images.
        before: seconds until the first epoch: files checked, features pooled and standardised.
        peak: of the resident memory, in bytes.
        private, mapped: the most of it that was the process's own, and pages of files.
    """

    seconds: float
    before: float
    peak: int
    private: int
    mapped: int


def epoch_images(labels: Labels) -> int:
    """Images of one epoch: all for training and all for validation, once each."""
    return len(labels.indices("train")) + len(labels.indices("validation"))


def one_epoch(config: dict) -> dict:
    """A model's config with a single epoch at the peak of its rate, which moves the weights."""
    return config | {"training": config["training"] | {"max_epochs": 1, "schedule": "constant"}}


def arguments_of_training(
    folder: Path, config: dict, files: Files, device: str, threads: int, checkpoint_seconds: float
) -> dict:
    """The arguments of `train_model`, which writes into `folder`."""
    names = ("weights.safetensors", "history.csv", "training.json")
    return {
        "outputs": TrainingFiles(*(folder / name for name in names)),
        "config": config,
        "data": DataFiles(files.features_of(config["trunk"]), files.parameters, files.splits),
        "resources": Resources(device, threads),
        "resumption": Resumption(folder / "checkpoint.pt", checkpoint_seconds, {}),
    }


def train_kept_epoch(arguments: dict) -> Epoch:
    """Train as the workflow does and read the first epoch's losses."""
    train_model(**arguments)
    row = pd.read_csv(arguments["outputs"].history).iloc[0]
    return Epoch(row["train_loss"], row["validation_loss"])


def train_plain_epoch(arguments: dict, trunk: Path, images: np.ndarray) -> tuple[Epoch, float]:
    """The same epoch with the trunk in the loop, as a fine-tuning script would have it.

    Weights, order of images and dropout follow from the same seeds as in `loop.fit`. The mean and
    scale that standardise the features aren't trained; they are taken from the head that was trained
    on kept features.

    Args:
        arguments: those of `train_model`, which has run.
        trunk: file of its weights.
        images: uint8 (n, side, side, 3), in the order of the labels.

    Returns:
        Losses, and seconds of the epoch for each of its images.
    """
    be_plain()
    config, training = arguments["config"], arguments["config"]["training"]
    device = choose_device(arguments["resources"].device)
    labels = read_labels(arguments["data"].parameters, arguments["data"].splits)
    train, validation = labels.indices("train"), labels.indices("validation")
    targets = torch.from_numpy(labels.targets)
    objective = load_objective(config["objective"], len(PARAMETERS))
    trained, description = load_head(arguments["outputs"].weights)
    torch.manual_seed(config["seed"])
    head = build_head(config["head"], tuple(description["feature_shape"]), objective.outputs)
    head.standardise.load_state_dict(trained.standardise.state_dict())
    head.to(device)
    network = load_trunk(trunk).to(device)
    steps = math.ceil(len(train) / training["batch_size"])
    order = np.random.default_rng([config["seed"], 1]).permutation(train)
    batches = np.array_split(order, steps)
    with torch.no_grad():
        # The first pass of a network sets up its layers' kernels.
        network(plain_input(images[np.sort(batches[0])], device))

    torch.manual_seed(config["seed"])
    synchronise(device)
    start = time.perf_counter()
    optimiser = torch.optim.AdamW(
        head.parameters(), lr=training["learning_rate"], weight_decay=training["weight_decay"]
    )
    train_loss = validation_loss = 0.0
    head.train()
    for rows in batches:
        with torch.no_grad():
            features = network(plain_input(images[rows], device))
        loss = objective.loss(head(features), targets[rows].to(device))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        train_loss += loss.item() * len(rows)
    head.eval()
    with torch.no_grad():
        for first in range(0, len(validation), training["batch_size"]):
            rows = validation[first : first + training["batch_size"]]
            outputs = head(network(plain_input(images[rows], device)))
            validation_loss += objective.loss(outputs, targets[rows].to(device)).item() * len(rows)
    seconds = time.perf_counter() - start
    epoch = Epoch(train_loss / len(train), validation_loss / len(validation))
    return epoch, seconds / epoch_images(labels)


def train_apart(arguments: dict) -> Training:
    """Train as the workflow does, in a process of its own, watching its memory.

    Raises:
        SystemExit: the training failed; its error is on stderr.
    """
    receiver, sender = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_train_and_tell, args=(sender, arguments))
    process.start()
    # Only the child holds the sending end now: if it dies, receiving ends.
    sender.close()
    private = mapped = 0
    while not receiver.poll(SECONDS_BETWEEN_LOOKS):
        status = _memory(process.pid)
        private = max(private, status.get("RssAnon", 0) + status.get("RssShmem", 0))
        mapped = max(mapped, status.get("RssFile", 0))
    try:
        seconds, peak = receiver.recv()
    except EOFError:
        process.join()
        raise SystemExit(f"the training ended with status {process.exitcode}") from None
    process.join()
    summary = json.loads(arguments["outputs"].summary.read_text())
    images = epoch_images(read_labels(arguments["data"].parameters, arguments["data"].splits))
    return Training(
        summary["seconds_per_epoch"] / images, seconds - summary["seconds"], peak, private, mapped
    )


def _train_and_tell(sender: Connection, arguments: dict) -> None:
    start = time.perf_counter()
    train_model(**arguments)
    # Not getrusage's maximum, which a process may inherit from the one that started it.
    sender.send((time.perf_counter() - start, _memory("self")["VmHWM"]))


def _memory(process: int | str) -> dict[str, int]:
    """Sizes in bytes from /proc/PROCESS/status: VmHWM is the peak of the resident memory."""
    try:
        text = Path(f"/proc/{process}/status").read_text()
    except OSError:  # It has ended.
        return {}
    fields = (line.split() for line in text.splitlines() if line.endswith(" kB"))
    return {name.rstrip(":"): int(value) * 1024 for name, value, _ in fields}
