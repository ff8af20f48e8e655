"""Hyper-parameter tuning of a model, on validation images alone: test images are not used."""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml

from inverse_shading.dataset.data_files import DataFiles
from inverse_shading.dataset.labels import read_labels
from inverse_shading.network.devices import set_up
from inverse_shading.runtime.files import write_sealed_text
from inverse_shading.runtime.interruption import noting_stops
from inverse_shading.runtime.jobs import logger, progress
from inverse_shading.runtime.resources import Resources
from inverse_shading.training.checkpoints import Checkpoint, Resumption
from inverse_shading.training.found_values import lay_over
from inverse_shading.training.loop import DivergenceError, Judge, Task, fit
from inverse_shading.training.prepare import prepare_model
from inverse_shading.training.proposals import is_behind, propose
from inverse_shading.training.trials import (
    COMPLETE,
    DIVERGED,
    PRUNED,
    STATES,
    KeptTrials,
    Trial,
    best_trial,
    write_trials,
)


@dataclass(frozen=True)
class SearchFiles:
    """What a search writes.

    Attributes:
        best: YAML, to be laid over the configuration: the values of the complete trial with the
            lowest validation MSE. Its checksum stands beside it.
        trials: CSV, see `trials.write_trials`.
        study: JSON of the finished trials, written after each. A search of the same configuration,
            data and code resumes from it; it is kept.
    """

    best: str | Path
    trials: str | Path
    study: str | Path


def search_model(
    outputs: SearchFiles,
    model: str,
    config: dict,
    data: DataFiles,
    resources: Resources,
    resumption: Resumption,
    trunk: str | Path | None = None,
) -> None:
    """Train a model with one setting after the other and write the best, with how all of them went.

    What is tried next depends on what came out before, so all trials are one job. On the same
    processor two searches with the same arguments write the same bytes, but for the seconds, also when
    one of them was killed on the way, or had fewer trials first.

    Args:
        outputs: the files to write.
        model: its name.
        config: of the search, see `slices.search_config`.
        data, resources, trunk: as for `train_model.train_model`.
        resumption: of the trial under way; its checkpoint is removed in the end.

    Raises:
        InputError: an input file is wrong, values don't fit the features, or every trial diverged.
        Stopped: the process was asked to stop; finished trials and the one under way are kept.
    """
    settings, count, threads = config["model"], config["trials"], resources.threads
    device = set_up(resources.device, threads, lenient=bool(settings.get("trainable_stages")))
    # From here on the true values of test images are not known.
    labels = read_labels(data.parameters, data.splits)
    labels = labels.learning_from(settings.get("images")).without("test")
    searched = {key: value for key, value in config.items() if key != "trials"}
    identity = resumption.identity(searched, data, trunk, device, threads)
    kept = KeptTrials(outputs.study, identity)
    finished = kept.load(config["space"])
    begun = len(finished)
    for index in progress(range(begun, count), count - begun, "trial"):
        values = propose(config["space"], finished, config["startup_trials"], config["seed"])
        logger.info("trial %d/%d: %s", index + 1, count, describe_values(values))
        checkpoint = resumption.open(identity | {"number": index + 1, "values": values})
        tried = lay_over(settings, values)
        prepared = prepare_model(tried, data.inputs, labels, device, threads, trunk)
        # A signal after the training's last safe point is answered when the trial is kept.
        with noting_stops() as raise_if_stopped:
            judge = _judge(config, finished, values)
            trial = _train(prepared.task, tried, values, device, checkpoint, judge)
            finished.append(trial)
            kept.save(finished)
            checkpoint.remove()
        _report(finished, count)
        raise_if_stopped()
        # Before the next one takes as much memory.
        del prepared

    finished = finished[:count]
    write_sealed_text(outputs.best, _best_text(outputs.best, model, config, finished))
    write_trials(outputs.trials, sorted(config["space"]), finished)


def describe_values(values: Mapping) -> str:
    """The values of a trial in one line, for the log: keys and values as JSON."""
    return ", ".join(f"{key} {json.dumps(value)}" for key, value in values.items())


def _judge(config: dict, finished: Sequence[Trial], values: Mapping) -> Judge | None:
    """Whether a trial should be cut short, from its history so far; None where none ever is."""
    if config["warmup_epochs"] is None:
        return None
    return lambda history: is_behind(
        config["space"],
        finished,
        values,
        _errors(history),
        config["startup_trials"],
        config["warmup_epochs"],
    )


def _train(
    task: Task,
    tried: dict,
    values: Mapping,
    device: torch.device,
    checkpoint: Checkpoint,
    is_hopeless: Judge | None,
) -> Trial:
    """One trial: `values` in their places are `tried`, of which `task` is made."""
    start = time.monotonic()
    try:
        result = fit(task, tried["training"], tried["seed"], device, checkpoint, is_hopeless)
    except DivergenceError as error:
        logger.warning("%s", error)
        return Trial(DIVERGED, values, _errors(error.history), time.monotonic() - start)
    state = PRUNED if result.given_up else COMPLETE
    return Trial(state, values, _errors(result.history), result.seconds)


def _errors(history: Sequence[dict]) -> list[float]:
    return [row["validation_mse"] for row in history]


def _report(finished: Sequence[Trial], count: int) -> None:
    trial = finished[-1]
    error = "" if trial.error is None else f", validation MSE {trial.error:.5f}"
    complete = [each.error for each in finished if each.state == COMPLETE]
    logger.info(
        "trial %d/%d: %s after %d epochs%s; best so far %s",
        len(finished),
        count,
        trial.state,
        len(trial.errors),
        error,
        f"{min(complete):.5f}" if complete else "none",
    )


def _best_text(path: str | Path, model: str, config: dict, trials: Sequence[Trial]) -> str:
    """best.yaml: the best values as a part of the configuration, with what was found above them."""
    best = best_trial(trials)
    trial = trials[best]
    states = Counter(each.state for each in trials)
    states = ", ".join(f"{states[name]} {name}" for name in STATES if states[name])
    lines = [
        f"The best of {len(trials)} trials of {model} ({states}) by the MSE on the validation",
        f"images: trial {best + 1}, {trial.error:.6f} after epoch {trial.best_epoch}, "
        f"seed {config['model']['seed']}. To use it:",
        f"  snakemake --cores 16 --configfile {path}",
    ]
    content: dict = {}
    place = content
    for name in (*config["section"], model):
        place = place.setdefault(name, {})
    for key, value in trial.values.items():
        section, name = key.split(".")
        place.setdefault(section, {})[name] = value
    remarks = "".join(f"# {line}\n" for line in lines)
    return remarks + yaml.safe_dump(content, sort_keys=False)
