"""The record of a run: the few numbers of a results folder that docs/results.md is written from.

A record is a folder of small text files, each sealed, so that a number changed by hand is refused. It
may hold further records in folders of its own. One of them with studies continues the run: its studies
are read as the run's own, and must be of the same images, weights and precision. Those of a second
stage, of another precision, and of bins with other losses and values are runs of their own, with
studies or without. Records are written by `recording`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from inverse_shading.evaluation.comparison_table import FORMATS, MODEL, PUBLISHED
from inverse_shading.evaluation.paired_tests import FORMATS as PAIRED_FORMATS
from inverse_shading.evaluation.paired_tests import Difference
from inverse_shading.evaluation.predictor_names import BASELINES
from inverse_shading.runtime.artefacts import read_csv, read_json
from inverse_shading.runtime.errors import InputError
from inverse_shading.training.trials import STATES

# Of the files of a record. Another one is refused.
FORMAT = 1
SUMMARY, COMPARISON, PAIRED = "record.json", "comparison.csv", "paired_tests.csv"
TRAININGS, TRIALS = "trainings.csv", "trials.csv"

# Keys of record.json.
FACTS = (
    "format",
    "version",
    "images",
    "machine",
    "config",
    "refinement",
    "ridge_penalties",
    "trials",
    "stages",
    "pictures",
)

# Parts that were made otherwise than the run beside them: on another stage, with another arithmetic,
# and, of other losses, on another machine, whose renders are rounded otherwise.
SECOND_STAGE, BFLOAT16, LOSSES = "second_stage", "bfloat16", "losses"
OWN_RUNS = (SECOND_STAGE, BFLOAT16, LOSSES)

# Column by column: how values that only a record has are written. Half-widths of 95 % intervals have a
# name of their own: over seeds, and over images.
TABLE, VS_FLOOR = "table", "test_mse_vs_floor"
TRAINING_FORMATS = {
    "model": "s",
    "seeds": "d",
    "test_less_validation": ".6f",
    "test_less_validation_seeds": ".6f",
    "test_less_validation_images": ".6f",
    "epoch_seconds": ".4f",
    "epoch_seconds_seeds": ".4f",
    "best_epoch_seconds": ".4f",
    "best_epoch_seconds_seeds": ".4f",
}
TRIAL_COLUMNS = {
    "model": str,
    "number": float,
    "state": STATES,
    "validation_mse": float,
    "values": str,
}

# The remedy of what is wrong with a record.
REMAKE = "make the record anew: inverse-shading record RESULTS --output"


@dataclass(frozen=True)
class Record:
    """A record that was read.

    Attributes:
        folder: where it lies.
        rows: of all tables by name, None where a row has no such value: the columns of comparison.csv,
            `table` (the study that a row belongs to, "" for the comparison itself) and
            `test_mse_vs_floor`. Studies of `continuations` are among them, and with them their
            differences, trainings and trials.
        differences: of every pair that was tested, in both directions: (name, reference).
        trainings: of every model by name, the columns of `TRAINING_FORMATS`.
        trials: of the searches, the columns of `TRIAL_COLUMNS`, `values` by key.
        facts: the content of record.json.
        parts: further records by the name of their folder.
        is_part: whether it is one of those.
    """

    folder: Path
    rows: Mapping[str, Mapping]
    differences: Mapping[tuple[str, str], Difference] = field(default_factory=dict)
    trainings: Mapping[str, Mapping] = field(default_factory=dict)
    trials: Sequence[Mapping] = ()
    facts: Mapping = field(default_factory=dict)
    parts: Mapping[str, "Record"] = field(default_factory=dict)
    is_part: bool = False

    @property
    def continuations(self) -> list["Record"]:
        """Parts that continue this run: those with studies that aren't runs of their own."""
        return [part for name, part in self.parts.items() if part.studied and name not in OWN_RUNS]

    @property
    def studied(self) -> list[str]:
        """Names of the rows of studies."""
        return [name for name, row in self.rows.items() if row[TABLE]]

    @cached_property
    def published(self) -> list[Mapping]:
        """The poster's rows."""
        return [row for row in self.rows.values() if row["source"] == PUBLISHED]

    def of(self, *sources: str, table: str = "") -> list[Mapping]:
        """Rows of a table that come from such sources."""
        return [
            row for row in self.rows.values() if row[TABLE] == table and row["source"] in sources
        ]

    def seeds_interval(self, row: Mapping) -> float | None:
        """Half-width of a row's interval over seeds; None where a study or a part has one seed.

        Raises:
            InputError: a model of the comparison itself was trained from a single seed.
        """
        interval = row["test_mse_interval"]
        needed = row["source"] == MODEL and not row[TABLE] and not self.is_part
        if interval is None and needed:
            raise InputError(
                f"{self.folder / COMPARISON}: found one seed of {row['model']}, expected two at "
                "least, since its interval over seeds is asked for. Set `seeds: [1, 2, 3, 4, 5]` in "
                "the configuration, remove any of the model's own, run it again, and "
                f"{_remake(self.folder)}"
            )
        return interval


def read_record(folder: str | Path, is_part: bool = False) -> Record:
    """Read a record and those in its folders.

    Raises:
        InputError: a file is missing, damaged, or of another format; or what continues it is of
            other images, weights or another precision than the record.
    """
    folder = Path(folder)
    with _of_record(folder):
        facts = read_json(folder / SUMMARY, "a record", ["format"])
        if facts["format"] != FORMAT:
            raise InputError(
                f"{folder / SUMMARY}: found a record of format {json.dumps(facts['format'])}, "
                f"expected {FORMAT}."
            )
        read_json(folder / SUMMARY, "a record", FACTS)
        table = read_csv(folder / COMPARISON, "a comparison", _kinds(_comparison_formats()))
        rows: dict[str, Mapping] = {}
        for row in _plain_rows(table):
            rows.setdefault(row["model"], row)
        trainings = read_csv(folder / TRAININGS, "trainings", _kinds(TRAINING_FORMATS))
        trials = []
        if facts["trials"]:
            trials = _plain_rows(read_csv(folder / TRIALS, "trials", TRIAL_COLUMNS))
        record = Record(
            folder,
            rows,
            _read_differences(folder / PAIRED),
            {row["model"]: row for row in _plain_rows(trainings)},
            [trial | {"values": json.loads(trial["values"])} for trial in trials],
            facts,
            {
                path.parent.name: read_record(path.parent, is_part=True)
                for path in sorted(folder.glob(f"*/{SUMMARY}"))
            },
            is_part,
        )
    for part in record.continuations:
        _refuse_other_run(record, part)
    for part in record.continuations:
        record = _with_studies(record, part)
    return record


def _with_studies(record: Record, part: Record) -> Record:
    """The record with the studies of a part; what it has itself stays."""
    new = {name: part.rows[name] for name in part.studied if name not in record.rows}
    rows = {**record.rows, **new}
    differences = {
        (a, b): found
        for (a, b), found in part.differences.items()
        if (a in new or b in new) and a in rows and b in rows
    }
    trainings = {name: found for name, found in part.trainings.items() if name in new}
    trials = [trial for trial in part.trials if trial["model"] in new]
    return replace(
        record,
        rows=rows,
        differences={**record.differences, **differences},
        trainings={**record.trainings, **trainings},
        trials=[*record.trials, *trials],
    )


def _refuse_other_run(record: Record, part: Record) -> None:
    """Refuse studies of other images, which baselines tell, or of other features than the record's."""

    def refuse(name: str, column: str, expected: object, found: object) -> None:
        raise InputError(
            f"{part.folder / COMPARISON}: found {column} {found} of {name}, expected {expected} as in "
            f"{record.folder / COMPARISON}, since studies must be of the same images, weights and "
            f"precision. Record a run of the same configuration there, or remove {part.folder}."
        )

    for name in BASELINES:
        for column in ("train_mse", "validation_mse", "test_mse"):
            expected, found = (one.rows.get(name, {}).get(column) for one in (record, part))
            if found != expected:
                refuse(name, column, expected, found)
    for name, row in part.rows.items():
        alike = [
            one for one in record.rows.values() if one["trunk"] and one["trunk"] == row["trunk"]
        ]
        for column in ("weights", "precision"):
            expected = {_origin(one[column]) for one in alike if one[column]}
            if expected and row[column] and _origin(row[column]) not in expected:
                refuse(name, column, " or ".join(sorted(expected)), row[column])


def _origin(weights: str) -> str:
    """Where weights come from, without what a model adds: the size of its images, its renders."""
    return re.sub(r", (images of \d+ px|[\d,]+ streamed materials)", "", weights)


def _comparison_formats() -> dict[str, str]:
    return {TABLE: "s", **FORMATS, VS_FLOOR: ".4f"}


def _kinds(formats: Mapping[str, str]) -> dict[str, type]:
    return {name: str if form == "s" else float for name, form in formats.items()}


def _plain_rows(table: pd.DataFrame) -> list[dict]:
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [dict(row) for row in rows]


@contextmanager
def _of_record(folder: Path) -> Iterator[None]:
    """Give an error the remedy of a record, which no rule makes."""
    try:
        yield
    except InputError as error:
        problem = str(error).partition(" Delete ")[0]
        # Of this record, or of one in its folders.
        if REMAKE in problem:
            raise
        raise InputError(f"{problem} To mend it, {_remake(folder)}") from error


def _remake(folder: Path) -> str:
    return f"{REMAKE} {folder}"


def _read_differences(path: Path) -> dict[tuple[str, str], Difference]:
    table = read_csv(path, "paired tests", _kinds({TABLE: "s", **PAIRED_FORMATS}))
    found: dict[tuple[str, str], Difference] = {}
    for row in table.to_dict("records"):
        a, b, p = row["a"], row["b"], row["p_holm"]
        found.setdefault((a, b), Difference(a, row["difference"], row["low"], row["high"], p))
        found.setdefault((b, a), Difference(b, -row["difference"], -row["high"], -row["low"], p))
    return found
