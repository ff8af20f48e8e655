"""Features: the same from any batch size, the same bytes twice, damage told."""

import numpy as np
import pytest
import torch

from inverse_shading.dataset.feature_files import features_head, features_precision
from inverse_shading.dataset.rows import FeatureShards
from inverse_shading.network import features
from inverse_shading.network.features import extract_features
from inverse_shading.runtime.artefacts import (
    read_description,
    read_tensors,
    write_array,
    write_tensors,
)
from inverse_shading.runtime.errors import InputError
from tests.support.trainings import CPU

NAME = "000020-000026.npy"
CONFIG = {"architecture": "vgg16", "batch_size": 4, "precision": "float32"}


def write_images(folder):
    array = np.random.default_rng(0).integers(0, 256, (7, 48, 48, 3), dtype=np.uint8)
    write_array(folder / "images" / NAME, array)
    return folder / "images" / NAME


@pytest.fixture
def images(tmp_path):
    return write_images(tmp_path)


def extract(images, trunk, folder, **config):
    path = images.parent.parent / folder / NAME
    extract_features(path, trunk, images, CONFIG | config, CPU)
    return path


@pytest.fixture(scope="module")
def made(vgg16, tmp_path_factory):
    """The features of the images as CONFIG has it."""
    return extract(write_images(tmp_path_factory.mktemp("made")), vgg16, "features")


def test_form_of_the_file(made):
    found = np.load(made, mmap_mode="r")
    assert found.shape == (7, 512, 3, 3) and found.dtype == np.float16
    assert np.isfinite(found).all() and (found >= 0).all() and found.max() > 0.1


def test_the_file_names_the_precision(images, vgg16, made):
    assert features_precision(made) == "float32"
    coarse = extract(images, vgg16, "coarse", precision="bfloat16")
    assert features_precision(coarse) == "bfloat16"
    FeatureShards([made], "float32")
    with pytest.raises(InputError, match=r"found features in bfloat16, expected float32\. Delete"):
        FeatureShards([made, coarse], "float32")


def test_a_head_is_one_of_numpy_s_own(tmp_path):
    # Lengths of the text on both sides of what 64 bytes more are needed for.
    for number in range(30):
        array = np.arange(3 * 10**number % 7919, dtype=np.float32).reshape(1, -1)
        path = tmp_path / "features.npy"
        head = features_head(array.dtype, (1,) * (number + 1) + array.shape[1:], "float32")
        assert len(head) % 64 == 0
        path.write_bytes(head + array.tobytes())
        np.testing.assert_array_equal(np.load(path).ravel(), array.ravel())
        assert features_precision(path) == "float32"
    np.save(path, array)
    assert features_precision(path) is None


def test_the_batch_size_changes_only_rounding(images, vgg16):
    found = [
        np.load(extract(images, vgg16, str(size), batch_size=size)).astype(np.float32)
        for size in (1, 3, 32)
    ]
    for other in found[1:]:
        np.testing.assert_allclose(found[0], other, rtol=2e-3, atol=2e-3 * found[0].max())


def test_the_same_bytes_twice(images, vgg16, made):
    assert extract(images, vgg16, "again").read_bytes() == made.read_bytes()


def test_every_image_has_its_own_row(images, vgg16, made):
    whole, array = np.load(made), np.load(images)
    write_array(images, array[::-1])
    backwards = np.load(extract(images, vgg16, "backwards"))
    np.testing.assert_allclose(whole[::-1], backwards, rtol=2e-3, atol=0.01)


def test_bfloat16_is_close_to_float32(images, vgg16, made):
    exact = np.load(made).astype(np.float32)
    coarse = np.load(extract(images, vgg16, "coarse", precision="bfloat16")).astype(np.float32)
    assert 0 < np.abs(exact - coarse).mean() < 0.02 * exact.mean()


def test_a_full_gpu_halves_the_batch_and_goes_on(images, vgg16, monkeypatch):
    expected = extract(images, vgg16, "expected", batch_size=2).read_bytes()
    sizes = []
    compute = features.compute_features

    def tight(network, batch, *arguments):
        sizes.append(len(batch))
        if len(batch) > 2:
            raise torch.OutOfMemoryError
        return compute(network, batch, *arguments)

    monkeypatch.setattr(features, "compute_features", tight)
    assert extract(images, vgg16, "tight", batch_size=4).read_bytes() == expected
    assert sizes == [4, 2, 2, 2, 1]


def cut_off(images):
    images.write_bytes(images.read_bytes()[:-100])


def drop_two(images):
    write_array(images, np.load(images)[:5])


@pytest.mark.parametrize(
    "damage, message",
    [(cut_off, "its contents don't match"), (drop_two, "found 5 images, expected 7")],
)
def test_damaged_images_are_refused(images, vgg16, damage, message):
    damage(images)
    with pytest.raises(InputError, match=rf"000020-000026\.npy: {message}"):
        extract(images, vgg16, "features")
    assert not (images.parent.parent / "features").exists()


def test_features_beyond_float16_are_refused(images, vgg16, tmp_path):
    tensors = read_tensors(vgg16)
    tensors["features.0.weight"] *= 1e6
    write_tensors(tmp_path / "huge", tensors, read_description(vgg16))
    with pytest.raises(InputError, match=r"images 0 to 3 are outside float16"):
        extract(images, tmp_path / "huge", "features")
    assert not list((tmp_path / "features").iterdir())


def test_a_trunk_of_another_architecture_is_refused(images, vgg16):
    with pytest.raises(InputError, match=r"found weights of vgg16, expected resnet50"):
        extract(images, vgg16, "features", architecture="resnet50")


def test_a_file_that_is_no_trunk_is_refused(images, tmp_path):
    write_tensors(tmp_path / "other", {}, {"architecture": "vgg16"})
    with pytest.raises(InputError, match=r"other: these are not the trunk's weights: 26 missing"):
        extract(images, tmp_path / "other", "features")
