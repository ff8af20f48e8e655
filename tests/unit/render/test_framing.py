"""Framing: the crop box, antialiasing, and where a framed image shows the object."""

import numpy as np
import pytest

from inverse_shading.render.framing import StageFraming, crop_box, frame_image
from inverse_shading.runtime.errors import InputError

CONFIG = {"image_size": 32, "margin": 0.1, "filter": "lanczos"}


def disc(size=96, centre=(40, 52), radius=20):
    rows, columns = np.mgrid[:size, :size]
    return (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2


def test_the_box_is_a_square_round_the_silhouette_with_the_margin():
    left, upper, right, lower = crop_box(disc(), 0.1)
    # 41 pixels across, a tenth of it on each side, round the disc's centre.
    assert right - left == pytest.approx(41 * 1.2) and lower - upper == pytest.approx(41 * 1.2)
    assert (left + right) / 2 == pytest.approx(52.5) and (upper + lower) / 2 == pytest.approx(40.5)


def test_the_box_stays_inside_the_frame():
    for centre in ((5, 5), (90, 90), (48, 90)):
        left, upper, right, lower = crop_box(disc(centre=centre), 0.5)
        assert 0 <= left < right <= 96 and 0 <= upper < lower <= 96
        assert right - left == pytest.approx(lower - upper)
    assert crop_box(np.ones((64, 64), bool), 1.0) == (0, 0, 64, 64)


@pytest.mark.parametrize("filter", ["box", "bilinear", "hamming", "bicubic", "lanczos"])
def test_every_filter_is_antialiased(filter):
    """A one-pixel checkerboard shrinks to its mean; a filter that aliased would leave black or white."""
    board = (np.indices((96, 96)).sum(axis=0) % 2 * 255).astype(np.uint8)
    image = frame_image(np.repeat(board[..., None], 3, axis=2), (0, 0, 96, 96), 32, filter)
    inner = image[4:-4, 4:-4].astype(int)
    # Three pixels a side: a filter's weights on black and white can't be quite even.
    assert np.abs(inner - 127.5).max() < 40


def test_a_constant_frame_keeps_its_colour():
    frame = np.full((96, 96, 3), (200, 100, 50), np.uint8)
    image = frame_image(frame, (10.5, 20.25, 60.5, 70.25), 32, "lanczos")
    assert (image == (200, 100, 50)).all()


def test_a_stage_is_framed_by_its_silhouette():
    framing = StageFraming(disc(), CONFIG)
    frame = np.random.default_rng(1).integers(90, 160, (96, 96, 3), dtype=np.uint8)
    expected = frame_image(frame, crop_box(disc(), 0.1), 32, "lanczos")
    np.testing.assert_array_equal(framing.image(frame), expected)
    white = framing.image(disc()[..., None] * np.full(3, 255, np.uint8))
    np.testing.assert_array_equal(framing.silhouette, white[..., 0] > 0)
    backdrop, coverage = framing.view(frame)
    assert np.abs(backdrop - expected).max() <= 1.5
    assert coverage.min() == 0 and coverage.max() == 1
    # Bytes are also clipped between the two passes of the resampling.
    np.testing.assert_allclose(coverage, white[..., 0] / 255, atol=0.06)
    # Through the whole frame the object is as much smaller as the frame is larger than the box.
    whole = framing.view(frame, (0.0, 0.0, 96.0, 96.0))[1]
    assert whole.sum() == pytest.approx(disc().mean() * 32**2, rel=0.02)


def test_an_empty_stage_cannot_be_framed():
    with pytest.raises(InputError, match="covers no pixel"):
        StageFraming(np.zeros((8, 8), bool), CONFIG)
