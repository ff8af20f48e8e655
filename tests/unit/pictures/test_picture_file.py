import os
import struct
import zlib

import numpy as np
import OpenEXR
import pytest
import tifffile
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from inverse_shading.pictures.folder import pictures_in
from inverse_shading.pictures.picture_file import read_picture
from inverse_shading.runtime.errors import InputError
from inverse_shading.scene.srgb import srgb_decode, srgb_encode

SHAPE = (40, 56)


@pytest.fixture
def pixels():
    """Smooth, so that JPEG keeps it; no two corners alike."""
    rows, columns = np.indices(SHAPE)
    return np.stack([40 + 4 * rows, 30 + 3 * columns, 200 - 2 * rows - columns], -1).astype(
        np.uint8
    )


def png16(path, samples, **chunks):
    """Pillow writes no 16-bit colour. Further chunks come before the pixels."""
    height, width, channels = samples.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)

    def chunk(name, data):
        code = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + code

    color_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    head = struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + b"".join(chunk(name.encode(), data) for name, data in chunks.items())
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def exr(path, window=None, **channels):
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header | (window or {}), channels).write(str(path))


def rgb(values):
    return {name: np.ascontiguousarray(values[..., i]) for i, name in enumerate("RGB")}


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "webp"])
def test_eight_bits_come_as_they_are(tmp_path, pixels, suffix):
    path = tmp_path / f"picture.{suffix}"
    Image.fromarray(pixels).save(path, lossless=True)
    picture = read_picture(path)
    assert picture.pixels.dtype == np.float32 and picture.alpha is None
    assert picture.encoding == "srgb"
    np.testing.assert_array_equal(picture.pixels, pixels)


def test_a_jpeg_is_read_whatever_its_suffix(tmp_path, pixels):
    path = tmp_path / "picture.dat"
    Image.fromarray(pixels).save(path, "JPEG", quality=95)
    assert np.abs(read_picture(path).pixels - pixels).mean() < 2


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "CMYK"])
def test_other_modes_become_rgb(tmp_path, pixels, mode):
    path = tmp_path / "picture.tif"
    image = Image.fromarray(pixels).convert(mode)
    image.save(path)
    expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(read_picture(path).pixels, expected)


def test_alpha_is_kept_and_an_opaque_one_dropped(tmp_path, pixels):
    alpha = np.full(SHAPE, 255, np.uint8)
    Image.fromarray(np.dstack([pixels, alpha])).save(tmp_path / "opaque.png")
    alpha[:20] = 51
    Image.fromarray(np.dstack([pixels, alpha])).save(tmp_path / "half.png")
    assert read_picture(tmp_path / "opaque.png").alpha is None
    picture = read_picture(tmp_path / "half.png")
    np.testing.assert_allclose(picture.alpha, alpha / 255, rtol=1e-6)
    np.testing.assert_array_equal(picture.pixels, pixels)


def test_a_transparent_colour_of_a_palette_becomes_alpha(tmp_path):
    image = Image.new("P", (40, 40), 1)
    image.putpalette([255, 255, 255, 10, 20, 30])
    image.paste(0, (0, 0, 40, 10))
    image.save(tmp_path / "picture.png", transparency=0)
    picture = read_picture(tmp_path / "picture.png")
    assert (picture.alpha[:10] == 0).all() and (picture.alpha[10:] == 1).all()
    assert (picture.pixels[10:] == (10, 20, 30)).all()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bits_of_a_png_keep_their_precision(tmp_path, channels):
    samples = np.random.default_rng(0).integers(0, 65535, (*SHAPE, channels), dtype=np.uint16)
    png16(tmp_path / "deep.png", samples)
    picture = read_picture(tmp_path / "deep.png")
    color = samples[..., :3] if channels > 2 else samples[..., :1].repeat(3, axis=2)
    np.testing.assert_allclose(picture.pixels, color / 257, atol=1e-3)
    assert (picture.alpha is not None) == (channels in (2, 4))
    if picture.alpha is not None:
        np.testing.assert_allclose(picture.alpha, samples[..., -1] / 65535, atol=1e-6)


def test_a_transparent_color_of_sixteen_bits_is_alpha(tmp_path):
    samples = np.random.default_rng(0).integers(0, 65535, (*SHAPE, 3), dtype=np.uint16)
    samples[:10] = (7, 300, 65535)
    # As near as it gets.
    samples[20] = (7, 301, 65535)
    png16(tmp_path / "keyed.png", samples, tRNS=struct.pack(">3H", 7, 300, 65535))
    picture = read_picture(tmp_path / "keyed.png")
    assert (picture.alpha[:10] == 0).all() and (picture.alpha[10:] == 1).all()
    np.testing.assert_allclose(picture.pixels, samples / 257, atol=1e-3)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_deep_tiffs_keep_their_precision(tmp_path, pixels, compression):
    samples = pixels.astype(np.uint16) * 257 + 100
    tifffile.imwrite(tmp_path / "deep.tif", samples, photometric="rgb", compression=compression)
    picture = read_picture(tmp_path / "deep.tif")
    np.testing.assert_allclose(picture.pixels, np.minimum(samples / 257, 255), atol=1e-3)
    values = srgb_decode(pixels / 255).astype(np.float32)
    tifffile.imwrite(tmp_path / "float.tif", values, photometric="rgb")
    picture = read_picture(tmp_path / "float.tif")
    assert picture.encoding == "linear"
    np.testing.assert_allclose(picture.pixels, pixels, atol=1e-2)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["picture.png", "picture.jpg", "picture.tif", "deep.tif"])
def test_a_turned_picture_is_set_upright(tmp_path, pixels, orientation, name):
    turn = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    image = Image.fromarray(pixels)
    image = image if turn is None else image.transpose(turn)
    if name == "deep.tif":
        tags = [(274, "H", 1, orientation, True)]
        samples = np.asarray(image, np.uint16) * 257
        tifffile.imwrite(tmp_path / name, samples, photometric="rgb", extratags=tags)
    elif name.endswith("tif"):
        tags = ImageFileDirectory_v2()
        tags[274] = orientation
        image.save(tmp_path / name, tiffinfo=tags)
    else:
        exif = Image.Exif()
        exif[274] = orientation
        image.save(tmp_path / name, exif=exif, quality=95)
    found = read_picture(tmp_path / name).pixels
    assert found.shape == pixels.shape
    assert np.abs(found - pixels).mean() < 2


def test_another_colour_profile_is_converted_and_a_broken_one_ignored(tmp_path, pixels, caplog):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(pixels).save(tmp_path / "srgb.png", icc_profile=lab)
    np.testing.assert_array_equal(read_picture(tmp_path / "srgb.png").pixels, pixels)
    Image.fromarray(pixels).save(tmp_path / "broken.png", icc_profile=b"no profile at all" * 20)
    np.testing.assert_array_equal(read_picture(tmp_path / "broken.png").pixels, pixels)
    # sRGB's own profile with red and blue exchanged stands for any other.
    swapped = bytearray(lab)
    count = struct.unpack(">I", lab[128:132])[0]
    entries = [132 + 12 * i for i in range(count)]
    places = {lab[e : e + 4]: e for e in entries}
    red, blue = places[b"rXYZ"], places[b"bXYZ"]
    swapped[red : red + 4], swapped[blue : blue + 4] = b"bXYZ", b"rXYZ"
    swapped = bytes(swapped).replace(b"s\0R\0G\0B", b"o\0t\0h\0r").replace(b"sRGB", b"othr")
    Image.fromarray(pixels).save(tmp_path / "other.png", icc_profile=swapped)
    found = read_picture(tmp_path / "other.png").pixels
    assert np.abs(found - pixels[..., ::-1]).mean() < 2


def profile(space, gamma):
    """A colour profile that calls itself sRGB's: its primaries or grey, and a power of the levels."""
    found = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    curve = found.index(b"para")
    power = struct.pack(">i", round(gamma * 65536))
    found[curve : curve + 16] = b"para" + bytes(4) + bytes(4) + power
    if space == "GRAY":
        found[16:20] = b"GRAY"
        found = found.replace(b"rTRC", b"kTRC", 1)
    return bytes(found)


@pytest.mark.parametrize("mode", ["RGB", "L", "LA", "I;16"])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_profile_of_linear_light_is_converted_whatever_it_is_called(tmp_path, mode, suffix):
    levels = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) // 16
    linear = profile("RGB" if mode == "RGB" else "GRAY", 1.0)
    path = tmp_path / f"linear.{suffix}"
    if mode == "I;16":
        image = Image.fromarray(levels * 257)
    else:
        image = Image.fromarray(levels.astype(np.uint8)).convert(mode)
    image.save(path, icc_profile=linear)
    found = read_picture(path).pixels[..., 1]
    error = np.abs(found - 255 * srgb_encode(levels / 255))
    # littleCMS is coarse where grey is darkest.
    assert error[levels > 20].max() < 1.5 and error.mean() < 1


def test_a_profile_that_changes_nothing_leaves_precision(tmp_path):
    samples = np.random.default_rng(0).integers(0, 65535, (*SHAPE, 3), dtype=np.uint16)
    tifffile.imwrite(
        tmp_path / "deep.tif", samples, photometric="rgb",
        iccprofile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    )  # fmt: skip
    np.testing.assert_allclose(read_picture(tmp_path / "deep.tif").pixels, samples / 257, atol=1e-3)


def test_an_exr_of_other_primaries_or_of_chroma_is_refused(tmp_path, pixels):
    values = srgb_decode(pixels / 255).astype(np.float32)
    same = (0.6401, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329)
    exr(tmp_path / "same.exr", {"chromaticities": same}, **rgb(values))
    np.testing.assert_allclose(read_picture(tmp_path / "same.exr").pixels, pixels, atol=1e-2)
    wide = (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)
    exr(tmp_path / "wide.exr", {"chromaticities": wide}, **rgb(values))
    with pytest.raises(
        InputError, match=r"wide\.exr: found colours of the primaries 0\.713, 0\.293"
    ):
        read_picture(tmp_path / "wide.exr")
    chroma = dict(zip(("Y", "RY", "BY"), rgb(values).values(), strict=True))
    exr(tmp_path / "chroma.exr", **chroma)
    with pytest.raises(
        InputError, match=r"chroma\.exr: found luminance and chroma .*expected R, G, B"
    ):
        read_picture(tmp_path / "chroma.exr")


def test_sixteen_bits_of_grey_with_alpha_or_a_transparent_color(tmp_path):
    samples = np.random.default_rng(0).integers(0, 65535, (*SHAPE, 1), dtype=np.uint16)
    samples[:10] = 300
    png16(tmp_path / "keyed.png", samples, tRNS=struct.pack(">H", 300))
    picture = read_picture(tmp_path / "keyed.png")
    assert (picture.alpha[:10] == 0).all() and (picture.alpha[10:] == 1).all()
    linear = zlib.compress(profile("GRAY", 1.0))
    both = np.dstack([samples[..., 0], np.full(SHAPE, 30000, np.uint16)])
    png16(tmp_path / "linear.png", both, iCCP=b"linear\0\0" + linear)
    error = read_picture(tmp_path / "linear.png").pixels[20:, :, 0] - 255 * srgb_encode(
        samples[20:, :, 0] / 65535
    )
    assert np.abs(error)[samples[20:, :, 0] > 5000].max() < 2


def test_a_broken_profile_costs_no_precision(tmp_path, caplog):
    samples = np.random.default_rng(0).integers(0, 65535, (*SHAPE, 1), dtype=np.uint16)
    broken = zlib.compress(b"no profile at all" * 20)
    png16(tmp_path / "broken.png", samples, iCCP=b"broken\0\0" + broken)
    found = read_picture(tmp_path / "broken.png").pixels
    np.testing.assert_allclose(found, samples.repeat(3, axis=2) / 257, atol=1e-3)


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_an_exr_is_linear_and_encoded(tmp_path, pixels, kind):
    values = srgb_decode(pixels / 255)
    exr(tmp_path / "picture.exr", **rgb(values.astype(kind)))
    picture = read_picture(tmp_path / "picture.exr")
    assert picture.encoding == "linear" and picture.alpha is None
    np.testing.assert_allclose(picture.pixels, pixels, atol=0.1)
    forced = read_picture(tmp_path / "picture.exr", "srgb")
    np.testing.assert_allclose(forced.pixels, 255 * values, atol=0.1)


def test_what_is_brighter_than_white_is_clipped(tmp_path):
    values = np.full((*SHAPE, 3), 7, np.float32)
    values[0] = -1
    exr(tmp_path / "picture.exr", **rgb(values))
    pixels = read_picture(tmp_path / "picture.exr").pixels
    assert (pixels[0] == 0).all()
    np.testing.assert_allclose(pixels[1:], 255, rtol=1e-6)


def test_premultiplied_alpha_of_an_exr_is_undone(tmp_path, pixels):
    alpha = np.linspace(0, 1, SHAPE[1], dtype=np.float32) * np.ones(SHAPE, np.float32)
    values = (srgb_decode(pixels / 255) * alpha[..., None]).astype(np.float32)
    exr(tmp_path / "picture.exr", A=alpha, **rgb(values))
    picture = read_picture(tmp_path / "picture.exr")
    np.testing.assert_allclose(picture.alpha, alpha)
    np.testing.assert_allclose(picture.pixels[:, 1:], pixels[:, 1:], atol=0.01)


def test_a_window_of_an_exr_stands_where_it_belongs(tmp_path, pixels):
    values = srgb_decode(pixels / 255).astype(np.float32)
    display = (np.array([0, 0], np.int32), np.array([99, 79], np.int32))
    data = (np.array([10, 20], np.int32), np.array([65, 59], np.int32))
    exr(tmp_path / "p.exr", {"displayWindow": display, "dataWindow": data}, **rgb(values))
    picture = read_picture(tmp_path / "p.exr")
    assert picture.pixels.shape == (80, 100, 3)
    np.testing.assert_allclose(picture.pixels[20:60, 10:66], pixels, atol=0.01)
    assert picture.pixels[:20].max() == 0 and picture.pixels[:, 66:].max() == 0


def test_other_channels_of_an_exr_are_refused_by_name(tmp_path, pixels):
    values = rgb(pixels.astype(np.float32))
    exr(tmp_path / "layer.exr", **{f"diffuse.{name}": data for name, data in values.items()})
    with pytest.raises(InputError, match=r"layer\.exr: found the channels .*diffuse\.R.*expected"):
        read_picture(tmp_path / "layer.exr")
    exr(tmp_path / "ids.exr", **{name: data.astype(np.uint32) for name, data in values.items()})
    with pytest.raises(InputError, match=r"ids\.exr: found the channels"):
        read_picture(tmp_path / "ids.exr")


def test_a_layer_of_an_exr_is_read_by_its_name(tmp_path, pixels):
    values = srgb_decode(pixels / 255).astype(np.float32)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    dark, layered, many = rgb(values / 2), tmp_path / "layered.exr", tmp_path / "many.exr"
    beauty = {f"View.Beauty.{name}": data for name, data in rgb(values).items()}
    # As channels of one part, and as the channels of a part of that name.
    exr(layered, **beauty, **{f"View.Diffuse.{name}": data for name, data in dark.items()})
    parts = {"View.Diffuse": dark, "View.Beauty": rgb(values)}
    OpenEXR.File([OpenEXR.Part(header | {"name": n}, c) for n, c in parts.items()]).write(str(many))
    for path in (layered, many):
        found = read_picture(path, layer="View.Beauty").pixels
        np.testing.assert_allclose(found, pixels, atol=0.1)
        told = r"no layer 'View\.Beuty', expected one of View\..*; did you mean View\.Beauty\?"
        with pytest.raises(InputError, match=rf"{path.stem}\.exr: found {told}"):
            read_picture(path, layer="View.Beuty")
    with pytest.raises(
        InputError, match=r"layers View\.Beauty, View\.Diffuse: save .*with --layer"
    ):
        read_picture(layered)
    Image.fromarray(pixels).save(tmp_path / "flat.png")
    with pytest.raises(InputError, match=r"flat\.png: found no OpenEXR picture.*Leave --layer out"):
        read_picture(tmp_path / "flat.png", layer="View.Beauty")


def test_an_hdr_is_linear(tmp_path):
    data = np.tile(np.array([128, 64, 32, 128], np.uint8), (40, 40, 1))
    head = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 40 +X 40\n"
    (tmp_path / "picture.hdr").write_bytes(head + data.tobytes())
    picture = read_picture(tmp_path / "picture.hdr")
    assert picture.encoding == "linear"
    np.testing.assert_allclose(
        srgb_decode(picture.pixels[3, 4] / 255), [0.5, 0.25, 0.125], rtol=1e-4
    )
    (tmp_path / "cut.hdr").write_bytes(head + data.tobytes()[:-9])
    with pytest.raises(InputError, match=r"cut\.hdr: the pixels are cut short"):
        read_picture(tmp_path / "cut.hdr")


def test_a_png_may_be_declared_linear(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    picture = read_picture(tmp_path / "picture.png", "linear")
    assert picture.encoding == "linear"
    np.testing.assert_allclose(srgb_decode(picture.pixels / 255), pixels / 255, atol=1e-5)
    with pytest.raises(InputError, match=r"found 'gamma'.*auto, srgb, linear"):
        read_picture(tmp_path / "picture.png", "gamma")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_refused(tmp_path, value):
    values = np.ones((*SHAPE, 3), np.float32)
    values[3, 4] = value
    exr(tmp_path / "bad.exr", **rgb(values))
    with pytest.raises(InputError, match=r"bad\.exr: found 3 values .* no finite numbers"):
        read_picture(tmp_path / "bad.exr")


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
@pytest.mark.parametrize(
    "suffix", ["png", "jpg", "webp", "tif", "exr", "deep.png", "deep.tif", "float.tif"]
)
def test_a_truncated_picture_is_refused_by_name(tmp_path, suffix, share):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / f"cut.{suffix}"
    if suffix == "exr":
        exr(path, **rgb(noise.astype(np.float32)))
    elif suffix == "deep.png":
        png16(path, noise.astype(np.uint16) * 200)
    elif suffix in ("deep.tif", "float.tif"):
        samples = noise.astype(np.uint16 if suffix == "deep.tif" else np.float32) * 200
        tifffile.imwrite(path, samples, photometric="rgb", compression="zlib")
    else:
        Image.fromarray(noise).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match=rf"cut\.{suffix}: .*(again|Save)"):
        read_picture(path)


def test_what_is_no_picture_is_refused_by_name(tmp_path):
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    for name, reason in [
        ("empty.png", "is empty"),
        ("text.png", "not a picture"),
        ("folder.png", "found a folder"),
        ("missing.png", "No such file"),
    ]:
        with pytest.raises(InputError, match=rf"{name}: .*{reason}"):
            read_picture(tmp_path / name)


def test_tiny_and_huge_pictures_are_refused(tmp_path):
    Image.new("RGB", (31, 200)).save(tmp_path / "tiny.png")
    with pytest.raises(InputError, match=r"tiny\.png: found 31 x 200 pixels"):
        read_picture(tmp_path / "tiny.png")
    Image.new("1", (16385, 32)).save(tmp_path / "long.png")
    with pytest.raises(InputError, match=r"long\.png: found 16385 x 32 pixels"):
        read_picture(tmp_path / "long.png")
    Image.new("1", (16000, 16000)).save(tmp_path / "bomb.png")
    with pytest.raises(InputError, match=r"bomb\.png: .*Scale it down"):
        read_picture(tmp_path / "bomb.png")


def test_the_first_frame_of_several_counts(tmp_path):
    frames = [Image.new("RGB", (40, 40), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "two.png", save_all=True, append_images=frames[1:])
    assert (read_picture(tmp_path / "two.png").pixels == (255, 0, 0)).all()


def tiff(path, data, **tags):
    """Write one strip (or tile) under tags that needn't be true; lists are values of 32 bits."""
    numbers = {
        "width": 256,
        "length": 257,
        "bits": 258,
        "compression": 259,
        "photometric": 262,
        "offsets": 273,
        "samples": 277,
        "rows": 278,
        "counts": 279,
        "planes": 284,
        "tile_width": 322,
        "tile_length": 323,
        "format": 339,
    }
    values = {"photometric": 2, "samples": 3, "compression": 1, "format": 1} | tags
    bits = [values["bits"]] * values["samples"]
    values |= {"bits": bits, "offsets": 8, "counts": len(data)}
    values |= {"rows": values["length"]} | tags | {"bits": bits}
    start = 8 + len(data)
    entries, beyond = b"", b""
    place = start + 2 + 12 * len(values) + 4
    for name, value in sorted(values.items(), key=lambda item: numbers[item[0]]):
        many = value if isinstance(value, list) else [value]
        content = struct.pack(f"<{len(many)}I", *many)
        if len(many) > 1:
            content, beyond = struct.pack("<I", place + len(beyond)), beyond + content
        entries += struct.pack("<HHI", numbers[name], 4, len(many)) + content
    head = struct.pack("<2sHI", b"II", 42, start)
    directory = struct.pack("<H", len(values)) + entries + struct.pack("<I", 0)
    path.write_bytes(head + data + directory + beyond)


def hdr(path, height, width, content):
    head = f"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {height} +X {width}\n"
    path.write_bytes(head.encode() + content)


@pytest.fixture
def noise():
    return np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)


def write_whole(path, noise):
    """A picture of the format that the name says."""
    deep = noise.astype(np.uint16) * 200
    match path.name:
        case "a.exr":
            exr(path, **rgb(noise.astype(np.float32)))
        case "a.hdr":
            hdr(path, 64, 64, np.dstack([noise, noise[..., 0] // 8 + 112]).tobytes())
        case "deep.png":
            png16(path, deep)
        case "deep.tif":
            tifffile.imwrite(path, deep, photometric="rgb")
        case "deflate.tif":
            tifffile.imwrite(path, deep, photometric="rgb", compression="zlib")
        case "planes.tif":
            planes = np.moveaxis(deep, -1, 0).copy()
            tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate")
        case _:
            Image.fromarray(noise).save(path)


WHOLE = ["a.png", "a.jpg", "a.webp", "a.tif", "a.bmp", "a.exr", "a.hdr"]
WHOLE += ["deep.png", "deep.tif", "deflate.tif", "planes.tif"]


@pytest.mark.parametrize("missing", [1, 2, 5, 4000])
@pytest.mark.parametrize("name", WHOLE)
def test_a_picture_without_its_last_bytes_is_refused(tmp_path, noise, name, missing):
    path = tmp_path / name
    write_whole(path, noise)
    read_picture(path)
    path.write_bytes(path.read_bytes()[:-missing])
    with pytest.raises(InputError, match=rf"{name}: .*again"):
        read_picture(path)


def test_a_folder_stands_for_pictures_of_every_format(tmp_path):
    pictures = [tmp_path / name for name in WHOLE]
    hidden = [tmp_path / f"._{path.name}" for path in pictures]
    for path in (*pictures, *hidden, tmp_path / "notes.txt"):
        path.touch()
    assert pictures_in(tmp_path) == sorted(pictures)


def test_samples_in_planes_come_out_as_those_side_by_side(tmp_path, noise):
    deep = noise.astype(np.uint16) * 257 + 3
    planes = np.moveaxis(deep, -1, 0).copy()
    for compression in (None, "zlib"):
        tifffile.imwrite(
            tmp_path / "planes.tif",
            planes,
            photometric="rgb",
            planarconfig="separate",
            compression=compression,
        )
        found = read_picture(tmp_path / "planes.tif").pixels
        np.testing.assert_allclose(found, deep / 257, atol=1e-3)


def test_planes_that_pillow_would_mistake_are_refused(tmp_path, noise):
    data = b"".join(zlib.compress(noise[..., 0].astype(np.uint16).tobytes()) for _ in range(3))
    length = len(data) // 3
    tags = {"offsets": [8, 8 + length, 8 + 2 * length], "counts": [length] * 3}
    lzw = {"compression": 5, "planes": 2, "bits": 16, "width": 64, "length": 64}
    tiff(tmp_path / "lzw.tif", data, **tags, **lzw)
    with pytest.raises(InputError, match=r"lzw\.tif: found 16-bit planes.*Save it as RGB, interl"):
        read_picture(tmp_path / "lzw.tif")


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_deep_grey_is_right_or_refused(tmp_path, noise, photometric):
    deep = noise[..., 0].astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "grey.tif", deep, photometric=photometric)
    if photometric == "miniswhite":
        with pytest.raises(InputError, match=r"grey\.tif: found 16-bit samples, photometric 0"):
            read_picture(tmp_path / "grey.tif")
    else:
        found = read_picture(tmp_path / "grey.tif").pixels[..., 0]
        np.testing.assert_array_equal(found, noise[..., 0])


def test_deep_grey_of_a_compression_that_only_pillow_has(tmp_path, noise):
    deep = noise[..., 0].astype(np.uint16) * 257
    Image.fromarray(deep).save(tmp_path / "grey.tif", compression="tiff_lzw")
    found = read_picture(tmp_path / "grey.tif").pixels[..., 0]
    np.testing.assert_allclose(found, noise[..., 0], atol=1e-3)


@pytest.mark.parametrize("kind", [np.int16, np.uint32, np.int32])
def test_samples_whose_white_isn_t_known_are_refused(tmp_path, noise, kind):
    tifffile.imwrite(tmp_path / "odd.tif", noise[..., 0].astype(kind), photometric="minisblack")
    with pytest.raises(InputError, match=r"odd\.tif: found samples of (16|32) bits.*expected"):
        read_picture(tmp_path / "odd.tif")


@pytest.mark.parametrize("name", ["a.png", "deep.png"])
def test_a_png_with_a_wrong_checksum_is_refused(tmp_path, noise, name):
    path = tmp_path / name
    write_whole(path, noise)
    data = bytearray(path.read_bytes())
    place = data.index(b"IEND") - 5  # the last byte of the pixels' checksum
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=rf"{name}: .*checksum"):
        read_picture(path)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_tiff_with_a_wrong_checksum_is_refused(tmp_path, noise, bits):
    samples = noise.astype(f"<u{bits // 8}")
    data = zlib.compress(samples.tobytes())
    tags = {"bits": bits, "width": 64, "length": 64, "compression": 8}
    tiff(tmp_path / "good.tif", data, **tags)
    found = read_picture(tmp_path / "good.tif").pixels
    np.testing.assert_allclose(found, 255 * (samples / (2**bits - 1)), atol=1e-3)
    tiff(tmp_path / "bad.tif", data[:-1] + bytes([data[-1] ^ 1]), **tags)
    with pytest.raises(InputError, match=r"bad\.tif: .*damaged"):
        read_picture(tmp_path / "bad.tif")


def test_the_second_part_of_an_exr_never_stands_in_for_the_first(tmp_path, noise):
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    values = noise.astype(np.float32) / 255
    parts = [
        OpenEXR.Part(header | {"name": name}, rgb(values * scale))
        for name, scale in (("first", 1), ("second", 0.5))
    ]
    path = tmp_path / "two.exr"
    OpenEXR.File(parts).write(str(path))
    np.testing.assert_allclose(read_picture(path, "srgb").pixels, noise, atol=1e-3)
    data = bytearray(path.read_bytes())
    data[4000] ^= 255
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"two\.exr: .*damaged"):
        read_picture(path)


def test_the_start_of_a_jpeg_s_thumbnail_isn_t_its_end(tmp_path, noise):
    path = tmp_path / "thumbnail.jpg"
    Image.fromarray(noise).save(path, comment=b"\xff\xd9" * 20)
    read_picture(path)
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(InputError, match=r"thumbnail\.jpg: .*its end is missing"):
        read_picture(path)


def test_a_jpeg_that_repeats_its_scans_is_refused(tmp_path, noise):
    path = tmp_path / "scans.jpg"
    Image.fromarray(noise[..., 0]).save(path, progressive=True)
    data = path.read_bytes()
    last = data[data.rindex(b"\xff\xda") : -2]
    path.write_bytes(data[:-2] + 9 * last + data[-2:])
    read_picture(path)
    path.write_bytes(data[:-2] + 100 * last + data[-2:])
    with pytest.raises(InputError, match=r"scans\.jpg: .*more than 100 scans"):
        read_picture(path)


def test_the_same_holds_for_a_jpeg_in_a_tiff(tmp_path, noise):
    path = tmp_path / "scans.tif"
    Image.fromarray(noise[..., 0]).save(tmp_path / "scans.jpg", progressive=True)
    data = (tmp_path / "scans.jpg").read_bytes()
    last = data[data.rindex(b"\xff\xda") : -2]
    tags = {"samples": 1, "photometric": 1, "bits": 8, "compression": 7, "width": 64, "length": 64}
    tiff(path, data, **tags)
    read_picture(path)
    tiff(path, data[:-2] + 100 * last + data[-2:], **tags)
    with pytest.raises(InputError, match=r"scans\.tif: .*more than 100 scans"):
        read_picture(path)


def exr_of_size(path, side, count):
    """A small EXR whose header promises more."""
    channels = {f"C{i}": np.zeros((64, 64), np.float32) for i in range(count - 3)}
    exr(path, **channels, **rgb(np.zeros((64, 64, 3), np.float32)))
    data = bytearray(path.read_bytes())
    for name in (b"dataWindow", b"displayWindow"):
        start = data.index(name) + len(name) + len(b"\0box2i\0") + 4
        data[start : start + 16] = struct.pack("<4i", 0, 0, side - 1, side - 1)
    path.write_bytes(data)


def exr_of_tile(path, side):
    """A small EXR whose header promises a large tile."""
    tiles = OpenEXR.TileDescription()
    tiles.xSize = tiles.ySize = 64
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.tiledimage, "tiles": tiles}
    OpenEXR.File(header, rgb(np.zeros((64, 64, 3), np.float32))).write(str(path))
    read_picture(path)
    data = bytearray(path.read_bytes())
    start = data.index(b"tiledesc\0") + len(b"tiledesc\0") + 4
    data[start : start + 8] = struct.pack("<2I", side, side)
    path.write_bytes(data)


BOMBS = {
    "float.tif": lambda path: tiff(
        path, zlib.compress(bytes(99)), bits=32, format=3, width=16384, length=16384, compression=8
    ),
    "channels.tif": lambda path: tiff(
        path, zlib.compress(bytes(99)), bits=16, samples=200, width=4096, length=4096, compression=8
    ),
    "tile.tif": lambda path: tiff(
        path,
        zlib.compress(bytes(99)),
        bits=16,
        width=64,
        length=64,
        compression=8,
        tile_width=2**20,
        tile_length=2**20,
    ),
    "float.exr": lambda path: exr_of_size(path, 16384, 3),
    "channels.exr": lambda path: exr_of_size(path, 4096, 203),
    "tile.exr": lambda path: exr_of_tile(path, 2**15),
    "large.hdr": lambda path: hdr(path, 16384, 16384, bytes(2**16)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_picture_that_memory_can_t_hold_is_refused_before_it_is_decoded(tmp_path, name):
    BOMBS[name](tmp_path / name)
    with pytest.raises(InputError, match=rf"{name}: found \d+ x \d+ pixels.*bytes in all\. Scale"):
        read_picture(tmp_path / name)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_strip_that_inflates_to_more_than_its_place_is_refused(tmp_path, bits):
    data = zlib.compress(bytes(2**22))
    tiff(tmp_path / "strip.tif", data, bits=bits, width=64, length=64, compression=8)
    with pytest.raises(InputError, match=r"strip\.tif: .*damaged"):
        read_picture(tmp_path / "strip.tif")


def test_strips_that_share_their_bytes_are_no_bomb(tmp_path, noise):
    path = tmp_path / "shared.tif"
    data = zlib.compress(noise[0].tobytes())
    tags = {"offsets": [8] * 64, "counts": [len(data)] * 64, "rows": 1, "compression": 8}
    tiff(path, data, bits=8, width=64, length=64, **tags)
    with pytest.raises(InputError, match=r"shared\.tif: .*damaged"):
        read_picture(path)
    # With as many bytes as they would have apart, what they decode to isn't much.
    os.truncate(path, 2 * 64 * len(data))
    assert (read_picture(path).pixels == noise[0]).all()


def test_tags_with_more_values_than_tiles_are_refused_before_they_are_read(tmp_path):
    path = tmp_path / "tags.tif"
    tiff(path, bytes(64 * 64 * 3), bits=8, width=64, length=64)
    data = bytearray(path.read_bytes())
    entry = data.index(struct.pack("<HHI", 273, 4, 1))
    data[entry : entry + 12] = struct.pack("<HHII", 273, 3, 2**23, 8)
    path.write_bytes(data)
    os.truncate(path, 2**25)
    with pytest.raises(InputError, match=r"tags\.tif: .*its tags have \d+ values"):
        read_picture(path)


def test_a_size_of_5000_digits_is_refused(tmp_path):
    hdr(tmp_path / "digits.hdr", "9" * 5000, 64, b"")
    with pytest.raises(InputError, match=r"digits\.hdr: found the size b'-Y 999.*expected"):
        read_picture(tmp_path / "digits.hdr")


@pytest.mark.parametrize("kind", ["EPS", "GIF", "PPM", "TGA", "ICO", "JPEG2000"])
def test_formats_that_aren_t_listed_are_refused_whatever_their_name(
    tmp_path, noise, kind, monkeypatch
):
    path = tmp_path / "named.png"
    Image.fromarray(noise).save(path, kind)

    def no_program(*arguments, **options):
        raise AssertionError("another program was to decode it")

    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", no_program)
    monkeypatch.setattr("subprocess.Popen", no_program)
    with pytest.raises(InputError, match=r"named\.png: not a picture of a known.*PNG, JPEG, WebP"):
        read_picture(path)


THROWN = [
    RuntimeError("Failed to decode frame"),
    TypeError("unsupported operand"),
    ZeroDivisionError(),
    zlib.error("Error -3"),
    struct.error("unpack requires"),
    RecursionError(),
    AssertionError(),
    KeyError(7),
    SyntaxError("broken"),
    EOFError(),
    OverflowError("too large"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"),
]


@pytest.mark.parametrize(
    ("name", "decoder"),
    [
        ("a.png", "PIL.Image.Image.convert"),
        ("a.tif", "tifffile.TiffFile"),
        ("a.exr", "OpenEXR.File"),
    ],
)
@pytest.mark.parametrize("thrown", THROWN, ids=lambda error: type(error).__name__)
def test_whatever_a_decoder_throws_is_that_picture_s_error(
    tmp_path, noise, name, decoder, thrown, monkeypatch
):
    path = tmp_path / name
    write_whole(path, noise)

    def throw(*arguments, **options):
        raise thrown

    monkeypatch.setattr(decoder, throw)
    with pytest.raises(
        InputError, match=rf"{name}: the picture is .*Save or copy it again"
    ) as error:
        read_picture(path)
    assert error.value.__cause__ is thrown


@pytest.mark.parametrize("place", ["PIL.Image.Image.convert", "numpy.clip"])
def test_too_little_memory_is_that_picture_s_error(tmp_path, noise, monkeypatch, place):
    def throw(*arguments, **options):
        raise MemoryError

    Image.fromarray(noise).save(tmp_path / "a.png")
    monkeypatch.setattr(place, throw)
    with pytest.raises(InputError, match=r"a\.png: there isn't enough memory"):
        read_picture(tmp_path / "a.png")


def test_what_has_no_end_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    for name, kind in [("pipe.png", "a named pipe"), ("zero.png", "a device")]:
        with pytest.raises(InputError, match=rf"{name}: found {kind}, expected a picture"):
            read_picture(tmp_path / name)
