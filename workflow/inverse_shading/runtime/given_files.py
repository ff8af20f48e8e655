"""Files that users give: what they are is checked before they are opened, their pixels before they
are decoded.
"""

import os
import stat
from pathlib import Path

from inverse_shading.runtime.errors import InputError

# Bytes of the largest file, and of the largest picture's pixels once they are decoded. Every picture
# becomes float RGB, so that these are 89 million pixels: more than cameras and renderers commonly
# make, and what Pillow takes too.
LARGEST = 2**30
FLOAT_RGB = 12

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def regular_file(path: str | os.PathLike, expected: str) -> int:
    """Check that a path leads to a file that has an end, without opening it.

    Reading a named pipe waits for a writer, a device may never end.

    Args:
        expected: what the file should be, with its article, for the message.

    Returns:
        its size in bytes, at most LARGEST.

    Raises:
        InputError: missing, unreadable, not a regular file (nor a link to one), or too large.
    """
    try:
        status = Path(path).stat()
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path}: can't be read ({reason}). Correct the path or its permissions."
        ) from error
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        found = KINDS.get(kind, "something that is no file")
        raise InputError(f"{path}: found {found}, expected {expected}. Give the path of a file.")
    if status.st_size > LARGEST:
        raise InputError(
            f"{path}: found {status.st_size} bytes, expected {expected} of at most {LARGEST}. "
            "Give a smaller one."
        )
    return status.st_size


def check_memory(path: str | os.PathLike, width: int, height: int, pixel_bytes: int = 0) -> None:
    """Check that pixels fit in memory, before they are decoded.

    Args:
        pixel_bytes: what the file's own channels take of each pixel once they are decoded.

    Raises:
        InputError: they would take more than LARGEST bytes.
    """
    pixel_bytes = max(pixel_bytes, FLOAT_RGB)
    if width * height * pixel_bytes > LARGEST:
        raise InputError(
            f"{path}: found {width} x {height} pixels of {pixel_bytes} bytes when decoded, expected "
            f"at most {LARGEST} bytes in all. Scale it down, or leave out channels."
        )
