"""The files that a data set, or a part of it, lies in."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DataFiles:
    """The files of a data set: of each range one of each kind, named by it, in the same order.

    Attributes:
        inputs: .npy files, framed images or what a frozen trunk makes of them (features).
        parameters, splits: CSV files.
    """

    inputs: Sequence[str | Path]
    parameters: Sequence[str | Path]
    splits: Sequence[str | Path]

    @property
    def paths(self) -> list[str | Path]:
        """All of them."""
        return [*self.inputs, *self.parameters, *self.splits]
