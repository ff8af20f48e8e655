"""A user's picture file, whatever its format, in the encoding that training images have."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inverse_shading.pictures.decoded import Decoded, straight
from inverse_shading.pictures.file_kind import FileKind, file_kind
from inverse_shading.pictures.raster import decode_raster
from inverse_shading.pictures.tiff import TIFF_SIGNATURES, decode_tiff
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.given_files import check_memory, regular_file
from inverse_shading.scene.exr_file import EXR_SIGNATURE, read_exr
from inverse_shading.scene.radiance_hdr import HDR_SIGNATURES, read_hdr
from inverse_shading.scene.srgb import srgb_encode

ENCODINGS = ("auto", "srgb", "linear")

# Smaller ones show too little of an object; larger ones are no picture of one.
SMALLEST_SIDE = 32
LARGEST_SIDE = 16384


@dataclass(frozen=True)
class Picture:
    """What a file shows.

    Attributes:
        pixels: float32 (height, width, 3), sRGB-encoded, levels of 255 in [0, 255], first row on top.
        alpha: float32 (height, width), coverage from 0 to 1, straight; None if all is opaque.
        encoding: "srgb" or "linear", what the file's values were taken for.
        kind: how the file rounds and compresses them.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    encoding: str
    kind: FileKind


def read_picture(path: str | Path, encoding: str = "auto", layer: str | None = None) -> Picture:
    """Read a PNG, JPEG, WebP, TIFF, BMP, OpenEXR or Radiance .hdr file.

    The format is told by the file's contents. Of several pages or frames the first counts.

    Args:
        encoding: what the values are: "srgb", "linear" (1 is white; what is above is clipped), or
            "auto": linear where they are floating-point numbers (OpenEXR, .hdr), else sRGB.
        layer: of an OpenEXR file, see `exr_file.read_exr`.

    Raises:
        InputError: missing, no regular file, no picture, cut short, damaged, too small or large for
            memory, or not finite; it names the file.
    """
    path = Path(path)
    if encoding not in ENCODINGS:
        raise InputError(f"encoding: found {encoding!r}, expected one of {', '.join(ENCODINGS)}.")
    try:
        return _read(path, encoding, layer)
    except MemoryError as error:
        raise InputError(
            f"{path}: there isn't enough memory to decode it. Scale it down, or free memory."
        ) from error


def _read(path: Path, encoding: str, layer: str | None) -> Picture:
    decoded = _decode(path, layer)
    _check_size(path, *decoded.values.shape[1::-1])
    for name, values in (("pixels", decoded.values), ("alpha", decoded.alpha)):
        if values is not None and not np.isfinite(values).all():
            count = int((~np.isfinite(values)).sum())
            raise InputError(
                f"{path}: found {count} values of the {name} that are no finite numbers. Render or "
                "save it again without them."
            )
    if encoding == "auto":
        encoding = "linear" if decoded.linear else "srgb"
    alpha = decoded.alpha
    if alpha is not None:
        alpha = np.clip(alpha, 0, 1).astype(np.float32)
        alpha = None if (alpha == 1).all() else alpha
    kind = file_kind(path, decoded.values, not decoded.linear, encoding == "linear")
    values = np.clip(decoded.values, 0, 1)
    del decoded  # a large picture's values take a gigabyte
    if encoding == "linear":
        values = srgb_encode(values)
    values *= 255
    return Picture(values.astype(np.float32, copy=False), alpha, encoding, kind)


def _decode(path: Path, layer: str | None) -> Decoded:
    if not regular_file(path, "a picture"):
        raise InputError(f"{path}: the file is empty, expected a picture. Save or copy it again.")
    try:
        with open(path, "rb") as file:
            start = file.read(16)
    except OSError as error:
        raise InputError(
            f"{path}: can't be read ({error.strerror}). Correct the path or its permissions."
        ) from error
    if start.startswith(EXR_SIGNATURE):
        values, alpha = read_exr(path, _check_size, layer)
        return Decoded(straight(values, alpha), alpha, linear=True)
    if layer is not None:
        raise InputError(
            f"{path}: found no OpenEXR picture, expected one with the layer {layer!r}. Leave --layer "
            "out: pictures of other formats have none."
        )
    if start.startswith(HDR_SIGNATURES):
        return Decoded(read_hdr(path, _check_size), None, linear=True)
    if start.startswith(TIFF_SIGNATURES):
        return decode_tiff(path, _check_size)
    return decode_raster(path, _check_size)


def _check_size(path: Path, width: int, height: int, pixel_bytes: int = 0) -> None:
    if min(width, height) < SMALLEST_SIDE or max(width, height) > LARGEST_SIDE:
        raise InputError(
            f"{path}: found {width} x {height} pixels, expected {SMALLEST_SIDE} to {LARGEST_SIDE} a "
            "side. Render it again or scale it."
        )
    check_memory(path, width, height, pixel_bytes)
