"""Kinds of file: known by the file, and applied to another picture as to its own."""

import numpy as np
import pytest
from PIL import Image

from inverse_shading.pictures.file_kind import EIGHT_BITS, FileKind
from inverse_shading.pictures.picture_file import read_picture
from inverse_shading.scene.srgb import srgb_encode


@pytest.fixture(scope="module")
def levels():
    """A smooth picture, unrounded."""
    ramp = np.linspace(10, 240, 64)
    return np.stack(np.broadcast_arrays(ramp[:, None], ramp[::-1], ramp[None]), axis=-1)


@pytest.mark.parametrize("quality", [95, 75, 50])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_a_jpeg_is_applied_to_what_it_was_made_of(levels, tmp_path, quality, subsampling):
    path = tmp_path / "picture.jpg"
    rounded = Image.fromarray(np.rint(levels).astype(np.uint8))
    rounded.save(path, quality=quality, subsampling=subsampling)
    picture = read_picture(path)
    assert picture.kind.quality == quality and picture.kind.name == f"JPEG, quality {quality}"
    np.testing.assert_allclose(picture.kind.applied(levels), picture.pixels, atol=1e-3)


def test_bits_are_told_from_the_values(levels, tmp_path):
    Image.fromarray(np.rint(levels).astype(np.uint8)).save(tmp_path / "8.png")
    Image.fromarray((levels[..., 0] * 256 + 100).astype(np.uint16)).save(tmp_path / "16.png")
    assert read_picture(tmp_path / "8.png").kind == EIGHT_BITS
    assert read_picture(tmp_path / "16.png").kind.name == "16 bits"
    assert read_picture(tmp_path / "8.png", "linear").kind.linear


def test_what_shares_an_exponent_is_applied_to_what_it_was_made_of(tmp_path):
    random = np.random.default_rng(0)
    colors = random.uniform(size=(40, 50, 3)) * 2.0 ** random.integers(-9, 1, (40, 50, 3))
    colors[:4] = 0
    mantissas, exponents = np.frexp(colors.max(axis=-1))
    scale = np.where(mantissas > 0, 256 * mantissas / np.maximum(colors.max(axis=-1), 1e-9), 0)
    coded = np.dstack([colors * scale[..., None], np.where(mantissas > 0, exponents + 128, 0)])
    head = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 40 +X 50\n"
    (tmp_path / "picture.hdr").write_bytes(head + coded.astype(np.uint8).tobytes())
    picture = read_picture(tmp_path / "picture.hdr")
    assert picture.kind.name == "RGBE" and picture.kind.mixes and picture.kind.linear
    found = picture.kind.applied(255 * srgb_encode(colors))
    # Where a value is just at a step, a last bit decides.
    assert np.mean(np.abs(found - picture.pixels) > 1e-3) < 0.001
    assert np.abs(found - 255 * srgb_encode(colors)).max() > 2


def test_rounding_is_that_of_the_kind(levels):
    assert FileKind(0).applied(levels) is levels
    np.testing.assert_allclose(EIGHT_BITS.applied(levels), np.rint(levels), atol=1e-4)
    assert np.abs(FileKind(65535).applied(levels) - levels).max() < 0.01
    # The darkest of linear light is rounded to steps of a dozen levels.
    assert np.abs(FileKind(255, linear=True).applied(levels / 16) - levels / 16).max() > 3
