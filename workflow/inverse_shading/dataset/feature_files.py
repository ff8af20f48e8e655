"""The head of a file of features: a .npy that says in which arithmetic its values were made."""

import re
from pathlib import Path

import numpy as np

# NumPy evaluates the head as a literal of Python, which may end in a comment.
_NOTE = "# precision: "
# Of a .npy of version 1.0: magic and version, bytes of the length, and what the whole is aligned to.
_MAGIC, _LENGTH, _ALIGNMENT = np.lib.format.magic(1, 0), 2, 64


def features_head(dtype: np.dtype, shape: tuple[int, ...], precision: str) -> bytes:
    """What stands before the rows, which follow in C order.

    Args:
        dtype, shape: of the whole array.
        precision: of the arithmetic, float32 or bfloat16; values are kept as `dtype`.
    """
    facts = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(dtype)),
        "fortran_order": False,
        "shape": shape,
    }
    text = f"{facts!r}  {_NOTE}{precision}"
    before = len(_MAGIC) + _LENGTH
    length = -(-(before + len(text) + 1) // _ALIGNMENT) * _ALIGNMENT - before
    return _MAGIC + length.to_bytes(_LENGTH, "little") + f"{text:<{length - 1}}\n".encode("latin1")


def features_precision(path: str | Path) -> str | None:
    """The precision that a file of features names; None where it was made by something else.

    Args:
        path: of a .npy that was opened before, so it is one.
    """
    with open(path, "rb") as file:
        file.seek(len(_MAGIC))
        head = file.read(int.from_bytes(file.read(_LENGTH), "little")).decode("latin1")
    found = re.search(rf"{_NOTE}(\w+) *\n", head)
    return found[1] if found else None
