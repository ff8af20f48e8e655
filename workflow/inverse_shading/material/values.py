"""The ten values of one material, checked."""

from collections.abc import Sequence

import numpy as np

from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.runtime.errors import InputError


def check_values(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return `values` as float64 of shape (10,), in the order of `PARAMETERS`.

    Raises:
        InputError: another shape, or a value that is not in [0, 1].
    """
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (len(PARAMETERS),) or not ((array >= 0) & (array <= 1)).all():
        raise InputError(
            f"A material has {len(PARAMETERS)} values in [0, 1] ({', '.join(PARAMETERS)}); "
            f"found {array.tolist()}. Correct the values."
        )
    return array
