"""What is kept of a trunk's frozen stages: its form, the same bytes twice, and what is refused."""

import numpy as np
import pytest

from inverse_shading.dataset.rows import FeatureShards
from inverse_shading.runtime.artefacts import read_description, read_tensors, write_tensors
from inverse_shading.runtime.errors import InputError
from tests.support.synthetic import SyntheticData
from tests.support.trainings import keep_outputs


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return SyntheticData(tmp_path_factory.mktemp("data"), n_images=20, shard_size=20, image_side=32)


def test_what_is_kept_is_pooled_before_and_twice_the_same(data, vgg16, tmp_path):
    shapes = {
        first: FeatureShards(
            keep_outputs(tmp_path, data, vgg16, "vgg16", first).inputs, "float32"
        ).shape
        for first in (2, 5)
    }
    assert shapes == {2: (64, 16, 16), 5: (512, 2, 2)}
    (once,) = (tmp_path / "before_stage_5").glob("*.npy")
    (again,) = keep_outputs(tmp_path / "again", data, vgg16, "vgg16").inputs
    assert once.read_bytes() == again.read_bytes()
    assert np.load(again).dtype == np.float16


def test_kept_outputs_outside_float16_are_refused(data, vgg16, tmp_path):
    tensors = read_tensors(vgg16)
    tensors["features.0.weight"] *= 1e6
    large = tmp_path / "large.safetensors"
    write_tensors(large, tensors, read_description(vgg16))
    with pytest.raises(
        InputError, match=r"000000-000019\.npy: features of images 0 to 7 are outside float16"
    ):
        keep_outputs(tmp_path, data, large, "vgg16")
    assert not list(tmp_path.glob("before_stage_5/*"))


def test_a_trunk_of_another_architecture_is_refused(data, vgg16, tmp_path):
    with pytest.raises(InputError, match=r"found weights of vgg16, expected resnet50"):
        keep_outputs(tmp_path, data, vgg16, "resnet50")
