"""The trials of a search: as a table, and in the file from which a killed search is resumed."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import Field

from inverse_shading.runtime.artefacts import FINITE, read_csv, unusable, write_csv
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import write_sealed_text
from inverse_shading.runtime.jobs import logger
from inverse_shading.runtime.sections import Section
from inverse_shading.runtime.typed_json import read_section
from inverse_shading.training.space import is_in_space

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
    rows = [
        {"number": number, "state": trial.state}
        | {key: _cell(trial.values[key]) for key in keys}
        | {
            "validation_mse": "" if trial.error is None else f"{trial.error:.9g}",
            "best_epoch": "" if trial.error is None else trial.best_epoch,
            "epochs": len(trial.errors),
            "seconds": f"{trial.seconds:.3f}",
        }
        for number, trial in enumerate(trials, start=1)
    ]
    write_csv(path, rows)


def read_trials(path: str | Path, keys: Sequence[str]) -> pd.DataFrame:
    """Read trials.csv; `number` and `validation_mse` are numbers, the keys' values are text.

    Raises:
        InputError: the file is missing, damaged, or no table of these keys.
    """
    columns = {"number": FINITE, "state": STATES, "validation_mse": float}
    table = read_csv(path, "trials", columns | dict.fromkeys(keys, str), whole=False)
    return table.astype({"number": int})


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

    def load(self, space: Mapping[str, Mapping]) -> list[Trial]:
        """The trials last saved; none if there are none that can be resumed.

        Args:
            space: what is tried by key, see `proposals.propose`.
        """
        if not self._path.exists():
            return []
        try:
            content = read_section(self._path, "trials", _Content)
            if content.identity != self._identity:
                logger.info("starting anew: %s is of another configuration or data", self._path)
                return []
            trials = [Trial(**trial.model_dump()) for trial in content.trials]
            for number, trial in enumerate(trials, start=1):
                if not _is_of(space, trial):
                    raise unusable(
                        self._path, f"found a trial, {number}, that this search can't make"
                    )
        except InputError as error:
            # Nothing but time is lost with it.
            logger.warning("starting anew: %s", error)
            return []
        logger.info("going on after %d trials that are finished", len(trials))
        return trials


class _KeptTrial(Section):
    """See `Trial`."""

    state: Literal[STATES]
    values: dict[str, Any]
    errors: list[float]
    seconds: Annotated[float, Field(ge=0)]


class _Content(Section):
    """What the file holds."""

    identity: str
    trials: list[_KeptTrial]


def _is_of(space: Mapping[str, Mapping], trial: Trial) -> bool:
    """Whether a search of this space makes such a trial."""
    return (
        trial.values.keys() == space.keys()
        and all(is_in_space(part, trial.values[key]) for key, part in space.items())
        and (trial.state == DIVERGED or len(trial.errors) > 0)
    )
