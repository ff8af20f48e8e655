"""predictions.csv: what a predictor said of every image, written and read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inverse_shading.dataset.labels import Labels
from inverse_shading.material.parameters import DECIMALS, PARAMETERS
from inverse_shading.runtime.artefacts import FINITE, read_csv, unusable, write_csv

ENDS = ("low", "high")


def write_predictions(
    path: str | Path, labels: Labels, predicted: np.ndarray, ends: np.ndarray | None = None
) -> None:
    """Write a row an image: id, split, ten `<parameter>_true`, ten `<parameter>_predicted`.

    Args:
        labels: of all images.
        predicted: (n, 10), columns as in `parameters.PARAMETERS`.
        ends: (n, 2, 10), of a network that gives intervals: `<parameter>_low`, `<parameter>_high`.
    """
    true = labels.values.to_numpy()
    columns = {"id": labels.values.index, "split": labels.split}
    columns |= {f"{name}_true": true[:, i] for i, name in enumerate(PARAMETERS)}
    columns |= {f"{name}_predicted": predicted[:, i] for i, name in enumerate(PARAMETERS)}
    if ends is not None:
        for end, kind in enumerate(ENDS):
            columns |= {f"{name}_{kind}": ends[:, end, i] for i, name in enumerate(PARAMETERS)}
    write_csv(path, columns, f"%.{DECIMALS}f")


@dataclass(frozen=True)
class Predictions:
    """What one predictor said of some images.

    Attributes:
        identifiers: the images' ids.
        split: the name of the split of each.
        true, predicted: float64 (n, 10), columns as in `parameters.PARAMETERS`.
    """

    identifiers: list[str]
    split: np.ndarray
    true: np.ndarray
    predicted: np.ndarray

    def is_of_images_of(self, other: "Predictions") -> bool:
        """Whether both are of the same images in the same order, split and true values included."""
        return (
            self.identifiers == other.identifiers
            and np.array_equal(self.split, other.split)
            and np.array_equal(self.true, other.true)
        )


def read_predictions(path: str | Path, split: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Read the predictions of one split.

    Args:
        path: as for `read_all_predictions`.
        split: train, validation or test.

    Returns:
        The ids, the true and the predicted parameters, both float64 (n, 10), in the table's order.

    Raises:
        InputError: as `read_all_predictions`, or no image of that split.
    """
    every = read_all_predictions(path)
    rows = np.flatnonzero(every.split == split)
    if not len(rows):
        raise unusable(path, f"found no image of the split {split!r}, expected some")
    identifiers = [every.identifiers[row] for row in rows]
    return identifiers, every.true[rows], every.predicted[rows]


def read_ends(path: str | Path, split: str) -> np.ndarray:
    """The ends of the intervals that a network gave for the images of one split.

    Returns:
        float64 (n, 2, 10), lower and upper, in the order of `read_predictions`.

    Raises:
        InputError: damaged, unreadable, a column missing, or a value that is not a finite number.
    """
    names = [f"{name}_{kind}" for kind in ENDS for name in PARAMETERS]
    columns = {"split": str} | dict.fromkeys(names, FINITE)
    table = read_csv(path, "predictions with intervals", columns, whole=False)
    chosen = table[table["split"] == split][names]
    return chosen.to_numpy().reshape(len(chosen), len(ENDS), len(PARAMETERS))


def read_all_predictions(path: str | Path) -> Predictions:
    """Read the predictions of all images.

    Args:
        path: a predictions.csv: id, split, `<parameter>_true` and `<parameter>_predicted`.

    Raises:
        InputError: damaged, unreadable, a column missing, or a value that is not a finite number.
    """
    true, predicted = ([f"{name}_{kind}" for name in PARAMETERS] for kind in ("true", "predicted"))
    columns = {"id": str, "split": str} | dict.fromkeys([*true, *predicted], FINITE)
    table = read_csv(path, "predictions", columns, whole=False)
    return Predictions(
        list(table["id"]),
        table["split"].to_numpy(str),
        table[true].to_numpy(),
        table[predicted].to_numpy(),
    )


def sampled_test_images(
    predictions: str | Path, count: int
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The first test images in the order of their ids, with what a predictor says of them.

    Args:
        predictions: a predictions.csv.
        count: how many; all test images if there are fewer.

    Returns:
        The ids, the true and the predicted parameters, both float64 (n, 10).

    Raises:
        InputError: as `predictions.read_predictions`, or an id occurs twice.
    """
    identifiers, true, predicted = read_predictions(predictions, "test")
    if len(set(identifiers)) < len(identifiers):
        raise unusable(predictions, "found a test image twice, expected each once")
    # Ids have nine digits each.
    first = np.argsort(identifiers, kind="stable")[:count]
    return [identifiers[row] for row in first], true[first], predicted[first]
