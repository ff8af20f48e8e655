"""Anybody's predictions scored on the test images of a results folder, beside its own tables."""

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inverse_shading.dataset.splits import SPLITS
from inverse_shading.evaluation.comparison_table import best_model
from inverse_shading.evaluation.confidence import half_width
from inverse_shading.evaluation.metrics import image_errors, read_metrics, score
from inverse_shading.evaluation.paired_tests import compare
from inverse_shading.evaluation.predictions import read_all_predictions, read_predictions
from inverse_shading.evaluation.predictor_names import FLOOR, RIDGE
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.runtime.artefacts import unusable
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.given_files import regular_file

COLUMNS = ("id", *PARAMETERS)

TEST = SPLITS[2]

# What errors are given as multiples of, from the results folder.
REFERENCES = (FLOOR, RIDGE)

# Bytes of a row of ten numbers with all their digits are about 220.
LARGEST_ROW = 1000

# Ids and values that a refusal names of each kind of mistake.
NAMED = 5

# Not Python's own numbers, which hold underscores and the digits of all scripts.
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)


@dataclass(frozen=True)
class Score:
    """What predictions came to on the test images.

    Attributes:
        errors: as `metrics.score` gives them.
        intervals: half-widths of the 95 % intervals of mse and mae over images.
        references: MSE of each of `REFERENCES` on the same images.
        against: as `paired_tests.compare` gives it, of these predictions (a) and the best model (b),
            with its name as `model` and the number of its seeds as `seeds`; None where the results
            hold no model's predictions.
    """

    errors: dict
    intervals: dict[str, float]
    references: dict[str, float]
    against: dict | None

    def content(self) -> dict:
        """As it is written to JSON."""
        return {
            **self.errors,
            "image_intervals": self.intervals,
            "references": {
                name: {"mse": mse, "multiple": self.errors["mse"] / mse}
                for name, mse in self.references.items()
            },
            "against_best_model": self.against,
        }


def score_predictions(predictions: str | Path, results: str | Path) -> Score:
    """Score predictions on the test images of a results folder.

    Args:
        predictions: see `read_given_predictions`.
        results: folder of a whole run. Its baselines say which images are tested and what is true; the
            best model is that of its comparison.

    Raises:
        InputError: the predictions are refused; the results are not those of a whole run, or damaged.
    """
    folder = Path(results)
    paths = {name: folder / "baselines" / name / "predictions.csv" for name in REFERENCES}
    for path in paths.values():
        if not path.exists():
            raise InputError(
                f"{folder}: found no {path.relative_to(folder)}, expected the results of a whole run. "
                "Give the folder `results` of one."
            )
    every = read_all_predictions(paths[FLOOR])
    test = every.split == TEST
    if test.sum() < 2:
        raise InputError(
            f"{folder}: found {test.sum()} test images, expected two at least. Give the results of a "
            "larger data set."
        )
    true = every.true[test]
    predicted = read_given_predictions(predictions, every.identifiers, test)
    references = {name: _test_predictions(path, paths[FLOOR]) for name, path in paths.items()}
    squared, absolute = image_errors(true, predicted)
    return Score(
        errors=score(true, predicted),
        intervals={"mse": half_width(squared), "mae": half_width(absolute)},
        references={name: score(true, values)["mse"] for name, values in references.items()},
        against=_compare_with_best(folder, squared, true, paths[FLOOR]),
    )


def read_given_predictions(
    path: str | Path, identifiers: Sequence[str], wanted: np.ndarray
) -> np.ndarray:
    """Read a CSV of somebody's predictions.

    Args:
        path: CSV in UTF-8, its columns `COLUMNS`.
        identifiers: of all images of the data set.
        wanted: bool (n,), which of these must have a row.

    Returns:
        float64 (wanted images, 10), in the order of `identifiers`.

    Raises:
        InputError: not such a file; ids missing, doubled or unknown; values that are no numbers from 0
            to 1. All of these are told at once.
    """
    rows = _read_rows(path, len(identifiers))
    values: dict[str, list[float]] = {}
    doubled, wrong = [], []
    for identifier, *cells in rows:
        if identifier in values:
            doubled.append(identifier)
        values[identifier] = [_number(cell) for cell in cells]
        wrong += [
            f"{identifier} {name} {cell[:20]!r}"
            for name, cell, value in zip(PARAMETERS, cells, values[identifier], strict=True)
            if not 0 <= value <= 1
        ]
    known = set(identifiers)
    needed = [name for name, is_wanted in zip(identifiers, wanted, strict=True) if is_wanted]
    mistakes = {
        "ids of test images missing": [name for name in needed if name not in values],
        "ids that occur again": list(dict.fromkeys(doubled)),
        "ids of no image of these results": [
            repr(name[:20]) for name in values if name not in known
        ],
        "values that are no number from 0 to 1": wrong,
    }
    found = [f"{len(which)} {what} ({_first(which)})" for what, which in mistakes.items() if which]
    if found:
        raise InputError(
            f"{path}: found {'; '.join(found)}. Expected one row for each of the {len(needed)} test "
            f"images, from {needed[0]} to {needed[-1]}, with ten numbers from 0 to 1. Correct the file."
        )
    return np.array([values[name] for name in needed], np.float64)


def _read_rows(path: str | Path, images: int) -> list[list[str]]:
    """The cells below the header, eleven a row."""
    largest = LARGEST_ROW * (images + 1)
    size = regular_file(path, "a CSV of predictions")
    if size > largest:
        raise InputError(
            f"{path}: found {size} bytes, expected at most {largest} for the {images} images of these "
            "results. Leave out other rows, or digits."
        )
    try:
        # A byte order mark, which spreadsheets write, is passed over.
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            if header != list(COLUMNS):
                raise ValueError(f"found the columns {_first(header, 12)}")
            rows = []
            for row in filter(None, reader):
                if len(row) != len(COLUMNS):
                    raise ValueError(f"found {len(row)} cells in line {reader.line_num}")
                rows.append(row)
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(
            f"{path}: can't be read as a CSV of predictions ({error}), expected UTF-8 with the columns "
            f"{','.join(COLUMNS)}. Correct the file."
        ) from error
    return rows


def _number(cell: str) -> float:
    return float(cell) if NUMBER.fullmatch(cell) else math.nan


def _first(names: Sequence[str], count: int = NAMED) -> str:
    return ", ".join(names[:count]) + (", …" if len(names) > count else "")


def _test_predictions(path: Path, reference: Path) -> np.ndarray:
    """What a predictor says of the test images, (n, 10); those must be the reference's."""
    (found, true, predicted), expected = (
        read_predictions(each, TEST) for each in (path, reference)
    )
    if found != expected[0] or not np.array_equal(true, expected[1]):
        raise InputError(
            f"{path}: found other test images than in {reference}, expected the same ones in the same "
            "order. Delete both and run the workflow again to make them anew."
        )
    return predicted


def _compare_with_best(
    folder: Path, squared: np.ndarray, true: np.ndarray, reference: Path
) -> dict | None:
    """The paired test against the table's best model, whose errors are averaged over its seeds."""
    table = folder / "comparison.csv"
    if not table.exists():
        return None
    best = best_model(table)
    model = folder / "models" / best
    paths = [model / f"seeds/{seed}/predictions.csv" for seed in _seeds(model / "metrics.json")]
    if not paths or not all(path.exists() for path in paths):
        return None
    errors = [image_errors(true, _test_predictions(path, reference))[0] for path in paths]
    return {"model": best, "seeds": len(paths)} | compare(squared, np.mean(errors, axis=0))


def _seeds(path: Path) -> list[int]:
    if not path.exists():
        return []
    try:
        return [int(each["seed"]) for each in read_metrics(path)["seeds"]]
    except (LookupError, TypeError, ValueError) as error:
        raise unusable(path, "found no seeds") from error
