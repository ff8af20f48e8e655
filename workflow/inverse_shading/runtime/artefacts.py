"""Files that steps hand on: written with a seal; read, checked, and refused with the remedy.

CSV, JSON, npy and safetensors, and `reading` for what has a form of its own, such as a shard's tar.
Callers say what a file is ("a parameters table") and what it holds.

Libraries are imported where they are needed: who reads JSON doesn't wait for pandas, and who reads
NumPy's tensors doesn't for PyTorch.
"""

import json
import math
import struct
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import check_seal, sealed_path, write_sealed_text

if TYPE_CHECKING:
    import pandas as pd

# safetensors writes several metadata keys in no fixed order; one key keeps equal files equal.
DESCRIPTION_KEY = "description"

# Bytes of JSON that is read into memory; what steps write has some thousand.
LARGEST_JSON = 2**28


class Numbers(NamedTuple):
    """A column of finite numbers from `low` to `high`, both included."""

    low: float = -math.inf
    high: float = math.inf

    def __str__(self) -> str:
        if self == FINITE:
            return "finite number"
        return f"number in [{self.low:g}, {self.high:g}]"


FINITE = Numbers()

#: What a column holds: `str`; texts that are allowed; `float`, NaN where a cell is empty; `Numbers`.
Column = type | Sequence[str] | Numbers


def unusable(path: str | Path, problem: str) -> InputError:
    """The error of an artefact that can't be used.

    Args:
        problem: such as "found …, expected …", without a full stop.
    """
    return InputError(
        f"{path}: {problem}. Delete {path} and run the same command again to make it anew."
    )


@contextmanager
def reading(path: str | Path, what: str, *errors: type[Exception]) -> Iterator[None]:
    """Check the seal of a file, then read it in the block.

    Args:
        what: the file is, such as "metrics".
        errors: that reading raises on damaged files beside OSError and ValueError.

    Raises:
        InputError: no seal or another one, or the block raised one of these errors.
    """
    check_seal(path)
    try:
        yield
    except (OSError, ValueError, *errors) as error:
        reason = str(error) or type(error).__name__
        raise unusable(path, f"can't be read as {what} ({reason})") from error


def write_json(path: str | Path, content: Mapping) -> None:
    """Write JSON, keys in the order given.

    Raises:
        InputError: the file can't be written.
        ValueError: a number is not finite.
    """
    write_sealed_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: str | Path, what: str, keys: Sequence[str] = ()) -> dict:
    """Read a JSON object.

    Args:
        what: the file is, such as "metrics".
        keys: that it must have.

    Raises:
        InputError: missing, damaged, no JSON object, or a key is missing.
    """
    # RecursionError: brackets in brackets, thousands deep.
    with reading(path, what, RecursionError):
        size = Path(path).stat().st_size
        if size > LARGEST_JSON:
            raise ValueError(f"found {size} bytes, expected at most {LARGEST_JSON}")
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        found = json.dumps(content)[:70]
        raise unusable(path, f"can't be read as {what} (found {found}, expected an object)")
    missing = [key for key in keys if key not in content]
    if missing:
        raise unusable(path, f"can't be read as {what} (found no {', '.join(missing)})")
    return content


def write_csv(path: str | Path, table: Any, float_format: str | None = None) -> None:
    """Write a table: a row of names, then the rows, without an index.

    Args:
        table: a DataFrame, or what makes one: columns by name, or rows as mappings.
        float_format: of floats, such as "%.6f".
    """
    import pandas as pd

    with sealed_path(path) as temporary:
        pd.DataFrame(table).to_csv(
            temporary, index=False, float_format=float_format, lineterminator="\n"
        )


def read_csv(
    path: str | Path, what: str, columns: Mapping[str, Column], whole: bool = True
) -> "pd.DataFrame":
    """Read a table and check it.

    Args:
        what: the file is, such as "a parameters table".
        columns: what each holds, by name.
        whole: whether these are all columns, in this order; others are dropped.

    Returns:
        At least one row of `columns`: texts ("" where a cell is empty) and float64.

    Raises:
        InputError: missing, damaged, no such columns, no row, or a cell that its column can't hold.
    """
    import pandas as pd

    numbers = [name for name, kind in columns.items() if kind is float or type(kind) is Numbers]
    texts = [name for name in columns if name not in numbers]
    with reading(path, what):
        table = pd.read_csv(
            path,
            dtype=dict.fromkeys(texts, str),
            keep_default_na=False,
            na_values={name: ["", "nan", "NaN"] for name in numbers},
        )
    if whole and list(table) != list(columns):
        raise unusable(path, f"found the columns {list(table)}, expected {list(columns)}")
    missing = [name for name in columns if name not in table]
    if missing:
        raise unusable(path, f"found no column {', '.join(missing)}, expected {what}")
    table = table[list(columns)].fillna(dict.fromkeys(texts, ""))
    if table.empty:
        raise unusable(path, f"found no row, expected {what} of at least one")
    try:
        table[numbers] = table[numbers].astype("float64")
    except ValueError as error:
        raise unusable(path, f"found text among the numbers ({error})") from error
    for name, kind in columns.items():
        _check_column(path, table[name], kind)
    return table


def _check_column(path: str | Path, column: "pd.Series", kind: Column) -> None:
    if type(kind) is Numbers:
        wrong = column[~(np.isfinite(column) & column.between(*kind))]
        if len(wrong):
            raise unusable(
                path,
                f"found a value that is not a {kind}, {wrong.iloc[0]} in the column {column.name}",
            )
    elif not isinstance(kind, type):
        wrong = column[~column.isin(kind)]
        if len(wrong):
            allowed = ", ".join(text or "nothing" for text in kind)
            raise unusable(
                path,
                f"found {wrong.iloc[0]!r} in the column {column.name}, expected one of {allowed}",
            )


def check_identifiers(
    path: str | Path, found: Sequence[str], expected: Sequence[str], of: object
) -> None:
    """Check that a table is of the images it should be of.

    Args:
        found, expected: ids of images.
        of: what these images are, such as "the sample".

    Raises:
        InputError: other images, or another order.
    """
    if list(found) != list(expected):
        raise unusable(
            path,
            f"found {len(found)} images beginning with {list(found[:1])}, expected the "
            f"{len(expected)} of {of} beginning with {list(expected[:1])}, in order",
        )


def write_array(path: str | Path, array: np.ndarray) -> None:
    """Write an array as .npy."""
    with sealed_path(path) as temporary:
        np.save(temporary, array)


def open_array(
    path: str | Path, what: str, dtypes: Sequence[type], shape: Sequence[int | str]
) -> np.ndarray:
    """Map an array into memory, read-only, and check its form.

    Args:
        what: the file is, such as "features".
        dtypes: that are allowed.
        shape: the length of each axis, or its name where any is allowed.

    Raises:
        InputError: missing, damaged, or another array.
    """
    # NumPy reads the header as a literal of Python.
    with reading(
        path, what, EOFError, SyntaxError, tokenize.TokenError, MemoryError, RecursionError
    ):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    fits = len(array.shape) == len(shape) and all(
        isinstance(wanted, str) or length == wanted
        for length, wanted in zip(array.shape, shape, strict=True)
    )
    if array.dtype not in dtypes or not fits:
        kinds = " or ".join(np.dtype(kind).name for kind in dtypes)
        raise unusable(
            path,
            f"found {array.dtype} {array.shape}, expected {kinds} ({', '.join(map(str, shape))})",
        )
    return array


def write_tensors(
    path: str | Path, tensors: Mapping[str, Any], description: Mapping, key: str = DESCRIPTION_KEY
) -> None:
    """Write tensors and their description as safetensors; the same content gives the same bytes.

    Args:
        tensors: by name: NumPy's, or PyTorch's on any device.
        description: anything that JSON can hold.
        key: of the description in the file.
    """
    if all(isinstance(tensor, np.ndarray) for tensor in tensors.values()):
        from safetensors.numpy import save

        plain = {name: np.array(tensor, order="C") for name, tensor in tensors.items()}
    else:
        from safetensors.torch import save

        plain = {
            name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()
        }
    with sealed_path(path) as temporary:
        # Not the library's own writing to a file, whose errors on a full disk are its own too.
        temporary.write_bytes(save(plain, {key: json.dumps(description, sort_keys=True)}))


def read_tensors(path: str | Path, framework: str = "pt") -> dict[str, Any]:
    """Read every tensor of a safetensors file, on the CPU: one of ours or a user's own.

    Args:
        framework: whose tensors to make: "pt" or "numpy".

    Raises:
        InputError: missing, cut off, or not such a file.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework=framework, device="cpu") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{path}: can't be read as a safetensors file ({type(error).__name__}: {error}). If "
            "this workflow made it, delete it and run the same command again; if it is your own, "
            "fetch or save it again."
        ) from error


def read_description(
    path: str | Path, what: str = "a safetensors file", key: str = DESCRIPTION_KEY
) -> dict:
    """Read the description of a file made by `write_tensors`, and check the whole file.

    Whoever reads the tensors of such a file reads its description first.

    Raises:
        InputError: missing, damaged, or without a description.
    """
    with reading(path, what, struct.error, OverflowError, MemoryError, RecursionError):
        with Path(path).open("rb") as file:
            # The format begins with the header's length, then the header as JSON.
            (length,) = struct.unpack("<Q", file.read(8))
            if length > Path(path).stat().st_size:
                raise ValueError("found a header that is longer than the file")
            header = json.loads(file.read(length))
        metadata = header.get("__metadata__", {}) if isinstance(header, dict) else {}
        if key not in metadata:
            raise ValueError("found no description in it")
        return json.loads(metadata[key])
