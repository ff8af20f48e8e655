"""The trials of a search: as a table, and in the file from which a killed search is resumed."""

import csv
import dataclasses
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import check_seal, write_sealed_text
from inverse_shading.runtime.jobs import logger

COMPLETE, PRUNED, DIVERGED = "complete", "pruned", "diverged"
STATES = (COMPLETE, PRUNED, DIVERGED)


@dataclass(frozen=True)
class Trial:
    """One training with values of the search's choice.

    Attributes:
        state: complete, pruned (cut short, since it fell behind) or diverged.
        values: what was tried, by key.
        errors: validation MSE after each epoch.
        seconds: wall time of all epochs.
    """

    state: str
    values: Mapping[str, object]
    errors: Sequence[float]
    seconds: float

    @property
    def best_epoch(self) -> int:
        """The epoch of the lowest validation MSE, the first of equals; 0 without any epoch."""
        return min(range(len(self.errors)), key=self.errors.__getitem__) + 1 if self.errors else 0

    @property
    def error(self) -> float | None:
        """The lowest validation MSE; None where the training diverged."""
        return None if self.state == DIVERGED else min(self.errors)


def best_trial(trials: Sequence[Trial]) -> int:
    """Index of the complete trial with the lowest validation MSE, the first of equals.

    Raises:
        InputError: none is complete.
    """
    complete = [index for index, trial in enumerate(trials) if trial.state == COMPLETE]
    if not complete:
        raise InputError(
            f"search: none of {len(trials)} trials came to its end, since all diverged. Lower the "
            "learning rates under search.spaces for this model, or training.learning_rate."
        )
    return min(complete, key=lambda index: trials[index].error)


def write_trials(path: str | Path, keys: Sequence[str], trials: Sequence[Trial]) -> None:
    """Write trials.csv, a row a trial: number (from 1), state, the keys' values, validation_mse (the
    lowest; empty where it diverged), best_epoch, epochs, seconds.

    Args:
        path: where to write.
        keys: that were searched, in the order of the columns.
        trials: in their order.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["number", "state", *keys, "validation_mse", "best_epoch", "epochs", "seconds"])
    for number, trial in enumerate(trials, start=1):
        diverged = trial.error is None
        writer.writerow(
            [
                number,
                trial.state,
                *(_cell(trial.values[key]) for key in keys),
                "" if diverged else f"{trial.error:.9g}",
                "" if diverged else trial.best_epoch,
                len(trial.errors),
                f"{trial.seconds:.3f}",
            ]
        )
    write_sealed_text(path, buffer.getvalue())


def read_trials(path: str | Path, keys: Sequence[str]) -> pd.DataFrame:
    """Read trials.csv; `number` and `validation_mse` are numbers, the keys' values are text.

    Raises:
        InputError: the file is missing, damaged, or no table of these keys.
    """
    check_seal(path)
    remedy = f"Delete {path} and run the same command again to make it anew."
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        missing = {"number", "state", "validation_mse", *keys} - set(table.columns)
        if missing or table.empty or not set(table["state"]) <= set(STATES):
            raise ValueError(f"no trials of {', '.join(keys)}")
        for name in ("number", "validation_mse"):
            table[name] = pd.to_numeric(table[name])
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: can't be read as trials ({error}). {remedy}") from error
    return table


def _cell(value) -> str:
    """A value as JSON has it, but text as it is."""
    return value if isinstance(value, str) else json.dumps(value)


class KeptTrials:
    """The file of one search.

    Args:
        path: the file. It is written whole or not at all, with its checksum beside it.
        identity: all that a trial depends on, as JSON can hold it. Trials of another identity are not
            resumed.
    """

    def __init__(self, path: str | Path, identity: Mapping):
        self._path = Path(path)
        self._identity = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    def save(self, trials: Sequence[Trial]) -> None:
        """Write all finished trials in place of those before.

        Raises:
            InputError: the file can't be written.
        """
        content = {
            "identity": self._identity,
            "trials": [dataclasses.asdict(trial) for trial in trials],
        }
        write_sealed_text(self._path, json.dumps(content) + "\n")

    def load(self) -> list[Trial]:
        """The trials last saved; none if there are none that can be resumed."""
        if not self._path.exists():
            return []
        try:
            check_seal(self._path)
            content = json.loads(self._path.read_text(encoding="utf-8"))
            if content["identity"] != self._identity:
                logger.info("starting anew: %s is of another configuration or data", self._path)
                return []
            trials = [Trial(**trial) for trial in content["trials"]]
        except (InputError, OSError, ValueError, KeyError, TypeError) as error:
            # Nothing but time is lost with it.
            logger.warning("starting anew: %s", error)
            return []
        logger.info("going on after %d trials that are finished", len(trials))
        return trials
