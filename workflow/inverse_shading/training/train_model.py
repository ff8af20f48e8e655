"""Training of one model: a head on the kept features of its trunk, or both end to end on images."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from inverse_shading.dataset.labels import read_labels
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.network.devices import describe_device, set_up
from inverse_shading.network.heads import parameter_count
from inverse_shading.network.objectives.objective import load_objective
from inverse_shading.runtime.artefacts import write_csv, write_json, write_tensors
from inverse_shading.runtime.files import read_seal
from inverse_shading.runtime.jobs import logger
from inverse_shading.training.checkpoints import Checkpoint
from inverse_shading.training.loop import Examples, fit
from inverse_shading.training.prepare import prepare_model


def train_model(
    weights: str | Path,
    history: str | Path,
    summary: str | Path,
    checkpoint: str | Path,
    config: dict,
    inputs: Sequence[str | Path],
    parameters: Sequence[str | Path],
    splits: Sequence[str | Path],
    device: str,
    threads: int,
    checkpoint_seconds: float,
    code: Mapping[str, str],
    trunk: str | Path | None = None,
) -> None:
    """Train a model and write its best weights and how that went.

    Two runs with the same arguments on the same processor write the same bytes, but for the seconds
    in `summary`, also when one of them was killed on the way and went on from its checkpoint.

    Args:
        weights: safetensors to write; see `whole_network.load_network` for its description.
        history: CSV to write, a row an epoch: epoch, learning_rate, train_loss, validation_loss,
            validation_mse.
        summary: JSON to write: parameter_count (trainable), epochs, best_epoch, seconds,
            seconds_per_epoch, device, batch_size (the one used).
        checkpoint: file to go on from if it is there, of this very training; removed in the end.
        config: seed, architecture, head, objective, training; images, to learn from the first so
            many only; trainable_stages of the trunk, and with it precision.
        inputs: files of all ranges: features of the frozen trunk, or framed images where stages of
            it are trained.
        parameters, splits: files of the same ranges, in the same order.
        device: auto, cpu or cuda.
        threads: of the CPU.
        checkpoint_seconds: from one checkpoint to the next.
        code: digests of the code that trains; what other code has begun is not gone on with.
        trunk: the trunk's weights, where stages of it are trained.

    Raises:
        InputError: an input file is wrong, or the training diverges.
        Stopped: the process was asked to stop; the checkpoint is written.
    """
    place = set_up(device, threads, lenient=bool(config.get("trainable_stages")))
    labels = read_labels(parameters, splits).learning_from(config.get("images"))
    model = prepare_model(config, inputs, labels, place, threads, trunk)
    objective = load_objective(config["objective"], len(PARAMETERS))
    train, validation = labels.indices("train"), labels.indices("validation")
    logger.info(
        "%d weights, %d training and %d validation images, on %s",
        parameter_count(model.whole),
        len(train),
        len(validation),
        describe_device(place, threads),
    )
    identity = {
        "config": config,
        "code": dict(code),
        "inputs": [read_seal(path) for path in (*inputs, *parameters, *splits)],
        "trunk": read_seal(trunk) if trunk else None,
        "device": place.type,
        "threads": threads,
    }
    resumable = Checkpoint(checkpoint, identity, checkpoint_seconds)
    result = fit(
        model.network,
        objective,
        Examples(model.rows, labels.targets, train, validation),
        config["training"],
        config["seed"],
        place,
        resumable,
        model.trunk,
    )

    write_tensors(weights, model.whole.state_dict(), model.description)
    write_csv(history, result.history, "%.9g")
    epochs = len(result.history)
    report = {
        "parameter_count": parameter_count(model.whole),
        "epochs": epochs,
        "best_epoch": result.best_epoch,
        "seconds": round(result.seconds, 3),
        "seconds_per_epoch": round(result.seconds / epochs, 6),
        "device": describe_device(place, threads),
        "batch_size": result.batch_size,
    }
    write_json(summary, report)
    resumable.remove()
