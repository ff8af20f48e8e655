"""Decoding what Pillow and tifffile read, set upright."""

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, ImageCms, UnidentifiedImageError

from inverse_shading.pictures.decoded import CheckSize, Decoded, straight
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.jobs import logger

# EXIF's tag of how a picture is to be turned.
ORIENTATION = 0x0112

# What tifffile raises where data or tags are damaged.
DAMAGED = (ValueError, OSError, LookupError, TypeError, ArithmeticError, struct.error, zlib.error)

REMEDY = "Save or copy it again, as PNG, JPEG, WebP, TIFF, OpenEXR or Radiance .hdr."


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
    except tifffile.TiffFileError:  # no TIFF at all
        return None
    # Damaged, or compressed in a way that needs a further library: Pillow refuses it or rounds to 8
    # bits.
    except DAMAGED as error:
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
    return Decoded(straight(values, alpha if premultiplied else None), alpha, linear)


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
