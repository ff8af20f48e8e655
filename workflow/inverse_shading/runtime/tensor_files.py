"""Named tensors in one file (safetensors), with a description that says what they are."""

import json
import struct
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import check_seal, sealed_path

# safetensors writes several metadata keys in no fixed order; one key keeps equal files equal.
DESCRIPTION_KEY = "description"


def write_tensors(path: str | Path, tensors: dict[str, torch.Tensor], description: dict) -> None:
    """Write tensors and their description; the same content gives the same bytes.

    Args:
        tensors: by name, on any device.
        description: anything that JSON can hold.
    """
    metadata = {DESCRIPTION_KEY: json.dumps(description, sort_keys=True)}
    contiguous = {
        name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()
    }
    with sealed_path(path) as temporary:
        # Not the library's own writing to a file, whose errors on a full disk are its own too.
        temporary.write_bytes(save(contiguous, metadata))


def read_tensors(path: str | Path) -> dict[str, torch.Tensor]:
    """Read every tensor of a safetensors file, on the CPU: one of ours or a user's own.

    Raises:
        InputError: missing, cut off, or not such a file.
    """
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise InputError(_unreadable(path, error)) from error


def read_description(path: str | Path) -> dict:
    """Read the description of a file made by `write_tensors`, and check the whole file.

    Whoever reads the tensors of such a file reads its description first.

    Raises:
        InputError: missing, damaged, or without a description.
    """
    check_seal(path)
    try:
        with Path(path).open("rb") as file:
            # The format begins with the header's length, then the header as JSON.
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
        return json.loads(header["__metadata__"][DESCRIPTION_KEY])
    except (OSError, struct.error, ValueError, KeyError, OverflowError, MemoryError) as error:
        raise InputError(_unreadable(path, error)) from error


def _unreadable(path: str | Path, error: Exception) -> str:
    return (
        f"{path}: can't be read as a safetensors file ({type(error).__name__}: {error}). If this "
        "workflow made it, delete it and run the same command again; if it is your own, fetch or "
        "save it again."
    )
