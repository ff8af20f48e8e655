import numpy as np
import pytest

from inverse_shading.dataset.framed_images import open_images, write_images
from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.dataset.shards import write_shard
from inverse_shading.render.framing import crop_box, frame_image
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


def test_an_empty_mask_is_refused():
    with pytest.raises(InputError, match="covers no pixel"):
        crop_box(np.zeros((8, 8), bool), 0.1)


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


def shard(path, images, size=96):
    frames = np.random.default_rng(0).integers(0, 256, (len(images), size, size, 3), dtype=np.uint8)
    write_shard(
        path, ((i, np.zeros(10), f) for i, f in zip(images.identifiers, frames, strict=True))
    )
    return frames


def test_a_shard_becomes_one_array(tmp_path):
    images = ImageRange(0, 4)
    frames = shard(tmp_path / "s.tar", images)
    write_images(tmp_path / "i.npy", tmp_path / "s.tar", disc(), images, CONFIG)
    array = open_images(tmp_path / "i.npy", images)
    assert array.shape == (5, 32, 32, 3) and array.dtype == np.uint8
    assert (array[3] == frame_image(frames[3], crop_box(disc(), 0.1), 32, "lanczos")).all()


def test_frames_of_another_size_than_the_stage_are_refused(tmp_path):
    images = ImageRange(0, 4)
    shard(tmp_path / "s.tar", images, size=64)
    with pytest.raises(InputError, match=r"s\.tar.*64x64 RGB, expected 96x96"):
        write_images(tmp_path / "i.npy", tmp_path / "s.tar", disc(), images, CONFIG)
    assert not (tmp_path / "i.npy").exists()
