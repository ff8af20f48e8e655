"""What happens to what decoders of pictures throw, and how large pictures may be told before."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from inverse_shading.runtime.errors import InputError

# Told the size before the pixels are decoded: path, width, height, and bytes of a pixel where they
# may be more than those of float RGB.
CheckSize = Callable[..., None]

REMEDY = "Save or copy it again, as PNG, JPEG, WebP, TIFF, BMP, OpenEXR or Radiance .hdr."


@contextmanager
def decoder(path: Path, remedy: str = REMEDY) -> Iterator[None]:
    """Run another library's decoder, which may throw anything at a damaged file.

    Raises:
        InputError: it threw an exception, of whatever kind; or an InputError of the block itself.
        MemoryError: the picture needn't be damaged.
    """
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        raise damaged(path, str(error) or type(error).__name__, remedy) from error


def damaged(path: Path, reason: str, remedy: str = REMEDY) -> InputError:
    """The error for a picture that isn't whole."""
    # Some decoders quote what they found at length.
    reason = " ".join(reason.split())[:200]
    return InputError(
        f"{path}: the picture is cut short, damaged or of an unusual kind ({reason}). {remedy}"
    )
