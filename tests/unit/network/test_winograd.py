"""Convolutions by minimal filtering: the numbers of PyTorch's own, whatever the size of the maps."""

import pytest
import torch
from torch import nn

from inverse_shading.network import features, winograd
from inverse_shading.network.trunks import build_trunk, load_trunk, trunk_tensors
from inverse_shading.network.winograd import WinogradConvolution, speed_up_convolutions
from inverse_shading.runtime.artefacts import write_tensors


def convolution(inputs=5, outputs=7, **settings):
    torch.manual_seed(0)
    return nn.Conv2d(inputs, outputs, 3, **({"padding": 1} | settings)).requires_grad_(False)


@pytest.mark.parametrize("tiles", [1, 3, 256])
@pytest.mark.parametrize("shape", [(2, 4, 4), (3, 7, 14), (1, 1, 2), (2, 13, 9), (1, 40, 20)])
def test_results_are_those_of_a_convolution(shape, tiles, monkeypatch):
    monkeypatch.setattr(winograd, "TILES_AT_A_TIME", tiles)
    layer = convolution()
    n, height, width = shape
    maps = torch.randn(n, 5, height, width)
    expected = nn.functional.conv2d(
        maps.double(), layer.weight.double(), layer.bias.double(), padding=1
    )
    fast = WinogradConvolution(layer)
    for given in (maps, maps.to(memory_format=torch.channels_last)):
        found = fast(given)
        assert found.shape == expected.shape
        assert (found - expected).abs().max() < 1e-5


@pytest.mark.parametrize(
    "settings",
    [{"stride": 2}, {"padding": 0}, {"dilation": 2, "padding": 2}, {"bias": False}, {"groups": 2}],
)
def test_other_convolutions_stay(settings, monkeypatch):
    monkeypatch.setattr(winograd, "FEWEST_CHANNELS", 4)
    network = nn.Sequential(nn.Sequential(convolution(4, 4, **settings)), nn.Conv2d(4, 4, 1))
    speed_up_convolutions(network)
    assert isinstance(network[0][0], nn.Conv2d) and isinstance(network[1], nn.Conv2d)
    speed_up_convolutions(suitable := nn.Sequential(nn.Sequential(convolution(4, 4))))
    assert isinstance(suitable[0][0], WinogradConvolution)


def test_vgg16_computes_the_same_in_float32_and_bfloat16_stays_as_it_is(tmp_path):
    trunk = build_trunk("vgg16")
    generator = torch.Generator().manual_seed(0)
    for tensor in trunk_tensors(trunk).values():
        scale = (2 / tensor[0].numel()) ** 0.5 if tensor.ndim > 1 else 0.1
        tensor.copy_(scale * torch.randn(tensor.shape, generator=generator))
    path = tmp_path / "vgg16.safetensors"
    write_tensors(path, trunk_tensors(trunk), {"architecture": "vgg16"})
    cpu = torch.device("cpu")
    fast, _ = features.load_extractor(path, "vgg16", None, cpu, "float32")
    plain, _ = features.load_extractor(path, "vgg16", None, cpu, "bfloat16")

    def replaced(network):
        return sum(isinstance(layer, WinogradConvolution) for layer in network.modules())

    # All but the first three, which have few channels.
    assert (replaced(fast), replaced(plain)) == (10, 0)
    images = torch.randn(2, 3, 64, 48, generator=generator)
    with torch.inference_mode():
        expected = load_trunk(path)(images)
        found = fast(images)
        assert torch.equal(found, fast(images))
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()
