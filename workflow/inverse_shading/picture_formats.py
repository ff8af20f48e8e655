"""Decoders of picture files: each gives values from 0 to 1, upright, and says what they are."""

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import OpenEXR
import tifffile  # comes with scikit-image
from PIL import Image, ImageCms, UnidentifiedImageError

from .errors import InputError
from .jobs import logger

# Told the size before the pixels are decoded: path, width, height.
CheckSize = Callable[[Path, int, int], None]

# EXIF's tag of how a picture is to be turned.
ORIENTATION = 0x0112

REMEDY = "Save or copy it again, as PNG, JPEG, WebP, TIFF, OpenEXR or Radiance .hdr."


@dataclass(frozen=True)
class Decoded:
    """A file's values: float (height, width, 3), its straight alpha if it has one, their encoding."""

    values: np.ndarray
    alpha: np.ndarray | None
    linear: bool


def decode_exr(path: Path, check_size: CheckSize) -> Decoded:
    """Decode R, G, B (or Y) and A of the first part; A is premultiplied, as the format has it."""
    try:
        header = OpenEXR.File(str(path), header_only=True).header()
        (left, upper), (right, lower) = (corner.tolist() for corner in header["displayWindow"])
        check_size(path, right - left + 1, lower - upper + 1)
        check_size(path, *(np.subtract(*header["dataWindow"][::-1]) + 1).tolist())
        channels = OpenEXR.File(str(path), separate_channels=True).channels()
    # A file cut short is reported as "Invalid part index", others as RuntimeError.
    except (RuntimeError, ValueError, KeyError, OSError, MemoryError) as error:
        raise InputError(
            f"{path}: can't be read as OpenEXR; it is cut short, damaged or of an unusual kind "
            f"({error}). Render or copy it again."
        ) from error
    names = ["R", "G", "B"] if "R" in channels else ["Y", "Y", "Y"]
    names += ["A"] if "A" in channels else []
    used = [channels.get(name) for name in names]
    if any(
        channel is None
        or channel.pixels.dtype not in (np.float16, np.float32)
        or (channel.xSampling, channel.ySampling) != (1, 1)
        for channel in used
    ):
        raise InputError(
            f"{path}: found the channels {', '.join(channels)}, expected R, G, B (and A) or Y of "
            "whole resolution, half or float. Save the layer that shows the object as such."
        )
    data = np.stack([channel.pixels for channel in used], axis=-1).astype(np.float32)
    # A renderer may keep only the part that shows something; the rest of the picture is empty.
    (data_left, data_upper), _ = (corner.tolist() for corner in header["dataWindow"])
    whole = np.zeros((lower - upper + 1, right - left + 1, data.shape[2]), np.float32)
    rows = slice(max(data_upper, upper), min(data_upper + data.shape[0], lower + 1))
    columns = slice(max(data_left, left), min(data_left + data.shape[1], right + 1))
    if rows.start < rows.stop and columns.start < columns.stop:
        whole[
            rows.start - upper : rows.stop - upper, columns.start - left : columns.stop - left
        ] = data[
            rows.start - data_upper : rows.stop - data_upper,
            columns.start - data_left : columns.stop - data_left,
        ]
    alpha = whole[..., 3] if "A" in names else None
    return Decoded(_straight(whole[..., :3], alpha), alpha, linear=True)


def decode_raster(path: Path, check_size: CheckSize) -> Decoded:
    """Decode what Pillow reads, and 16 bits a channel of PNG and TIFF, which it would round to 8."""
    try:
        with warnings.catch_warnings():
            # Pillow only warns of pictures that it deems suspiciously large, up to twice that.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                check_size(path, *image.size)
                decoded = _decode_deep(path, image) or _decode_shallow(path, image)
                # Asked last: Pillow turns a TIFF itself when it loads it.
                turned = image.getexif().get(ORIENTATION, 1)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: {error} Scale it down.") from error
    except UnidentifiedImageError as error:
        # Pillow knows no TIFF of three floating-point numbers a pixel.
        decoded = _decode_tiff(path, check_size)
        if decoded is None:
            raise InputError(f"{path}: not a picture of a known format. {REMEDY}") from error
        turned = 1
    # Pillow reports damage as OSError, SyntaxError, ValueError or EOFError.
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        raise InputError(
            f"{path}: the picture is cut short or damaged ({error}). {REMEDY}"
        ) from error
    alpha = None if decoded.alpha is None else _upright(decoded.alpha, turned)
    return Decoded(_upright(decoded.values, turned), alpha, decoded.linear)


def _decode_shallow(path: Path, image: Image.Image) -> Decoded:
    """Decode 8 bits a channel; grey, palette and CMYK become RGB, other profiles sRGB."""
    image.load()
    alpha = None
    if image.has_transparency_data:
        alpha = np.asarray(image.convert("RGBA").getchannel("A"), np.float32) / 255
    if image.mode.startswith("I") or image.mode == "F":
        data = np.asarray(image, np.float32)[..., None].repeat(3, axis=2)
        # 16-bit grey comes as I;16, or as I from older files.
        return Decoded(data if image.mode == "F" else data / 65535, alpha, image.mode == "F")
    profile = image.info.get("icc_profile")
    if profile and not _is_srgb(profile):
        image = _convert_profile(path, image, profile)
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA")  # straight to RGB would paint transparency
    return Decoded(np.asarray(image.convert("RGB"), np.float32) / 255, alpha, linear=False)


def _decode_deep(path: Path, image: Image.Image) -> Decoded | None:
    """Decode 16 bits a channel at their precision; None where there are fewer or it can't be."""
    profile = image.info.get("icc_profile")
    if profile and not _is_srgb(profile):
        return None  # colours before precision
    if image.format == "TIFF":
        return _decode_tiff(path, None)
    # Pillow unpacks 16 bits by their upper byte. Taken for little-endian, the upper is the lower.
    if image.format != "PNG" or image.tile[0].args not in ("RGB;16B", "RGBA;16B"):
        return None
    high = np.asarray(image, np.float32)
    with Image.open(path) as again:
        again.tile = [tile._replace(args=tile.args.replace("16B", "16L")) for tile in again.tile]
        low = np.asarray(again, np.float32)
    return _from_samples((256 * high + low) / 65535, linear=False)


def _decode_tiff(path: Path, check_size: CheckSize | None) -> Decoded | None:
    """Decode a TIFF of 16-bit integers or floating-point numbers; None if it is no such file."""
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages[0]
            if check_size:
                check_size(path, page.imagewidth, page.imagelength)
            kind = page.dtype.kind if page.dtype is not None else "?"
            if page.dtype != np.uint16 and kind != "f":
                return None
            if page.photometric not in (
                tifffile.PHOTOMETRIC.MINISBLACK,
                tifffile.PHOTOMETRIC.RGB,
            ):
                return None
            data = page.asarray()
            premultiplied = tifffile.EXTRASAMPLE.ASSOCALPHA in page.extrasamples
            if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and data.ndim == 3:
                data = np.moveaxis(data, 0, -1)
    # Not a TIFF, or compressed in a way that needs a further library: Pillow then rounds to 8 bits.
    except (tifffile.TiffFileError, ValueError, OSError, IndexError) as error:
        logger.info("%s: not read at its full precision (%s)", path, error)
        return None
    data = data[..., None] if data.ndim == 2 else data
    samples = data.astype(np.float32) / (1 if kind == "f" else 65535)
    return _from_samples(samples, linear=kind == "f", premultiplied=premultiplied)


def _from_samples(samples: np.ndarray, linear: bool, premultiplied: bool = False) -> Decoded:
    """One or three channels and perhaps alpha, (height, width, 1 to 4)."""
    count = samples.shape[2]
    alpha = samples[..., -1] if count in (2, 4) else None
    values = samples[..., :3] if count >= 3 else samples[..., :1].repeat(3, axis=2)
    return Decoded(_straight(values, alpha if premultiplied else None), alpha, linear)


def _straight(values: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """Undo a multiplication by alpha; where that is 0 there is nothing to see."""
    if alpha is None:
        return values
    return np.where(alpha[..., None] > 0, values / np.maximum(alpha[..., None], 1e-6), 0)


def _upright(data: np.ndarray, orientation: int) -> np.ndarray:
    """Turn (height, width, …) as EXIF's orientation, 1 to 8, says."""
    if orientation in (5, 6, 7, 8):
        data = data.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        data = data[::-1]
    if orientation in (2, 3, 6, 7):
        data = data[:, ::-1]
    return data


def _is_srgb(profile: bytes) -> bool:
    try:
        parsed = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return "srgb" in ImageCms.getProfileDescription(parsed).lower()
    except (OSError, ImageCms.PyCMSError):
        return False


def _convert_profile(path: Path, image: Image.Image, profile: bytes) -> Image.Image:
    try:
        if image.mode not in ("L", "CMYK"):
            image = image.convert("RGB")
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (OSError, ValueError, ImageCms.PyCMSError) as error:
        logger.warning(
            "%s: its colour profile can't be used (%s); its values are taken for sRGB", path, error
        )
        return image
