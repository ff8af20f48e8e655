"""The table of parameters: sampled, written, read and checked."""

from pathlib import Path

import numpy as np
import pandas as pd

from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.material.parameters import DECIMALS, PARAMETERS
from inverse_shading.runtime.artefacts import Numbers, check_identifiers, read_csv, write_csv


def sample_parameters(images: ImageRange, seed: int) -> np.ndarray:
    """Draw the parameters of a range of images, independent and uniform in [0, 1].

    The generator is seeded by `seed` and the range's first index alone, so a larger data set has
    the same first shards.

    Returns:
        float64 array of shape (len(images), 10), rounded to six decimals.
    """
    generator = np.random.default_rng(np.random.SeedSequence([seed, images.first]))
    return generator.uniform(size=(len(images), len(PARAMETERS))).round(DECIMALS)


def write_parameters(path: str | Path, images: ImageRange, seed: int) -> None:
    """Sample the parameters of `images` and write them as CSV: `id` and the ten columns."""
    table = pd.DataFrame(sample_parameters(images, seed), columns=list(PARAMETERS))
    table.insert(0, "id", images.identifiers)
    write_csv(path, table, f"%.{DECIMALS}f")


def read_parameters(path: str | Path, images: ImageRange | None = None) -> pd.DataFrame:
    """Read a parameters table and check it.

    Args:
        path: a CSV written by `write_parameters`.
        images: if given, the ids that the table must have, in order.

    Returns:
        A table indexed by `id` (strings) with the ten float64 columns of `PARAMETERS`.

    Raises:
        InputError: damaged, unreadable, other columns, other ids, or a value outside [0, 1].
    """
    columns = {"id": str} | dict.fromkeys(PARAMETERS, Numbers(0, 1))
    table = read_csv(path, "a parameters table", columns).set_index("id")
    if images is not None:
        check_identifiers(path, table.index, images.identifiers, images)
    return table
