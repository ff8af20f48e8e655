"""Features and labels of many shards as one data set, without loading it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from .errors import InputError
from .files import check_seal
from .images import open_images
from .jobs import progress
from .parameters import read_parameters
from .ranges import parse_range
from .splits import SPLITS, read_split


class Rows(Protocol):
    """Inputs of a network, an image a row."""

    shape: tuple[int, ...]

    def __len__(self) -> int: ...

    def rows(self, indices: np.ndarray) -> np.ndarray:
        """The rows of these indices, in their order."""
        ...


@dataclass(frozen=True)
class ArrayRows:
    """Rows that fit into memory: any array whose first axis counts images."""

    array: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape[1:]

    def __len__(self) -> int:
        return len(self.array)

    def rows(self, indices: np.ndarray) -> np.ndarray:
        return self.array[indices]


class ShardRows:
    """The inputs of all images, mapped from files: only rows that are asked for are read.

    Args:
        paths: .npy files named by their ranges, an image a row, in order.
        open_shard: maps one of them.

    Raises:
        InputError: a file is missing, damaged, of another type, or of other shape than the first.
    """

    def __init__(self, paths: Sequence[str | Path], open_shard: Callable[[str | Path], np.ndarray]):
        if not paths:
            raise InputError("Found no inputs; expected the .npy file of at least one range.")
        # Checking reads every byte once, which takes minutes where there are hundreds of gigabytes.
        self._arrays = [open_shard(path) for path in progress(paths, len(paths), "file")]
        self.shape: tuple[int, ...] = self._arrays[0].shape[1:]
        self.dtype: np.dtype = self._arrays[0].dtype
        for path, array in zip(paths, self._arrays, strict=True):
            if array.shape[1:] != self.shape or array.dtype != self.dtype:
                raise InputError(
                    f"{path}: found {array.dtype} of shape {array.shape[1:]}, expected {self.dtype} "
                    f"of shape {self.shape} as in {paths[0]}. Delete the one that is wrong and run "
                    "the same command again."
                )
        self._starts = np.cumsum([0, *(len(array) for array in self._arrays)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def rows(self, indices: np.ndarray) -> np.ndarray:
        """Read rows, (len(indices), *shape), in the order of `indices`."""
        indices = np.asarray(indices)
        result = np.empty((len(indices), *self.shape), self.dtype)
        shards = np.searchsorted(self._starts, indices, side="right") - 1
        for shard in np.unique(shards):
            chosen = np.flatnonzero(shards == shard)
            result[chosen] = self._arrays[shard][indices[chosen] - self._starts[shard]]
        return result


class FeatureShards(ShardRows):
    """Features of a frozen trunk: float16 or float32 (n, channels, height, width)."""

    def __init__(self, paths: Sequence[str | Path]):
        super().__init__(paths, _open_features)


class ImageShards(ShardRows):
    """Framed images: uint8 (n, side, side, 3)."""

    def __init__(self, paths: Sequence[str | Path]):
        super().__init__(paths, lambda path: open_images(path, parse_range(Path(path).stem)))


@dataclass(frozen=True)
class Labels:
    """What is to be predicted, and who is trained on.

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
        """The same with nothing known of the images of a split: their values are NaN, their split none.

        For what may not see them: a sum that they get into is NaN itself.
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


def open_features(paths: Sequence[str | Path], labels: Labels) -> FeatureShards:
    """Map the features of the images that `labels` names, in the same order.

    Raises:
        InputError: a file is wrong, or the files hold other images.
    """
    _check_images(paths, labels)
    return FeatureShards(paths)


def open_image_rows(paths: Sequence[str | Path], labels: Labels) -> ImageShards:
    """Map the framed images that `labels` names, in the same order.

    Raises:
        InputError: a file is wrong, or the files hold other images.
    """
    _check_images(paths, labels)
    return ImageShards(paths)


def _check_images(paths: Sequence[str | Path], labels: Labels) -> None:
    identifiers = [name for path in paths for name in parse_range(Path(path).stem).identifiers]
    if identifiers != list(labels.values.index):
        raise InputError(
            f"Found inputs of {len(identifiers)} images beginning with {identifiers[:1]}, "
            f"expected the {len(labels.values)} images of the parameters beginning with "
            f"{list(labels.values.index[:1])}, in the same order."
        )


def _same_ranges(parameters: Sequence[str | Path], splits: Sequence[str | Path]) -> list:
    stems = [[Path(path).stem for path in paths] for paths in (parameters, splits)]
    if stems[0] != stems[1] or not stems[0]:
        raise InputError(
            f"Found parameters of the ranges {stems[0][:3]} … and splits of {stems[1][:3]} …; "
            "expected the same ranges in the same order, at least one."
        )
    return [parse_range(stem) for stem in stems[0]]


def _open_features(path: str | Path) -> np.ndarray:
    check_seal(path)
    remedy = f"Delete {path} and run the same command again to make it anew."
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: can't be read as features ({error}). {remedy}") from error
    images = parse_range(Path(path).stem)
    if array.dtype not in (np.float16, np.float32) or array.ndim != 4 or len(array) != len(images):
        raise InputError(
            f"{path}: found {array.dtype} {array.shape}, expected float16 or float32 ({len(images)}, "
            f"channels, height, width). {remedy}"
        )
    return array
