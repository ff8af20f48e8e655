"""Which images are trained on, chosen on, and only reported on."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.runtime.artefacts import check_identifiers, read_csv, write_csv
from inverse_shading.runtime.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("train", "validation", "test")

# A stream of random numbers apart from the parameters', which are drawn from [seed, first index].
SPLIT_STREAM = 1


def split_sizes(n_images: int, fractions: dict[str, float]) -> dict[str, int]:
    """Sizes of the three splits of `n_images` images.

    Args:
        n_images: images of one shard.
        fractions: shares of train, validation and test, adding up to 1.

    Raises:
        InputError: the shares don't add up to 1, or don't divide the shard into whole images.
    """
    total = sum(fractions[name] for name in SPLITS)
    if abs(total - 1) > 1e-9:
        raise InputError(
            f"split: train + validation + test is {total:g}; the three shares must add up to 1."
        )
    sizes = {name: round(fractions[name] * n_images) for name in SPLITS}
    for name, size in sizes.items():
        if abs(fractions[name] * n_images - size) > 1e-6 or size == 0:
            raise InputError(
                f"split.{name}: {fractions[name]:g} of shard_size {n_images} is "
                f"{fractions[name] * n_images:g} images; allowed are shares that give a whole "
                "number of images, at least one, in every shard. Change the share or shard_size."
            )
    return sizes


def draw_split(images: ImageRange, fractions: dict[str, float], seed: int) -> list[str]:
    """Assign each image of a range to a split at random, with exact sizes inside the range.

    Because the draw is made inside the range, no image changes sides when the data set grows.

    Returns:
        The name of the split of each image, in order.
    """
    sizes = split_sizes(len(images), fractions)
    names = [name for name in SPLITS for _ in range(sizes[name])]
    entropy = np.random.SeedSequence([seed, images.first], spawn_key=(SPLIT_STREAM,))
    return [names[index] for index in np.random.default_rng(entropy).permutation(len(names))]


def write_split(
    path: str | Path, images: ImageRange, fractions: dict[str, float], seed: int
) -> None:
    """Write the split of a range as CSV: `id` and `split`."""
    write_csv(path, {"id": images.identifiers, "split": draw_split(images, fractions, seed)})


def read_split(path: str | Path, images: ImageRange | None = None) -> "pd.Series":
    """Read the split of a range.

    Returns:
        The names of the splits, indexed by id, in order.

    Raises:
        InputError: damaged, unreadable, other columns, an unknown split, or other ids than those
            of `images`.
    """
    split = read_csv(path, "a split table", {"id": str, "split": SPLITS}).set_index("id")["split"]
    if images is not None:
        check_identifiers(path, split.index, images.identifiers, images)
    return split


def shards_of_sample(
    count: int, shard_size: int, fractions: Mapping[str, float], split: str = "test"
) -> int:
    """How many shards, from the first, hold `count` images of a split, known before any is drawn.

    Every shard has the same number of them, see `splits.split_sizes`.

    Raises:
        InputError: the shares don't divide a shard.
    """
    return -(-count // split_sizes(shard_size, dict(fractions))[split])
