"""Convolutions by minimal filtering: the numbers of PyTorch's own, whatever the size of the maps."""

import pytest
import torch
from torch import nn

from inverse_shading.network import winograd
from inverse_shading.network.winograd import WinogradConvolution, speed_up_convolutions


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
    [
        {"stride": 2},
        {"padding": 0},
        {"dilation": 2, "padding": 2},
        {"bias": False},
        {"groups": 2},
        {"padding_mode": "reflect"},
    ],
)
def test_other_convolutions_stay(settings, monkeypatch):
    monkeypatch.setattr(winograd, "FEWEST_CHANNELS", 4)
    network = nn.Sequential(nn.Sequential(convolution(4, 4, **settings)), nn.Conv2d(4, 4, 1))
    speed_up_convolutions(network)
    assert isinstance(network[0][0], nn.Conv2d) and isinstance(network[1], nn.Conv2d)
    speed_up_convolutions(suitable := nn.Sequential(nn.Sequential(convolution(4, 4))))
    assert isinstance(suitable[0][0], WinogradConvolution)
