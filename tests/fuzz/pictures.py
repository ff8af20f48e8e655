"""Picture files and environments: undamaged ones of every format, and what a damaged one may show."""

import io
import struct
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import OpenEXR
import tifffile
from PIL import Image

from inverse_shading.pictures.picture_file import LARGEST_SIDE, SMALLEST_SIDE, read_picture
from inverse_shading.scene.environment import load_environment
from inverse_shading.scene.srgb import srgb_decode
from tests.fuzz.harness import RIGHT, Input, Kind, Trial
from tests.fuzz.mutation import Damage, damage, flip

HEIGHT, WIDTH = 36, 48

# For files that an input is compared with.
OUTSIDE = tempfile.TemporaryDirectory(prefix="fuzz-")


@dataclass(frozen=True)
class Sample:
    """An undamaged file.

    Attributes:
        content: its bytes.
        checked: ranges of bytes that a checksum of the format covers.
        rows: ranges of bytes that say one row of pixels and nothing else, with the row.
    """

    content: bytes
    checked: list[tuple[int, int]]
    rows: list[tuple[int, int, int]]


def source() -> np.ndarray:
    """What all pictures show, uint8: smooth, so that JPEG keeps it; no two rows alike."""
    rows, columns = np.indices((HEIGHT, WIDTH))
    pixels = np.stack([40 + 5 * rows, 30 + 4 * columns, 220 - 2 * rows - 3 * columns], -1)
    return pixels.astype(np.uint8)


def png(samples: np.ndarray, depth: int = 16) -> bytes:
    """A PNG of (height, width, 3) in network order, which Pillow can't write of 16 bits."""
    height, width, _ = samples.shape
    kind = f">u{depth // 8}"
    rows = b"".join(b"\0" + row.astype(kind).tobytes() for row in samples)
    head = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, data) for name, data in parts)


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def hdr(rgbe: np.ndarray, coded: bool) -> bytes:
    """A Radiance picture of uint8 (height, width, 4), run-length coded (without runs) or flat."""
    height, width, _ = rgbe.shape
    head = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n" % (height, width)
    if not coded:
        return head + rgbe.tobytes()
    start = bytes([2, 2, width >> 8, width & 255])
    rows = [
        start + b"".join(bytes([width]) + row[:, i].tobytes() for i in range(4)) for row in rgbe
    ]
    return head + b"".join(rows)


def radiance() -> np.ndarray:
    """The source as red, green, blue and the exponent of 1, uint8 (height, width, 4)."""
    linear = np.round(256 * srgb_decode(source() / 255)).clip(0, 255).astype(np.uint8)
    return np.dstack([linear, np.full((HEIGHT, WIDTH), 128, np.uint8)])


def map_of_light() -> np.ndarray:
    """Twice as wide as high."""
    return np.ascontiguousarray(np.tile(radiance(), (1, 2, 1))[:, : 2 * HEIGHT])


def exr(kind: type, compression: int) -> bytes:
    values = srgb_decode(source() / 255).astype(kind)
    channels = {name: np.ascontiguousarray(values[..., i]) for i, name in enumerate("RGB")}
    path = Path(OUTSIDE.name) / "sample.exr"
    header = {"compression": compression, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, channels).write(str(path))
    return path.read_bytes()


def saved(kind: str, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(source()).save(file, kind, **options)
    return file.getvalue()


def tiff(samples: np.ndarray, planar: bool = False, **options) -> bytes:
    file = io.BytesIO()
    if planar:
        samples, options = np.moveaxis(samples, -1, 0), options | {"planarconfig": "separate"}
    tifffile.imwrite(file, np.ascontiguousarray(samples), photometric="rgb", **options)
    return file.getvalue()


def deep() -> np.ndarray:
    return source().astype(np.uint16) * 257


def floats() -> np.ndarray:
    return srgb_decode(source() / 255).astype(np.float32)


# Of each kind: what writes the file, how far its pixels may be from the source in levels, its suffix.
PICTURES: dict[str, tuple[Callable[[], bytes], float, str]] = {
    "PNG 8": (partial(saved, "PNG"), 0, ".png"),
    "PNG 16": (lambda: png(deep()), 0.01, ".png"),
    "JPEG": (partial(saved, "JPEG", quality=95), 12, ".jpg"),
    "WebP lossless": (partial(saved, "WEBP", lossless=True), 0, ".webp"),
    "WebP lossy": (partial(saved, "WEBP", quality=95), 20, ".webp"),
    "TIFF 8": (partial(saved, "TIFF"), 0, ".tif"),
    "TIFF 8 deflate": (partial(saved, "TIFF", compression="tiff_adobe_deflate"), 0, ".tif"),
    "TIFF 8 LZW": (partial(saved, "TIFF", compression="tiff_lzw"), 0, ".tif"),
    "TIFF 16": (lambda: tiff(deep()), 0.01, ".tif"),
    "TIFF 16 planar": (lambda: tiff(deep(), planar=True), 0.01, ".tif"),
    "TIFF 16 deflate": (lambda: tiff(deep(), compression="zlib"), 0.01, ".tif"),
    "TIFF 16 planar deflate": (
        lambda: tiff(deep(), planar=True, compression="zlib"), 0.01, ".tif",
    ),
    "TIFF float": (lambda: tiff(floats()), 0.01, ".tif"),
    "TIFF float deflate": (lambda: tiff(floats(), compression="zlib"), 0.01, ".tif"),
    "EXR half": (lambda: exr(np.float16, OpenEXR.ZIP_COMPRESSION), 0.2, ".exr"),
    "EXR float": (lambda: exr(np.float32, OpenEXR.NO_COMPRESSION), 0.01, ".exr"),
    "HDR flat": (lambda: hdr(radiance(), coded=False), 20, ".hdr"),
    "HDR coded": (lambda: hdr(radiance(), coded=True), 20, ".hdr"),
}  # fmt: skip
MAPS: dict[str, Callable[[], bytes]] = {
    "map flat": lambda: hdr(map_of_light(), coded=False),
    "map coded": lambda: hdr(map_of_light(), coded=True),
}


@lru_cache
def sample(kind: str) -> Sample:
    """The undamaged file of a kind, and what of it is checked or belongs to single rows."""
    content = MAPS[kind]() if kind in MAPS else PICTURES[kind][0]()
    size = len(content)
    if kind.startswith("PNG"):
        return Sample(content, [(0, size)], [])
    if kind.startswith("TIFF"):
        with tifffile.TiffFile(io.BytesIO(content)) as file:
            page = file.pages[0]
            parts = [
                (first, first + count)
                for first, count in zip(page.dataoffsets, page.databytecounts, strict=True)
            ]
            if "deflate" in kind:
                return Sample(content, parts, [])
            if "LZW" in kind:
                return Sample(content, [], [])
            width = WIDTH * page.dtype.itemsize * (1 if "planar" in kind else 3)
        # Strips in their order, planes one after the other.
        starts = [at for first, end in parts for at in range(first, end, width)]
        return Sample(content, [], [(at, at + width, i % HEIGHT) for i, at in enumerate(starts)])
    if kind.startswith("EXR"):
        return _exr_sample(content, zipped=kind == "EXR half")
    if kind.startswith(("HDR", "map")):
        width = 2 * HEIGHT if kind in MAPS else WIDTH
        length = 4 * width if "flat" in kind else 8 + 4 * width
        first = size - HEIGHT * length
        return Sample(
            content, [], [(first + i * length, first + (i + 1) * length, i) for i in range(HEIGHT)]
        )
    return Sample(content, [], [])


def _exr_sample(content: bytes, zipped: bool) -> Sample:
    """The parts of an EXR: a table of offsets, the first of which is the table's own end."""
    count = -(-HEIGHT // 16) if zipped else HEIGHT
    first = next(
        at
        for at in range(len(content))
        if content[at : at + 8] == struct.pack("<Q", at + 8 * count)
    )
    parts = []
    for offset in struct.unpack_from(f"<{count}Q", content, first):
        _, length = struct.unpack_from("<ii", content, offset)
        parts.append((offset + 8, offset + 8 + length))
    if zipped:
        return Sample(content, parts, [])
    return Sample(content, [], [(start, stop, row) for row, (start, stop) in enumerate(parts)])


@lru_cache
def undamaged(kind: str) -> np.ndarray:
    """What the undamaged file shows, float32 (height, width, 3): the truth for damaged ones."""
    path = Path(OUTSIDE.name) / f"undamaged{_suffix(kind)}"
    path.write_bytes(sample(kind).content)
    return _read(kind, path)


def wrong_pixels(kind: str, harm: Damage, found: np.ndarray) -> str | None:
    """What is wrong with pixels that a damaged file was taken for.

    The undamaged ones are right. Others are right only where no reader could tell: not in a file that
    is cut short, nor under a checksum; and damage within a row leaves the other rows as they were.
    """
    true = undamaged(kind)
    if found.shape == true.shape and np.array_equal(found, true):
        return None
    if found.dtype != np.float32 or found.ndim != 3 or found.shape[2] != 3:
        return f"found {found.dtype} {found.shape}"
    if not np.isfinite(found).all() or found.min() < 0:
        return "found values that are no radiance"
    if kind not in MAPS and not (found.max() <= 255 and _in_limits(found)):
        return f"found {found.shape} up to {found.max()}"
    if harm.cut:
        return "cut short and taken, with other pixels"
    own = sample(kind)
    if any(start <= harm.start and harm.stop <= stop for start, stop in own.checked):
        return (
            f"bytes {harm.start} to {harm.stop} are under a checksum, and other pixels were taken"
        )
    touched = {row for start, stop, row in own.rows if start < harm.stop and harm.start < stop}
    if not harm.moved and own.rows and harm.start >= min(own.rows)[0]:
        if found.shape != true.shape:
            return f"found the shape {found.shape}, damaged were pixels alone"
        changed = set(np.flatnonzero((found != true).any(axis=(1, 2))).tolist())
        if changed - touched:
            return f"rows {sorted(changed - touched)} differ, damaged were {sorted(touched)}"
    return None


def _in_limits(found: np.ndarray) -> bool:
    return all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in found.shape[:2])


def _suffix(kind: str) -> str:
    return ".hdr" if kind in MAPS else PICTURES[kind][2]


def _read(kind: str, path: Path) -> np.ndarray:
    return load_environment(path) if kind in MAPS else read_picture(path).pixels


def make(kind: str, one_bit: bool, one: Input, folder: Path, shared: Path) -> Trial:
    """A damaged file of a kind; number 0 is undamaged, and must show the source."""
    path = folder / f"picture{_suffix(kind)}"
    content = sample(kind).content
    if one.number == 0:
        path.write_bytes(content)
        return Trial(lambda: _read(kind, path), partial(_other_source, kind), (path.name,), RIGHT)
    generator = one.generator
    if one_bit:
        harm = flip(content, int(generator.integers(len(content))), generator)
    else:
        harm = damage(content, generator)
    path.write_bytes(harm.content)
    return Trial(lambda: _read(kind, path), partial(wrong_pixels, kind, harm), (path.name,))


def _other_source(kind: str, found: np.ndarray) -> str | None:
    if kind in MAPS:
        rgbe = map_of_light()
        far = np.abs(found - rgbe[..., :3] / np.float32(256)).max()
    else:
        far = np.abs(found - source()).max()
    tolerance = 0 if kind in MAPS else PICTURES[kind][1]
    return f"pixels are up to {far} off" if far > tolerance else None


KINDS = {
    **{
        kind: Kind("pictures, mutated", 210, partial(make, kind, False)) for kind in PICTURES
    },
    **{
        f"{kind}, one bit": Kind("PNG, one bit flipped", 500, partial(make, kind, True))
        for kind in PICTURES if kind.startswith("PNG")
    },
    **{kind: Kind("HDR environments", 250, partial(make, kind, False)) for kind in MAPS},
}  # fmt: skip
