"""Decoding what Pillow reads, set upright."""

import io
import re
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from inverse_shading.pictures.decoded import Decoded, from_samples, upright
from inverse_shading.runtime.decoding import REMEDY, CheckSize, damaged, decoder
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.jobs import logger

# Pillow reads many more, some of them by other programs (Ghostscript for PostScript).
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP")

# EXIF's tag of how a picture is to be turned.
ORIENTATION = 0x0112

# PNG's last chunk with its checksum.
LAST_CHUNK = b"IEND\xaeB\x60\x82"

# In JPEG's entropy-coded data 255 is followed by 0; what isn't is a marker.
MARKER = re.compile(rb"\xff+([^\x00\xff])")
WITHOUT_LENGTH = (0x01, *range(0xD0, 0xD9))
END_OF_IMAGE, START_OF_SCAN = 0xD9, 0xDA

# By how many levels of 255 a colour profile that is sRGB's may change any grey or primary colour.
UNCHANGED = 1

# Formats in which Pillow reads the 16 bits of a PNG, by their upper bytes.
DEEP = ("RGB;16B", "RGBA;16B", "LA;16B")

# Of a progressive JPEG, each a pass over all pixels; common encoders write about ten.
MOST_SCANS = 100


def decode_raster(path: Path, check_size: CheckSize) -> Decoded:
    """Decode what Pillow reads, and 16 bits a channel of PNG, which it would round to 8."""
    with decoder(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damaged metadata, one line each
        # Pillow only warns of pictures that it deems suspiciously large, up to twice that.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with _opened(path) as image:
                check_size(path, *image.size)
                _check_whole(path, image.format)
                decoded = _decode_deep(path, image) or _decode_shallow(path, image)
                # Asked last: Pillow turns a TIFF itself when it loads it.
                turned = image.getexif().get(ORIENTATION, 1)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise InputError(f"{path}: {error} Scale it down.") from error
        except UnidentifiedImageError as error:
            raise InputError(f"{path}: not a picture of a known format. {REMEDY}") from error
    return upright(decoded, turned)


def is_srgb(profile: bytes) -> bool:
    """Whether a colour profile is sRGB's: its colours are the same in sRGB.

    Its name says little: sRGB's primaries with linear light have it in theirs, too.
    """
    try:
        ramp = _ramp(ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip())
        shown = np.asarray(_to_srgb(ramp, profile), np.int16)
    except (OSError, ValueError, ImageCms.PyCMSError):
        return False
    return bool(np.abs(shown - np.asarray(ramp.convert("RGB"), np.int16)).max() <= UNCHANGED)


def _ramp(space: str) -> Image.Image:
    """All levels of grey, and of red, green and blue where a colour space has them."""
    levels = np.arange(256, dtype=np.uint8)[None]
    if space == "GRAY":
        return Image.fromarray(levels)
    if space != "RGB":
        raise ValueError(space)
    colors = np.array([[1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.uint8)
    return Image.fromarray(colors[:, None] * levels[..., None])


def _opened(path: Path) -> Image.Image:
    return Image.open(path, formats=FORMATS)


def _check_whole(path: Path, kind: str | None) -> None:
    """Check what Pillow doesn't: PNG's checksums, and the ends of JPEG and WebP."""
    whole = True
    if kind == "PNG":
        with _opened(path) as image:
            image.verify()
        whole = LAST_CHUNK in path.read_bytes()
    elif kind in ("JPEG", "MPO"):
        whole = jpeg_ends(path, path.read_bytes())
    elif kind == "WEBP":
        with open(path, "rb") as file:
            _, length = file.read(4), file.read(4)
        whole = path.stat().st_size >= 8 + int.from_bytes(length, "little")
    if not whole:
        raise damaged(path, "its end is missing")


def jpeg_ends(path: Path, data: bytes) -> bool:
    """Whether the first picture in the data has its end.

    Raises:
        InputError: it has so many scans that decoding them takes hours.
    """
    position = scans = 0
    while match := MARKER.search(data, position):
        marker, position = match[1][0], match.end()
        if marker == END_OF_IMAGE:
            return True
        scans += marker == START_OF_SCAN
        if scans > MOST_SCANS:
            raise damaged(path, f"more than {MOST_SCANS} scans")
        if marker not in WITHOUT_LENGTH:
            position += int.from_bytes(data[position : position + 2], "big")
    return False


def _decode_shallow(path: Path, image: Image.Image) -> Decoded:
    """Decode 8 bits a channel; grey, palette and CMYK become RGB, other profiles sRGB."""
    image.load()
    alpha = None
    if image.mode.startswith("I") and "transparency" in image.info:
        alpha = (np.asarray(image) != image.info["transparency"]).astype(np.float32)
    elif image.has_transparency_data:
        alpha = np.asarray(image.convert("RGBA").getchannel("A"), np.float32) / 255
    profile = image.info.get("icc_profile")
    if profile and not is_srgb(profile):
        image = _convert_profile(path, image, profile)
    if image.mode.startswith("I") or image.mode == "F":
        data = np.asarray(image, np.float32)[..., None].repeat(3, axis=2)
        # 16-bit grey comes as I;16, or as I from older files.
        return Decoded(data if image.mode == "F" else data / 65535, alpha, image.mode == "F")
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA")  # straight to RGB would paint transparency
    return Decoded(np.asarray(image.convert("RGB"), np.float32) / 255, alpha, linear=False)


def _decode_deep(path: Path, image: Image.Image) -> Decoded | None:
    """Decode a PNG's 16 bits a channel at their precision; None where there are fewer."""
    profile = image.info.get("icc_profile")
    if profile and not is_srgb(profile):
        return None  # colours before precision
    # Pillow unpacks 16 bits by their upper byte. Taken for little-endian, the upper is the lower.
    if image.format != "PNG" or image.tile[0].args not in DEEP:
        return None
    if image.tile[0].args == "LA;16B":
        # As four channels of 8 bits: the upper byte of each sample, and the lower.
        image.tile = [tile._replace(args="RGBA") for tile in image.tile]
        data = np.asarray(image, np.float32)
        return from_samples((256 * data[..., ::2] + data[..., 1::2]) / 65535, linear=False)
    samples = np.asarray(image, np.float32)
    with _opened(path) as again:
        again.tile = [tile._replace(args=tile.args.replace("16B", "16L")) for tile in again.tile]
        samples *= 256
        samples += np.asarray(again)
    if image.mode == "RGB" and "transparency" in image.info:
        shown = (samples != np.array(image.info["transparency"], np.float32)).any(axis=-1)
        samples = np.dstack([samples, np.where(shown, np.float32(65535), np.float32(0))])
    samples /= 65535
    return from_samples(samples, linear=False)


def _convert_profile(path: Path, image: Image.Image, profile: bytes) -> Image.Image:
    """The picture in sRGB with 8 bits a channel; as it is, with a warning, if the profile is no use."""
    try:
        return _to_srgb(image, profile)
    except (OSError, ValueError, ImageCms.PyCMSError) as error:
        logger.warning(
            "%s: its colour profile can't be used (%s); its values are taken for sRGB", path, error
        )
        return image


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if image.mode.startswith("I"):
        image = Image.fromarray(np.rint(np.asarray(image, np.float32) / 257).astype(np.uint8))
    if source.profile.xcolor_space == "GRAY" and _is_grey(image):
        image = image.convert("L")
    elif image.mode != "CMYK":
        image = image.convert("RGB")
    return ImageCms.profileToProfile(
        image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
    )


def _is_grey(image: Image.Image) -> bool:
    """Whether all channels are alike. Grey with alpha may come as RGBA."""
    red, green, blue = image.convert("RGB").split()
    return red == green == blue
