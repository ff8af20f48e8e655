"""Files that are either whole or absent, and that prove to be whole when they are read."""

import errno
import hashlib
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from inverse_shading.runtime.errors import InputError

# Beside a sealed file lies its checksum under this further suffix, as `sha256sum` writes it.
SEAL_SUFFIX = ".sha256"

# Hexadecimal digits of a SHA-256.
DIGITS = 64

# Bytes of the longest checksum, with the longest name behind it.
LONGEST_SEAL = 512

# Bytes of a name that temporary files take over; file systems allow 255 in all.
LONGEST_STEM = 100


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` when the block ends well.

    If the block raises, the temporary file is removed and `path` is left as it was. The file is
    flushed to disk before the rename, so a power cut can't leave a short file under the final name.
    What a killed process of this machine left of an earlier try is removed.

    Raises:
        InputError: the folder can't be written to, or the disk is full.
    """
    with _replacing(path) as temporary:
        yield temporary
        _finish(temporary)
        os.replace(temporary, path)


@contextmanager
def sealed_path(path: str | os.PathLike) -> Iterator[Path]:
    """As `atomic_path`, and write the file's checksum beside it, for `check_seal`.

    For every file that a later step reads: formats notice a missing end, seldom a flipped bit.
    """
    path = Path(path)
    with _replacing(path) as temporary:
        yield temporary
        seal = _seal_text(temporary, path.name)
        with _replacing(seal_path(path)) as temporary_seal:
            temporary_seal.write_text(seal, encoding="utf-8")
            # All that takes time comes first. Killed between the two renames, the pair doesn't match
            # and readers refuse it.
            for made in (temporary, temporary_seal):
                _finish(made)
            os.replace(temporary, path)
            os.replace(temporary_seal, seal_path(path))


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_sealed_text(path: str | os.PathLike, text: str) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all, with its checksum beside it."""
    with sealed_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def check_seal(path: str | os.PathLike) -> None:
    """Check that a file has the bytes it was written with.

    Raises:
        InputError: the file or its checksum is missing or can't be read, or they don't match.
    """
    recorded = read_seal(path)
    try:
        found = _digest(path)
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}). {_remedy(path)}") from error
    if found != recorded:
        raise InputError(
            f"{path}: its contents don't match the checksum in {seal_path(path)}: the file was "
            f"damaged or changed after it was written. {_remedy(path)}"
        )


def read_seal(path: str | os.PathLike) -> str:
    """The SHA-256 that a file had when it was written, 64 hexadecimal digits.

    Raises:
        InputError: there is no checksum beside the file, or it isn't one.
    """
    beside = seal_path(path)
    try:
        with _open_regular(beside) as file:
            digest = file.read(LONGEST_SEAL).decode().partition(" ")[0].strip()
    except (OSError, ValueError) as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else error
        raise InputError(
            f"{path}: can't be checked, since its checksum {beside} can't be read ({reason}). "
            f"{_remedy(path)}"
        ) from error
    if len(digest) != DIGITS or set(digest) - set("0123456789abcdef"):
        raise InputError(f"{beside}: found {digest[:70]!r}, expected a SHA-256. {_remedy(path)}")
    return digest


def seal(path: str | os.PathLike) -> None:
    """Write the checksum of a file as it is now."""
    write_text(seal_path(path), _seal_text(path, Path(path).name))


def seal_path(path: str | os.PathLike) -> Path:
    """Where a file's checksum lies."""
    return Path(f"{os.fspath(path)}{SEAL_SUFFIX}")


@contextmanager
def _replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Give a temporary path beside `path` and remove it in the end if it is still there."""
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        prefix = f".{_short(path.stem)}.{socket.gethostname()}."
        _remove_orphans(path.parent, prefix, path.suffix)
        # The suffix stays last because some libraries choose the format by it.
        handle, name = tempfile.mkstemp(
            prefix=f"{prefix}{os.getpid()}.", suffix=path.suffix, dir=path.parent
        )
        os.close(handle)
        temporary = Path(name)
        yield temporary
    except OSError as error:
        raise InputError(
            f"{path}: can't be written ({error.strerror or error}). "
            f"Check the space and the permissions of {path.parent}, then run the same command again."
        ) from error
    finally:
        if temporary is not None:
            # In a folder that became read-only it stays, until the next writer removes it.
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _short(name: str) -> str:
    """A name, or its digest where the name leaves no room for what is put before and behind it."""
    coded = os.fsencode(name)
    return name if len(coded) <= LONGEST_STEM else hashlib.sha256(coded).hexdigest()


def _finish(temporary: Path) -> None:
    """Flush a file to disk, with the permissions that it is to have."""
    with open(temporary, "rb") as file:
        os.fsync(file.fileno())
    # mkstemp makes private files; results are meant to be shared like any other file.
    umask = os.umask(0)
    os.umask(umask)
    temporary.chmod(0o666 & ~umask)


def _remove_orphans(folder: Path, prefix: str, suffix: str) -> None:
    """Remove temporary files of processes of this machine that are no more."""
    for entry in folder.iterdir():
        if entry.name.startswith(prefix) and entry.suffix == suffix:
            process = entry.name.removeprefix(prefix).partition(".")[0]
            if process.isdigit() and not _is_alive(int(process)):
                entry.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


def _seal_text(path: str | os.PathLike, name: str) -> str:
    return f"{_digest(path)}  {name}\n"


def _digest(path: str | os.PathLike) -> str:
    with _open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _open_regular(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Open a file that has an end: a named pipe would wait for a writer, a device go on for ever."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        yield file


def _remedy(path: str | os.PathLike) -> str:
    return f"Delete {path} and run the same command again to make it anew."
