"""The folder that a user wants outputs in."""

import tempfile
from pathlib import Path

from inverse_shading.runtime.errors import InputError


def make_folder(folder: str | Path) -> None:
    """Make a folder if need be, and check that files can be written there, before work begins.

    Raises:
        InputError: it can't be made or written to.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"{folder}: can't be written to ({error.strerror}). Check its permissions and the space, "
            "then run the same command again, or give another folder as --output."
        ) from error
