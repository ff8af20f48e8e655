"""Decoding TIFF: checked in all its parts, then 16 bits and floats by tifffile, the rest by Pillow."""

import lzma
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import tifffile
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC, PLANARCONFIG, PREDICTOR, SAMPLEFORMAT

from inverse_shading.pictures.decoded import Decoded, from_samples, upright
from inverse_shading.pictures.raster import ORIENTATION, decode_raster, is_srgb, jpeg_ends
from inverse_shading.runtime.decoding import CheckSize, damaged, decoder
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.given_files import check_memory

TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

ICC_PROFILE = 34675

# Values of all tags together: offsets and lengths of as many tiles as the largest picture can have,
# at 16 x 16 pixels in three planes, are half of it. Types of tags that are read as one value.
MOST_VALUES = 2**22
BYTE_STRINGS = (1, 2, 7)

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
    with decoder(path):
        _check_tags(path)
    with decoder(path), tifffile.TiffFile(path) as file:
        page = file.pages[0]
        kind = _kind(path, page)
        bits, samples = page.bitspersample, page.samplesperpixel
        check_size(path, page.imagewidth, page.imagelength, samples * bits // 8)
        _check_segments(path, page, file.filehandle)
        profile = page.tags.valueof(ICC_PROFILE)
        coloured = kind == "uint" and isinstance(profile, bytes) and not is_srgb(profile)
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
                f"{path}: found {bits}-bit {'planes' if separate else 'samples'}"
                f"{' with a colour profile' if coloured else ''}, photometric {page.photometric}, "
                f"compression {page.compression}, which can't be decoded together. "
                "Save it as RGB, interleaved, uncompressed or with Deflate."
            )
    return decode_raster(path, check_size)


def _check_tags(path: Path) -> None:
    """Check that the first page's tags aren't too many values to be read, each as a Python number.

    Raises:
        InputError: it names the file.
    """
    with open(path, "rb") as file:
        head = file.read(16)
        order = "<" if head.startswith(b"I") else ">"
        big = 43 in head[2:4]
        start, number, entry = ("8xQ", "Q", "HHQ8x") if big else ("4xI", "H", "HHI4x")
        file.seek(struct.unpack_from(order + start, head)[0])
        (count,) = struct.unpack(order + number, file.read(struct.calcsize(order + number)))
        entries = file.read(min(count, MOST_VALUES) * struct.calcsize(order + entry))
    values = sum(
        length
        for _, kind, length in struct.iter_unpack(order + entry, entries)
        if kind not in BYTE_STRINGS
    )
    if values > MOST_VALUES:
        raise damaged(path, f"its tags have {values} values, expected at most {MOST_VALUES}")


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
        elif page.compression == COMPRESSION.JPEG:
            file.seek(at)
            whole = whole and jpeg_ends(path, file.read(count))
        elif page.compression in STREAMS:
            file.seek(at)
            stream = STREAMS[page.compression]()
            length = len(stream.decompress(file.read(count), most + 1))
            whole = whole and stream.eof and least <= length <= most
    if not whole:
        raise damaged(path, "strips or tiles aren't whole")
