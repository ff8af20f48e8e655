"""How large a mesh file may be, so that reading it ends soon and fits into memory."""

from inverse_shading.runtime.errors import InputError

# Bytes of a file, and of all files that it refers to.
LARGEST_FILE = 2**28

# Vertices and triangles of the whole mesh, each node of a scene that shows one counted.
MOST_VERTICES = MOST_TRIANGLES = 4_000_000


def check_limit(found: int, most: int, what: str) -> None:
    """Refuse what would be too many, before there is memory for it.

    Args:
        what: is counted, such as "triangles".

    Raises:
        InputError: without the file's name.
    """
    if found > most:
        raise InputError(f"{found} {what}, expected at most {most}")
