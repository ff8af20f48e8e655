import numpy as np
import pytest

from inverse_shading.dataset.framed_images import open_images, write_images
from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.dataset.shards import write_shard
from inverse_shading.render.framing import StageFraming
from inverse_shading.runtime.errors import InputError

CONFIG = {"image_size": 32, "margin": 0.1, "filter": "lanczos"}


# What the object covers of a frame.
MASK = np.pad(np.ones((41, 41), bool), ((20, 35), (32, 23)))


def shard(path, images, size=96):
    frames = np.random.default_rng(0).integers(0, 256, (len(images), size, size, 3), dtype=np.uint8)
    write_shard(
        path, ((i, np.zeros(10), f) for i, f in zip(images.identifiers, frames, strict=True))
    )
    return frames


def test_a_shard_becomes_one_array(tmp_path):
    images = ImageRange(0, 4)
    frames = shard(tmp_path / "s.tar", images)
    write_images(tmp_path / "i.npy", tmp_path / "s.tar", MASK, images, CONFIG)
    array = open_images(tmp_path / "i.npy", images)
    assert array.shape == (5, 32, 32, 3) and array.dtype == np.uint8
    assert (array[3] == StageFraming(MASK, CONFIG).image(frames[3])).all()


def test_frames_of_another_size_than_the_stage_are_refused(tmp_path):
    images = ImageRange(0, 4)
    shard(tmp_path / "s.tar", images, size=64)
    with pytest.raises(InputError, match=r"s\.tar.*64x64 RGB, expected 96x96"):
        write_images(tmp_path / "i.npy", tmp_path / "s.tar", MASK, images, CONFIG)
    assert not (tmp_path / "i.npy").exists()
