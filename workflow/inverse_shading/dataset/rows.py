"""Features and labels of many shards as one data set, without loading it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from inverse_shading.dataset.feature_files import features_precision
from inverse_shading.dataset.framed_images import open_images
from inverse_shading.dataset.labels import Labels
from inverse_shading.dataset.ranges import parse_range
from inverse_shading.runtime.artefacts import open_array, unusable
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.jobs import progress


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
    """Features of a frozen trunk: float16 or float32 (n, channels, height, width).

    Args:
        paths: as of `ShardRows`.
        precision: that a file must name if it names one.

    Raises:
        InputError: as `ShardRows`, or a file names another precision.
    """

    def __init__(self, paths: Sequence[str | Path], precision: str):
        super().__init__(paths, partial(_open_features, precision=precision))


class ImageShards(ShardRows):
    """Framed images: uint8 (n, side, side, 3)."""

    def __init__(self, paths: Sequence[str | Path]):
        super().__init__(paths, lambda path: open_images(path, parse_range(Path(path).stem)))


def open_features(paths: Sequence[str | Path], labels: Labels, precision: str) -> FeatureShards:
    """Map the features of the images that `labels` names, in the same order.

    Args:
        precision: that the model was configured for.

    Raises:
        InputError: a file is wrong, of another precision, or the files hold other images.
    """
    _check_images(paths, labels)
    return FeatureShards(paths, precision)


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


def _open_features(path: str | Path, precision: str) -> np.ndarray:
    shape = (len(parse_range(Path(path).stem)), "channels", "height", "width")
    array = open_array(path, "features", [np.float16, np.float32], shape)
    found = features_precision(path)
    if found not in (None, precision):
        raise unusable(path, f"found features in {found}, expected {precision}")
    return array
