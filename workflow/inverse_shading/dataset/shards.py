"""WebDataset shards: a tar with one PNG and one JSON a material.

https://github.com/webdataset/webdataset: files of a sample share the name before the first dot and
stand next to each other.
"""

import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.runtime.artefacts import reading
from inverse_shading.runtime.files import sealed_path

Sample = tuple[str, np.ndarray, np.ndarray]


def encode_png(image: np.ndarray) -> bytes:
    """Encode uint8 (height, width, 3) as PNG; the same pixels give the same bytes."""
    buffer = io.BytesIO()
    # Level 1 halves the time of level 6 for a tenth more bytes on these images.
    Image.fromarray(image).save(buffer, format="png", compress_level=1)
    return buffer.getvalue()


def write_shard(path: str | Path, samples: Iterable[Sample]) -> None:
    """Write a shard, whole or not at all; the same samples give the same bytes.

    Args:
        samples: identifier, parameters (10,), frame uint8 (height, width, 3) of each image.
    """
    with sealed_path(path) as temporary, tarfile.open(temporary, "w") as archive:
        for identifier, values, frame in samples:
            inputs = dict(zip(PARAMETERS, map(float, values), strict=True))
            for suffix, content in (
                ("png", encode_png(frame)),
                ("json", json.dumps(inputs).encode()),
            ):
                # TarInfo's defaults (no owner, time 0) are the same on every machine and day.
                entry = tarfile.TarInfo(f"{identifier}.{suffix}")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))


def read_shard(path: str | Path, images: ImageRange, frame_size: int) -> Iterator[Sample]:
    """Read a shard and check every sample.

    Args:
        images: the range that the shard must hold, whole and in order.
        frame_size: side that every frame must have, in pixels.

    Yields:
        identifier, parameters float64 (10,), frame uint8 (frame_size, frame_size, 3).

    Raises:
        InputError: the tar is damaged or not a tar, holds other images, or an image is broken or
            of another size.
    """
    # Pillow reports a damaged PNG as OSError or SyntaxError.
    with (
        reading(path, f"a whole shard of {images}", tarfile.TarError, SyntaxError),
        tarfile.open(path, "r:") as archive,
    ):
        for identifier in images.identifiers:
            frame = _decode_frame(_next_file(archive, f"{identifier}.png"), frame_size)
            inputs = json.loads(_next_file(archive, f"{identifier}.json"))
            if list(inputs) != list(PARAMETERS):
                raise ValueError(f"{identifier}.json holds {list(inputs)}")
            yield identifier, np.array([inputs[name] for name in PARAMETERS]), frame
        extra = archive.next()
        if extra is not None:
            raise ValueError(f"after the last image of {images} comes {extra.name}")


def _next_file(archive: tarfile.TarFile, name: str) -> bytes:
    entry = archive.next()
    if entry is None:
        raise ValueError(f"it ends before {name}")
    if entry.name != name or not entry.isfile():
        raise ValueError(f"found {entry.name} where {name} should be")
    content = archive.extractfile(entry).read()
    if len(content) != entry.size:
        raise ValueError(f"{name} is cut off after {len(content)} of {entry.size} bytes")
    return content


def _decode_frame(content: bytes, frame_size: int) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        if image.size != (frame_size, frame_size) or image.mode != "RGB":
            raise ValueError(
                f"found an image of {image.width}x{image.height} {image.mode}, "
                f"expected {frame_size}x{frame_size} RGB"
            )
        return np.asarray(image)
