"""Trunks made fast: the numbers of the trunk as it is loaded, but for rounding."""

import pytest
import torch
from torch import nn

from inverse_shading.network.fast_trunk import make_fast
from inverse_shading.network.features import Depths
from inverse_shading.network.trunks import build_trunk, trunk_tensors
from inverse_shading.network.winograd import WinogradConvolution

# All but the first three of VGG16, which have few channels; of ResNet50 those that keep the resolution.
REPLACED = {"vgg16": 10, "resnet50": 10}


def random_trunk(architecture):
    trunk = build_trunk(architecture)
    generator = torch.Generator().manual_seed(0)
    for name, tensor in trunk_tensors(trunk).items():
        # Variances and scales around one, everything else around nothing.
        is_scale = tensor.ndim == 1 and not name.endswith(("bias", "mean"))
        gain = 2 if architecture == "vgg16" else 1
        spread = 0.1 if tensor.ndim == 1 else (gain / tensor[0].numel()) ** 0.5
        tensor.copy_(is_scale + spread * torch.randn(tensor.shape, generator=generator))
    return trunk


def count(network, kind):
    return sum(isinstance(layer, kind) for layer in network.modules())


@pytest.fixture(params=["vgg16", "resnet50"])
def architecture(request):
    return request.param


def test_features_change_by_rounding_alone(architecture):
    trunk = random_trunk(architecture)
    images = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = trunk(images)
        fast = make_fast(trunk, torch.device("cpu"), "float32")
        found = fast(images)
        assert torch.equal(found, fast(images))
    assert count(fast, nn.BatchNorm2d) == 0
    assert count(fast, WinogradConvolution) == REPLACED[architecture]
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()


@pytest.mark.parametrize("device, precision", [("cuda", "float32"), ("cpu", "bfloat16")])
def test_elsewhere_pytorch_s_convolutions_stay(architecture, device, precision):
    fast = make_fast(random_trunk(architecture), torch.device(device), precision)
    assert (count(fast, nn.BatchNorm2d), count(fast, WinogradConvolution)) == (0, 0)


def test_several_depths_are_made_fast_too():
    network = Depths(random_trunk("vgg16"), "vgg16", {"image": 8, "stage_1": 4, "stage_3": 2})
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = network(images)
        fast = make_fast(network, torch.device("cpu"), "float32")
        found = fast(images)
    # Of the stages that are run, and of no other.
    assert count(fast, WinogradConvolution) == 4
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()
