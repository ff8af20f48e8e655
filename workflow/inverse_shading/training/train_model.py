"""Training of one model: a head on the kept features of its trunk, or with stages of the trunk."""

from dataclasses import dataclass
from pathlib import Path

import torch

from inverse_shading.dataset.data_files import DataFiles
from inverse_shading.dataset.labels import read_labels
from inverse_shading.network.devices import describe_device, set_up
from inverse_shading.network.heads import parameter_count
from inverse_shading.runtime.artefacts import write_csv, write_json, write_tensors
from inverse_shading.runtime.jobs import logger
from inverse_shading.runtime.resources import Resources
from inverse_shading.training.checkpoints import Checkpoint, Resumption
from inverse_shading.training.loop import fit
from inverse_shading.training.prepare import Model, prepare_model


@dataclass(frozen=True)
class TrainingFiles:
    """What a training writes.

    Attributes:
        weights: safetensors of the best epoch; see `whole_network.load_network` for its description.
        history: CSV, a row an epoch: epoch, learning_rate, train_loss, validation_loss,
            validation_mse.
        summary: JSON of parameter_count (trainable), epochs, best_epoch, seconds, seconds_per_epoch,
            device, batch_size (the one used).
    """

    weights: str | Path
    history: str | Path
    summary: str | Path


def train_model(
    outputs: TrainingFiles,
    config: dict,
    data: DataFiles,
    resources: Resources,
    resumption: Resumption,
    trunk: str | Path | None = None,
) -> None:
    """Train a model and write its best weights and how that went.

    Two runs with the same arguments on the same processor write the same bytes, but for the seconds
    in the summary, also when one of them was killed on the way and went on from its checkpoint.

    Args:
        outputs: the files to write.
        config: seed, architecture, head, objective, training; images, to learn from the first so
            many only; trainable_stages of the trunk, and with it precision; image_size, to train on
            smaller images.
        data: features of the frozen trunk; what its frozen stages give (see `stage_outputs`) where
            others are trained; framed images where all are.
        resources: where to train.
        resumption: the checkpoint, resumed if it is of this very training, and removed in the end.
        trunk: the trunk's weights, where stages of it are trained.

    Raises:
        InputError: an input file is wrong, or the training diverges.
        Stopped: the process was asked to stop; the checkpoint is written.
    """
    threads = resources.threads
    device = set_up(resources.device, threads, lenient=bool(config.get("trainable_stages")))
    labels = read_labels(data.parameters, data.splits).learning_from(config.get("images"))
    model = prepare_model(config, data.inputs, labels, device, threads, trunk)
    checkpoint = resumption.open(resumption.identity(config, data, trunk, device, threads))
    train_prepared(outputs, model, config, device, threads, checkpoint)


def train_prepared(
    outputs: TrainingFiles,
    model: Model,
    config: dict,
    device: torch.device,
    threads: int,
    checkpoint: Checkpoint,
) -> None:
    """Train a model that is prepared, and write its files; the rest as for `train_model`."""
    logger.info(
        "%d weights, %d training and %d validation images, on %s",
        parameter_count(model.whole),
        len(model.task.examples.train),
        len(model.task.examples.validation),
        describe_device(device, threads),
    )
    result = fit(model.task, config["training"], config["seed"], device, checkpoint)

    write_tensors(outputs.weights, model.whole.state_dict(), model.description)
    write_csv(outputs.history, result.history, "%.9g")
    epochs = len(result.history)
    report = {
        "parameter_count": parameter_count(model.whole),
        "epochs": epochs,
        "best_epoch": result.best_epoch,
        "seconds": round(result.seconds, 3),
        "seconds_per_epoch": round(result.seconds / epochs, 6),
        "device": describe_device(device, threads),
        "batch_size": result.batch_size,
    }
    write_json(outputs.summary, report)
    checkpoint.remove()
