"""Index ranges: how the data set is cut into shards, and how images and shards are called."""

import re
from dataclasses import dataclass

from inverse_shading.runtime.errors import InputError


@dataclass(frozen=True)
class ImageRange:
    """Images `first` to `last`, both included."""

    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"{self.first:06d}-{self.last:06d}"

    @property
    def identifiers(self) -> list[str]:
        """The images' names in order, nine digits each, as they stand in shards and tables."""
        return [f"{index:09d}" for index in range(self.first, self.last + 1)]


def parse_range(text: str) -> ImageRange:
    """Read `000000-000499`.

    Raises:
        InputError: the text is not such a range.
    """
    match = re.fullmatch(r"(\d{6,})-(\d{6,})", text)
    if not match or int(match[1]) > int(match[2]):
        raise InputError(
            f"{text!r} is not a range of images; expected FIRST-LAST, six digits or more each, "
            "such as 000000-000499."
        )
    return ImageRange(int(match[1]), int(match[2]))


def image_ranges(n_images: int, shard_size: int) -> list[ImageRange]:
    """Cut `n_images` into ranges of `shard_size`; the first ones stay the same when n_images grows."""
    return [ImageRange(first, first + shard_size - 1) for first in range(0, n_images, shard_size)]
