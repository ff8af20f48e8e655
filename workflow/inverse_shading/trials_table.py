"""The trials of a search: what each tried and how it went, as a table."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .errors import InputError
from .files import check_seal, write_sealed_text

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
