"""Features from several depths: what they hold, in which order, at which precision."""

import numpy as np
import pytest
import torch

from inverse_shading.network.architectures import STAGE_CHANNELS, depth_sizes
from inverse_shading.network.features import Depths, extract_features
from inverse_shading.network.trunk_weights import prepare_trunk
from inverse_shading.network.trunks import build_trunk, load_trunk, normalise_images, trunk_stages
from inverse_shading.runtime.artefacts import write_array
from inverse_shading.runtime.errors import InputError
from inverse_shading.scene.srgb import srgb_decode
from tests.support.trainings import CPU


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def network(vgg16):
    return load_trunk(vgg16)


@pytest.mark.parametrize("architecture", ["vgg16", "resnet50"])
def test_the_stages_are_the_trunk(architecture):
    torch.manual_seed(0)
    network = build_trunk(architecture)
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.05)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.reset_running_stats()
    stages = trunk_stages(network, architecture)
    images = torch.rand(1, 3, 64, 64)
    features, channels = images, []
    with torch.inference_mode():
        for stage in stages:
            features = stage(features)
            channels.append(features.shape[1])
        torch.testing.assert_close(features, network(images))
    assert tuple(channels) == STAGE_CHANNELS[architecture]


def test_depths_are_averages_over_a_grid_in_a_fixed_order(network, images):
    depths = {"stage_2": 2, "image": 4, "radiance": 1}
    extractor = Depths(network, "vgg16", depths)
    normalised = normalise_images(torch.from_numpy(images))
    with torch.inference_mode():
        rows = extractor(normalised)
    sizes = depth_sizes("vgg16", depths)
    assert sizes == [3 * 16, 3, 128 * 4] and rows.shape == (3, sum(sizes), 1, 1)
    image, radiance, second = torch.split(rows[:, :, 0, 0], sizes, dim=1)
    encoded = images.astype(np.float64) / 255
    blocks = encoded.reshape(3, 4, 8, 4, 8, 3).mean(axis=(2, 4)).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(image.reshape(3, 3, 4, 4), blocks, atol=1e-6)
    np.testing.assert_allclose(radiance, srgb_decode(encoded).mean(axis=(1, 2)), atol=1e-6)
    stages = trunk_stages(network, "vgg16")
    with torch.inference_mode():
        expected = stages[1](stages[0](normalised)).reshape(3, 128, 2, 8, 2, 8).mean(dim=(3, 5))
    torch.testing.assert_close(second, expected.flatten(1))


def test_stages_after_the_last_one_asked_for_are_not_run(network):
    assert len(Depths(network, "vgg16", {"stage_2": 1}).stages) == 2
    assert len(Depths(network, "vgg16", {"image": 1}).stages) == 0


def test_a_grid_finer_than_a_depth_is_refused(network, images):
    extractor = Depths(network, "vgg16", {"stage_5": 3})
    with pytest.raises(InputError, match=r"depths.stage_5: found a grid of 3, expected at most 2"):
        extractor(normalise_images(torch.from_numpy(images)))


def test_features_of_pixels_keep_what_float16_would_not(tmp_path):
    """A step of one level in a single pixel of a block of 64 is there, and in float32."""
    pictures = np.full((2, 32, 32, 3), 128, np.uint8)
    pictures[1, 0, 0, 0] += 1
    write_array(tmp_path / "000000-000001.npy", pictures)
    config = {
        "architecture": "pixels",
        "batch_size": 2,
        "precision": "float32",
        "depths": {"image": 4},
    }
    output = tmp_path / "features/000000-000001.npy"
    trunk = tmp_path / "pixels.safetensors"
    prepare_trunk(trunk, {"architecture": "pixels", "weights": "none"})
    extract_features(output, trunk, tmp_path / "000000-000001.npy", config, CPU)
    features = np.load(output)
    assert features.dtype == np.float32 and features.shape == (2, 48, 1, 1)
    difference = features[1] - features[0]
    assert difference[0, 0, 0] == pytest.approx(1 / 255 / 64, rel=0.05)
    assert np.abs(difference[1:]).max() == 0
