"""Decoding TIFF: checked in all its parts, then 16 bits and floats by tifffile, the rest by Pillow."""

import lzma
import math
import zlib
from pathlib import Path

import numpy as np
import tifffile
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC, PLANARCONFIG, PREDICTOR, SAMPLEFORMAT

from inverse_shading.pictures.decoded import (
    REMEDY,
    CheckSize,
    Decoded,
    decoder,
    from_samples,
    upright,
)
from inverse_shading.pictures.raster import ORIENTATION, decode_raster, is_srgb
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.given_files import check_memory

TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

ICC_PROFILE = 34675
CMYK = PHOTOMETRIC.SEPARATED

# What is compressed with a checksum, and is inflated twice: once in steps that a bomb can't exceed.
STREAMS = {
    COMPRESSION.ADOBE_DEFLATE: zlib.decompressobj,
    COMPRESSION.DEFLATE: zlib.decompressobj,
    COMPRESSION.LZMA: lzma.LZMADecompressor,
}

# What tifffile decodes without a further library; Pillow has the others.
PRECISE = {COMPRESSION.NONE, COMPRESSION.PACKBITS, *STREAMS}


def decode_tiff(path: Path, check_size: CheckSize) -> Decoded:
    """Decode a TIFF's first page."""
    with decoder(path), tifffile.TiffFile(path) as file:
        page = file.pages[0]
        kind = _kind(path, page)
        bits, samples = page.bitspersample, page.samplesperpixel
        check_size(path, page.imagewidth, page.imagelength, samples * bits // 8)
        _check_segments(path, page, file.filehandle)
        profile = page.tags.valueof(ICC_PROFILE)
        coloured = kind == "uint" and profile and not is_srgb(bytes(profile))
        plain = page.photometric in (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB)
        separate = page.planarconfig == PLANARCONFIG.SEPARATE
        deep = bits == 16 or kind == "float"
        if (
            deep
            and plain
            and not coloured  # colours before precision
            and page.compression in PRECISE
            and page.predictor in (PREDICTOR.NONE, PREDICTOR.HORIZONTAL)
        ):
            data = page.asarray()
            data = np.moveaxis(data, 0, -1) if separate and data.ndim == 3 else data
            data = data[..., None] if data.ndim == 2 else data
            decoded = from_samples(
                data.astype(np.float32) / (65535 if kind == "uint" else 1),
                linear=kind == "float",
                premultiplied=EXTRASAMPLE.ASSOCALPHA in page.extrasamples,
            )
            return upright(decoded, page.tags.valueof(ORIENTATION, 1))
        if deep and ((separate and samples > 1) or not (plain or page.photometric == CMYK)):
            # Pillow takes planes of 16 bits for rows, and white for black.
            raise InputError(
                f"{path}: found {bits} bits a sample together with planes, a colour profile, "
                f"photometric {page.photometric} or compression {page.compression}, which can't be "
                "decoded together. Save it as RGB, interleaved, uncompressed or with Deflate."
            )
    return decode_raster(path, check_size)


def _kind(path: Path, page: tifffile.TiffPage) -> str:
    """What the samples are: "uint" or "float"."""
    bits, kind = page.bitspersample, page.sampleformat
    if kind in (SAMPLEFORMAT.UINT, SAMPLEFORMAT.VOID) and bits in (1, 2, 4, 8, 16):
        return "uint"
    if kind == SAMPLEFORMAT.IEEEFP and bits in (16, 32, 64):
        return "float"
    raise InputError(
        f"{path}: found samples of {bits} bits in format {kind}, expected unsigned integers of at "
        "most 16 bits or floating-point numbers of 16, 32 or 64. Save it as one of these."
    )


def _check_segments(path: Path, page: tifffile.TiffPage, file: tifffile.FileHandle) -> None:
    """Check that all strips or tiles are there, and that each inflates to what it should.

    Raises:
        InputError: it names the file.
    """
    bits, samples, planes = page.bitspersample, page.samplesperpixel, 1
    rows, columns = page.rowsperstrip, page.imagewidth
    if page.is_tiled:
        rows, columns = page.tilelength, page.tilewidth
    down, across = math.ceil(page.imagelength / rows), math.ceil(page.imagewidth / columns)
    check_memory(path, across * columns, down * rows, samples * bits // 8)
    if page.planarconfig == PLANARCONFIG.SEPARATE:
        samples, planes = 1, samples
    row = math.ceil(columns * samples * bits / 8)
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    whole = (
        len(segments) == planes * down * across
        and page.imagedepth == 1
        and all(at > 0 and count > 0 and at + count <= file.size for at, count in segments)
        # None twice: a small file can't be decoded to much.
        and sum(count for _, count in segments) <= file.size
    )
    for index, (at, count) in enumerate(segments if whole else []):
        height = rows
        if not page.is_tiled:  # the last strip ends with the picture
            height = min(rows, page.imagelength - index % down * rows)
        least, most = height * row, rows * row
        if page.is_subsampled:
            least = 0
        if page.compression == COMPRESSION.NONE:
            whole = whole and count >= least
        elif page.compression in STREAMS:
            file.seek(at)
            stream = STREAMS[page.compression]()
            length = len(stream.decompress(file.read(count), most + 1))
            whole = whole and stream.eof and least <= length <= most
    if not whole:
        raise InputError(f"{path}: the picture is cut short or damaged. {REMEDY}")
