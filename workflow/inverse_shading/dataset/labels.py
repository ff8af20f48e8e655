"""Labels: the true parameters of every image, and the split that it is in."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from inverse_shading.dataset.parameter_table import read_parameters
from inverse_shading.dataset.ranges import parse_range
from inverse_shading.dataset.splits import SPLITS, read_split
from inverse_shading.runtime.errors import InputError


@dataclass(frozen=True)
class Labels:
    """The true parameters of images and their splits.

    Attributes:
        values: table indexed by id with the ten columns of `parameters.PARAMETERS`, in [0, 1].
        split: name of the split of each image, in the same order.
    """

    values: pd.DataFrame
    split: np.ndarray

    @cached_property
    def targets(self) -> np.ndarray:
        """float32 (n, 10)."""
        return self.values.to_numpy(np.float32)

    def indices(self, split: str) -> np.ndarray:
        """Rows of a split, ascending."""
        return np.flatnonzero(self.split == split)

    def learning_from(self, count: int | None) -> "Labels":
        """The same with training and validation images beyond the first `count` left out of theirs.

        Test images stay what they are, so that models that learn from more and from fewer images
        are tested on the same ones. Those left out are of no split.

        Args:
            count: None for all.

        Raises:
            InputError: nothing is left to train on or to validate with.
        """
        if count is None:
            return self
        beyond = (np.arange(len(self.split)) >= count) & (self.split != "test")
        labels = Labels(self.values, np.where(beyond, "unused", self.split))
        for name in SPLITS:
            if not len(labels.indices(name)):
                raise InputError(
                    f"images: found {count}, expected enough for the split {name} to have an image."
                )
        return labels

    def without(self, split: str) -> "Labels":
        """The same with the images of a split hidden: their values are NaN, and they are of no split.

        A sum that one of them gets into by mistake is NaN itself.
        """
        hidden = self.split == split
        values = self.values.mask(np.broadcast_to(hidden[:, None], self.values.shape))
        return Labels(values, np.where(hidden, "unused", self.split))


def read_labels(parameters: Sequence[str | Path], splits: Sequence[str | Path]) -> Labels:
    """Read parameters and splits of all ranges.

    Args:
        parameters, splits: CSV files named by their ranges, in the same order.

    Raises:
        InputError: a file is wrong, the two lists are of other ranges, or a split is empty.
    """
    ranges = _same_ranges(parameters, splits)
    values = pd.concat(
        [read_parameters(path, r) for path, r in zip(parameters, ranges, strict=True)]
    )
    split = np.concatenate(
        [read_split(path, r).to_numpy(str) for path, r in zip(splits, ranges, strict=True)]
    )
    labels = Labels(values, split)
    for name in SPLITS:
        if not len(labels.indices(name)):
            raise InputError(
                f"{splits[0]} and the {len(splits) - 1} files after it: found no image in the "
                f"split {name}, expected at least one. Look at the `split` section of the config."
            )
    return labels


def _same_ranges(parameters: Sequence[str | Path], splits: Sequence[str | Path]) -> list:
    stems = [[Path(path).stem for path in paths] for paths in (parameters, splits)]
    if stems[0] != stems[1] or not stems[0]:
        raise InputError(
            f"Found parameters of the ranges {stems[0][:3]} … and splits of {stems[1][:3]} …; "
            "expected the same ranges in the same order, at least one."
        )
    return [parse_range(stem) for stem in stems[0]]
