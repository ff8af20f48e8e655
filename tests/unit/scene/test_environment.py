"""Radiance maps: .hdr files, irradiance, orientation."""

import os

import numpy as np
import OpenEXR
import pytest

from inverse_shading.runtime.errors import InputError
from inverse_shading.scene.environment import irradiance_map, load_environment, texel_directions

EXR = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
HEADER = "#?RADIANCE\n# a comment\nFORMAT=32-bit_rle_rgbe\n\n-Y {0} +X {1}\n"


def rgbe(radiance):
    """Shared-exponent bytes, and the radiance that they stand for."""
    peak = radiance.max(axis=-1, keepdims=True)
    exponent = np.where(peak > 0, np.ceil(np.log2(np.maximum(peak, 1e-30)) + 1e-6), -128)
    mantissa = np.floor(radiance / 2.0**exponent * 256).clip(0, 255)
    content = np.concatenate([mantissa, exponent + 128], axis=-1).astype(np.uint8)
    return content, (mantissa / 256 * 2.0**exponent).astype(np.float32)


def coded(content):
    """Run-length code each channel of each scanline: runs of four, literals for the rest."""
    width = content.shape[1]
    out = bytearray()
    for row in content:
        out += bytes([2, 2, width >> 8, width & 255])
        for channel in row.T:
            for start in range(0, width, 4):
                block = channel[start : start + 4]
                if (block == block[0]).all():
                    out += bytes([128 + len(block), block[0]])
                else:
                    out += bytes([len(block), *block])
    return bytes(out)


@pytest.fixture
def radiance():
    values = np.random.default_rng(4).uniform(0, 5, (8, 16, 3))
    values[2:4] = (0.5, 1.0, 300.0)
    values[5] = 0
    return values


def write(path, body, height=8, width=16):
    path.write_bytes(HEADER.format(height, width).encode() + body)
    return path


@pytest.mark.parametrize("layout", ["flat", "coded"])
def test_an_hdr_file_gives_its_radiance(tmp_path, radiance, layout):
    content, expected = rgbe(radiance)
    body = coded(content) if layout == "coded" else content.tobytes()
    loaded = load_environment(write(tmp_path / "light.hdr", body))
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(loaded, expected)


def test_materialx_reads_the_same_pixels(tmp_path, radiance):
    mx_render = pytest.importorskip("MaterialX.PyMaterialXRender")
    import MaterialX as mx

    content, _ = rgbe(radiance)
    path = write(tmp_path / "light.hdr", coded(content))
    image = mx_render.StbImageLoader.create().loadImage(mx.FilePath(str(path)))
    loaded = load_environment(path)
    for row, column in [(0, 0), (2, 3), (5, 1), (7, 15)]:
        theirs = image.getTexelColor(column, row).asTuple()[:3]
        np.testing.assert_array_equal(np.float32(theirs), loaded[row, column])


def cut(body):
    return body[:-20]


def garbled(body):
    return b"\x02\x02\x00\x10" + b"\x00" * (len(body) - 4)


@pytest.mark.parametrize("layout", ["flat", "coded"])
@pytest.mark.parametrize("damage", [cut, garbled])
def test_damaged_pixels_are_refused(tmp_path, radiance, layout, damage):
    content, _ = rgbe(radiance)
    body = damage(coded(content) if layout == "coded" else content.tobytes())
    with pytest.raises(InputError, match=r"light\.hdr.*(cut short or damaged)"):
        load_environment(write(tmp_path / "light.hdr", body))


def test_a_head_that_promises_a_huge_map_is_refused(tmp_path, radiance):
    content, _ = rgbe(radiance)
    path = write(tmp_path / "light.hdr", coded(content), 4096, 8192)
    with pytest.raises(InputError, match="cut short"):
        load_environment(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a Radiance picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 64, r"not a Radiance picture.*expected a \.hdr or \.exr"),
        (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n+Y 2 +X 4\n" + b"\1" * 32, "expected '-Y HEIGHT"),
        (HEADER.format(0, 0).encode(), "expected '-Y HEIGHT"),
        (HEADER.format(4, 4).encode() + b"\x80" * 64, "twice as wide as high"),
        (HEADER.format(8192, 16384).encode(), "width of 16384 pixels, expected at most 8192"),
        (HEADER.format(10**8, 2 * 10**8).encode(), "width of 200000000 pixels"),
        (HEADER.format("9" * 5000, "9" * 5000).encode(), "found the size b'-Y 999"),
        (HEADER.format(2, 4).encode() + b"\0" * 32, "mean radiance of 0"),
        (HEADER.format(2, 4).encode() + b"\x80\x80\x80\x60" * 8, "mean radiance of 1.16e-10"),
        (HEADER.format(2, 4).encode() + b"\xff" * 32, r"mean radiance of 1\.69e\+38"),
    ],
)
def test_what_is_no_light_is_refused(tmp_path, content, message):
    path = tmp_path / "light.hdr"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"light\.hdr.*{message}"):
        load_environment(path)


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_an_exr_is_the_same_light(tmp_path, radiance, kind):
    path, values = tmp_path / "light.exr", radiance.astype(kind)
    OpenEXR.File(dict(EXR), {"RGB": values}).write(str(path))
    found = load_environment(path)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, values.astype(np.float32))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda light: light[:, ::2], "twice as wide as high"),
        (lambda light: light * 0, "mean radiance of 0"),
        (
            lambda light: np.where(light == light.max(), -1, light),
            r"found \d+ values that are negative",
        ),
        (lambda light: np.where(light == light.max(), np.inf, light), "or no finite numbers"),
    ],
)
def test_an_exr_that_is_no_light_is_refused(tmp_path, radiance, change, message):
    path = tmp_path / "light.exr"
    light = np.ascontiguousarray(change(radiance), np.float32)
    OpenEXR.File(dict(EXR), {"RGB": light}).write(str(path))
    with pytest.raises(InputError, match=rf"light\.exr: .*{message}"):
        load_environment(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"light\.exr: .*damaged"):
        load_environment(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"missing\.hdr"):
        load_environment(tmp_path / "missing.hdr")


def test_what_has_no_end_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.hdr")
    (tmp_path / "zero.hdr").symlink_to("/dev/zero")
    (tmp_path / "folder.hdr").mkdir()
    for name in ("pipe.hdr", "zero.hdr", "folder.hdr"):
        with pytest.raises(InputError, match=rf"{name}: found a \w+.*expected a Radiance"):
            load_environment(tmp_path / name)


def test_directions_follow_materialx():
    directions, angles = texel_directions(64, 128)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=-1), 1)
    np.testing.assert_allclose(128 * angles.sum(), 4 * np.pi)
    # mx_latlong_projection(u_envMatrix * direction), as its GLSL has it.
    x, y, z = -directions[..., 0], directions[..., 1], -directions[..., 2]
    u = np.arctan2(x, -z) / (2 * np.pi) + 0.5
    v = -np.arcsin(y) / np.pi + 0.5
    np.testing.assert_allclose(u, np.broadcast_to((np.arange(128) + 0.5) / 128, u.shape))
    np.testing.assert_allclose(v, np.broadcast_to(((np.arange(64) + 0.5) / 64)[:, None], v.shape))


@pytest.mark.parametrize("shape", [(64, 128), (512, 1024), (100, 201)])
def test_irradiance_of_an_even_sky_is_the_sky(shape):
    even = np.full((*shape, 3), [0.5, 1.0, 2.0], np.float32)
    result = irradiance_map(even)
    assert result.shape == (32, 64, 3)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, np.broadcast_to(even[:1, :1], result.shape), rtol=2e-3)


def test_irradiance_of_half_a_sky_is_the_cosine_law():
    # Light from above alone: E(n)/pi = (1 + n.y) / 2.
    sky = np.zeros((128, 256, 3), np.float32)
    sky[:64] = 1
    normals, _ = texel_directions(32, 64)
    np.testing.assert_allclose(irradiance_map(sky)[..., 0], (1 + normals[..., 1]) / 2, atol=5e-3)
