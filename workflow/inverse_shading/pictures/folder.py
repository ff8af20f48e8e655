"""Which pictures are meant: single files, all of a folder, or the one of a name."""

from collections.abc import Iterable
from pathlib import Path

from inverse_shading.runtime.errors import InputError

# What is taken for a picture in a folder; a file given by its own name may have any.
SUFFIXES = (".bmp", ".exr", ".hdr", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def pictures_in(folder: str | Path) -> list[Path]:
    """All pictures that lie in a folder itself and aren't hidden, in the order of their names.

    Raises:
        InputError: there is no such folder, or no picture in it.
    """
    folder = Path(folder)
    # Hidden files aren't the user's: macOS puts one beside each picture, and a killed process may leave
    # one.
    found = [
        path
        for path in _entries(folder)
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    ]
    if not found:
        raise InputError(
            f"{folder}: found no picture, expected files that end in {', '.join(SUFFIXES)}."
        )
    return found


def picture_of(folder: str | Path, name: str) -> Path:
    """The picture of this name, without its suffix, in a folder.

    Raises:
        InputError: there is none, or several that differ in their suffix.
    """
    folder = Path(folder)
    found = [path for path in pictures_in(folder) if path.stem == name]
    if not found:
        raise InputError(
            f"{folder}: found no picture {name}, expected one that ends in {', '.join(SUFFIXES)}."
        )
    if len(found) > 1:
        raise InputError(
            f"{folder}: found {' and '.join(path.name for path in found)}, expected one picture of "
            "the name: their materials would be one file. Rename all but one."
        )
    return found[0]


def find_pictures(paths: Iterable[str | Path]) -> list[Path]:
    """Pictures as they are given, a folder standing for all in it.

    A file that isn't there stays in the list: whoever reads it says so.

    Raises:
        InputError: a folder without pictures.
    """
    return [
        picture
        for path in map(Path, paths)
        for picture in (pictures_in(path) if path.is_dir() else [path])
    ]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise InputError(
            f"{folder}: can't be read as a folder of pictures ({error.strerror}). Make it and put "
            "pictures there, or name another."
        ) from error
