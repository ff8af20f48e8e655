"""Radiance's picture format (.hdr): red, green, blue and a common exponent, run-length coded."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.given_files import check_memory, regular_file

HDR_SIGNATURES = (b"#?RADIANCE", b"#?RGBE")

# Scanlines of other widths are never run-length coded.
CODED_WIDTHS = range(8, 32768)

# Bytes within which a header ends: a few lines, and perhaps comments.
LONGEST_HEADER = 2**16


def read_hdr(path: str | Path, check_size: Callable[[Path, int, int], None]) -> np.ndarray:
    """Read a .hdr file, upright and flat or run-length coded.

    Unlike common image libraries it doesn't fill in what a file that was cut short lacks. EXPOSURE
    lines are left alone, as MaterialX's loader leaves them.

    Args:
        check_size: told path, width and height before the pixels are decoded; raises an InputError
            where they are of no use.

    Returns:
        float32 (height, width, 3), linear.

    Raises:
        InputError: missing, not such a file, mirrored or turned, too large for memory, or cut short.
    """
    path = Path(path)
    remedy = "Save or copy it again as a Radiance .hdr file."
    length = regular_file(path, "a Radiance .hdr file")
    try:
        with open(path, "rb") as file:
            header, _, rest = file.read(min(length, LONGEST_HEADER)).partition(b"\n\n")
            if not header.startswith(HDR_SIGNATURES) or b"FORMAT=32-bit_rle_rgbe" not in header:
                raise InputError(
                    f"{path}: not a Radiance picture of format 32-bit_rle_rgbe. {remedy}"
                )
            size, _, _ = rest.partition(b"\n")
            match = re.fullmatch(rb"-Y (\d{1,9}) \+X (\d{1,9})", size.strip())
            if not match or 0 in (int(match[1]), int(match[2])):
                raise InputError(
                    f"{path}: found the size {size[:40]!r}, expected '-Y HEIGHT +X WIDTH'. {remedy}"
                )
            height, width = int(match[1]), int(match[2])
            check_size(path, width, height)
            check_memory(path, width, height)
            file.seek(len(header) + 2 + len(size) + 1)
            # Coded in the longest way a scanline has its head, and two bytes a value.
            pixels = file.read(height * (4 + 8 * width))
    except OSError as error:
        raise InputError(
            f"{path}: can't be read ({error.strerror}). Correct the path or its permissions."
        ) from error
    rgbe = decode_pixels(pixels, height, width)
    if rgbe is None:
        raise InputError(
            f"{path}: the pixels are cut short or damaged; expected {width} x {height}. {remedy}"
        )
    # value = mantissa / 256 * 2^(exponent - 128); exponent 0 is black (Ward 1991).
    scale = np.ldexp(np.float32(1), rgbe[..., 3:].astype(np.int32) - 136)
    values = rgbe[..., :3] * scale
    values[rgbe[..., 3] == 0] = 0
    return values


def decode_pixels(data: bytes, height: int, width: int) -> np.ndarray | None:
    """Decode scanlines into uint8 (height, width, 4); None if they are cut short or damaged."""
    coded = width in CODED_WIDTHS and data[:2] == b"\x02\x02"
    if not coded:
        # With more bytes it is a coded one with a damaged head.
        if len(data) != 4 * height * width:
            return None
        flat = np.frombuffer(data, np.uint8)
        return flat.reshape(height, width, 4)
    # A scanline is at least its four bytes of head and two a run of 127: don't trust a huge size.
    if len(data) < height * (4 + 8 * (width // 128)):
        return None
    rgbe = np.empty((height, width, 4), dtype=np.uint8)
    start = 0
    for row in rgbe:
        if data[start : start + 4] != bytes([2, 2, width >> 8, width & 255]):
            return None
        start += 4
        for channel in range(4):
            line = bytearray()
            while len(line) < width:
                if start + 1 >= len(data):
                    return None
                count = data[start]
                if count > 128:
                    line += data[start + 1 : start + 2] * (count - 128)
                    start += 2
                else:
                    line += data[start + 1 : start + 1 + count]
                    start += 1 + count
                if count == 0 or start > len(data):
                    return None
            if len(line) != width:
                return None
            row[:, channel] = np.frombuffer(bytes(line), np.uint8)
    return rgbe
