"""The table of parameters: sampled, written, read and checked."""

from pathlib import Path

import numpy as np
import pandas as pd

from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.material.parameters import DECIMALS, PARAMETERS
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import check_seal, sealed_path


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
    with sealed_path(path) as temporary:
        table.to_csv(temporary, index=False, float_format=f"%.{DECIMALS}f", lineterminator="\n")


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
    check_seal(path)
    remedy = f"Delete {path} and run the same command again to make it anew."
    try:
        table = pd.read_csv(path, dtype={"id": str})
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: can't be read as a parameters table ({error}). {remedy}"
        ) from error
    expected = ["id", *PARAMETERS]
    if list(table.columns) != expected:
        raise InputError(
            f"{path}: found the columns {list(table.columns)}, expected {expected}. {remedy}"
        )
    table = table.set_index("id")
    values = table.to_numpy()
    if values.dtype != np.float64 or not ((values >= 0) & (values <= 1)).all():
        raise InputError(f"{path}: found a value that is not a number in [0, 1]. {remedy}")
    if images is not None and list(table.index) != images.identifiers:
        raise InputError(
            f"{path}: found {len(table)} rows beginning with {list(table.index[:1])}, "
            f"expected the ids of {images}, in order. {remedy}"
        )
    return table
