"""Kinds of file: known by the file, and applied to another picture as to its own."""

import numpy as np
import pytest
from PIL import Image

from inverse_shading.pictures.file_kind import EIGHT_BITS, FileKind
from inverse_shading.pictures.picture_file import read_picture


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


def test_rounding_is_that_of_the_kind(levels):
    assert FileKind(0).applied(levels) is levels
    np.testing.assert_allclose(EIGHT_BITS.applied(levels), np.rint(levels), atol=1e-4)
    assert np.abs(FileKind(65535).applied(levels) - levels).max() < 0.01
    # The darkest of linear light is rounded to steps of a dozen levels.
    assert np.abs(FileKind(255, linear=True).applied(levels / 16) - levels / 16).max() > 3
