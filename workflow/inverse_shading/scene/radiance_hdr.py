"""Radiance's picture format (.hdr): red, green, blue and a common exponent, run-length coded."""

import re
from pathlib import Path

import numpy as np

from inverse_shading.runtime.errors import InputError

SIGNATURES = (b"#?RADIANCE", b"#?RGBE")

# Scanlines of other widths are never run-length coded.
CODED_WIDTHS = range(8, 32768)


def read_hdr(path: str | Path) -> np.ndarray:
    """Read a .hdr file, upright and flat or run-length coded.

    Unlike common image libraries it doesn't fill in what a file that was cut short lacks. EXPOSURE
    lines are left alone, as MaterialX's loader leaves them.

    Returns:
        float32 (height, width, 3), linear.

    Raises:
        InputError: missing, not such a file, mirrored or turned, or cut short.
    """
    path = Path(path)
    remedy = "Save or copy it again as a Radiance .hdr file."
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: can't be read ({error.strerror}). Correct the path or its permissions."
        ) from error
    header, _, rest = data.partition(b"\n\n")
    if not header.startswith(SIGNATURES) or b"FORMAT=32-bit_rle_rgbe" not in header:
        raise InputError(f"{path}: not a Radiance picture of format 32-bit_rle_rgbe. {remedy}")
    size, _, pixels = rest.partition(b"\n")
    match = re.fullmatch(rb"-Y (\d+) \+X (\d+)", size.strip())
    if not match or 0 in (int(match[1]), int(match[2])):
        raise InputError(
            f"{path}: found the size {size[:40]!r}, expected '-Y HEIGHT +X WIDTH'. {remedy}"
        )
    height, width = int(match[1]), int(match[2])
    rgbe = decode_pixels(pixels, height, width)
    if rgbe is None:
        raise InputError(
            f"{path}: the pixels are cut short or damaged; expected {width} x {height}. {remedy}"
        )
    # value = mantissa / 256 * 2^(exponent - 128); exponent 0 is black (Ward 1991).
    scale = np.ldexp(np.float32(1), rgbe[..., 3:].astype(np.int32) - 136)
    return np.where(rgbe[..., 3:] > 0, rgbe[..., :3] * scale, 0).astype(np.float32)


def decode_pixels(data: bytes, height: int, width: int) -> np.ndarray | None:
    """Decode scanlines into uint8 (height, width, 4); None if they are cut short or damaged."""
    coded = width in CODED_WIDTHS and data[:2] == b"\x02\x02"
    if not coded:
        if len(data) < 4 * height * width:
            return None
        flat = np.frombuffer(data, np.uint8, 4 * height * width)
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
