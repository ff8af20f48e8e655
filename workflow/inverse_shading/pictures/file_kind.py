"""How a picture's file rounds and compresses what it shows, so that a render can be treated alike."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, JpegImagePlugin, UnidentifiedImageError

from inverse_shading.render.framing import Box
from inverse_shading.scene.radiance_hdr import HDR_SIGNATURES
from inverse_shading.scene.srgb import srgb_decode, srgb_encode

# Mean of libjpeg's table of luminance at quality 50, which its other qualities scale.
STANDARD_MEAN = 57.625


@dataclass(frozen=True)
class FileKind:
    """Rounding and compression.

    Attributes:
        steps: values between black and white, 255 of 8 bits; 0 where they aren't rounded, or share an
            exponent.
        linear: whether they are rounded as linear light.
        tables: a JPEG's quantisation tables by number.
        sampling: Pillow's number for how a JPEG samples its colours.
        shared: whether the three values of a pixel have eight bits each and one exponent in common.
    """

    steps: int = 255
    linear: bool = False
    tables: Mapping[int, Sequence[int]] | None = None
    sampling: int = 0
    shared: bool = False

    @property
    def name(self) -> str:
        """Such as "8 bits", "JPEG, quality 75" or "RGBE"."""
        if self.tables:
            return f"JPEG, quality {self.quality}"
        if self.shared:
            return "RGBE"
        return {0: "unrounded", 255: "8 bits", 65535: "16 bits"}[self.steps]

    @property
    def mixes(self) -> bool:
        """Whether a value depends on those of the pixel's other channels."""
        return bool(self.tables) or self.shared

    @property
    def quality(self) -> int:
        """Of a JPEG, on libjpeg's scale, by its table of luminance."""
        scale = 100 * float(np.mean(self.tables[0])) / STANDARD_MEAN
        return int(np.clip(round(5000 / scale if scale > 100 else 100 - scale / 2), 1, 100))

    def applied(self, levels: np.ndarray) -> np.ndarray:
        """What a file of this kind holds of a picture in levels of 255.

        Args:
            levels: float or uint8 (height, width, 3), or a channel of it where the kind mixes none.
        """
        if self.tables:
            buffer = io.BytesIO()
            Image.fromarray(np.rint(levels).astype(np.uint8)).save(
                buffer, "JPEG", qtables=dict(self.tables), subsampling=self.sampling
            )
            return np.asarray(Image.open(buffer).convert("RGB"), np.float32)
        if not (self.steps or self.shared):
            return levels
        shares = srgb_decode(levels / 255) if self.linear else levels / 255
        if self.shared:
            # Cut off, as Radiance's own writer does it: the brightest of the three keeps eight bits.
            _, exponents = np.frexp(shares.max(axis=-1, keepdims=True))
            unit = np.ldexp(1.0, exponents - 8)
            shares = np.floor(shares / unit) * unit
            shares = srgb_encode(shares) if self.linear else shares
            return (255 * shares).astype(np.float32)
        # In place, since memory for millions of pixels takes longer to get than they take to round.
        shares *= self.steps
        np.rint(shares, out=shares)
        shares /= self.steps
        shares = srgb_encode(shares) if self.linear else shares
        shares *= 255
        return shares.astype(np.float32, copy=False)


EIGHT_BITS = FileKind()


@dataclass(frozen=True)
class PictureSource:
    """Where in which file a framed picture comes from.

    Attributes:
        kind: of the file.
        height, width: of its pixels.
        square: that became the framed picture, in pixels; it may reach beyond the file.
    """

    kind: FileKind
    height: int
    width: int
    square: Box


def file_kind(path: str | Path, values: np.ndarray, rounded: bool, linear: bool) -> FileKind:
    """The kind of a picture's file, which was decoded already.

    Args:
        values: float (height, width, channels) that it holds, white being 1.
        rounded: whether the format has whole numbers and no floating-point ones.
        linear: whether the values are taken for linear light.
    """
    try:
        with Image.open(path, formats=["JPEG"]) as image:
            # A grey one, which has no sampling, is written as one without.
            sampling = max(JpegImagePlugin.get_sampling(image), 0)
            return FileKind(255, False, image.quantization, sampling)
    except UnidentifiedImageError:
        pass
    if not rounded:
        with open(path, "rb") as file:
            shared = file.read(16).startswith(HDR_SIGNATURES)
        return FileKind(0, linear, shared=shared) if shared else FileKind(0)
    samples = np.asarray(values[::7, ::7], np.float64) * 255
    whole = np.abs(samples - np.rint(samples)).max() < 0.01
    return FileKind(255 if whole else 65535, linear)
