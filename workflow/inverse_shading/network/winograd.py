"""Convolutions of 3 x 3 by Winograd's minimal filtering: a quarter of the multiplications.

F(4 x 4, 3 x 3) of Lavin and Gray 2016, https://arxiv.org/abs/1509.09308: for a pair of channels a tile
of 4 x 4 results takes 36 multiplications instead of 144. PyTorch's own convolutions are near a
CPU's limit, so this is what is left to make VGG16's deep layers faster there. Only rounding changes.
"""

import torch
from torch import nn

# Input channels from which on this is faster: tiles are brought into their form and back for every
# channel, and multiplied for every pair.
FEWEST_CHANNELS = 128

# Tiles that are worked on at a time. Of 128 to 1,024 the fastest on VGG16's layers: few make many
# products of small matrices, and what many take doesn't stay in the processor's cache.
TILES_AT_A_TIME = 256

RESULT, TILE = 4, 6
# Inputs, kernels and results: the matrices B^T, G and A^T of the paper.
OF_INPUT = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
OF_KERNEL = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
OF_RESULT = (
    (1, 1, 1, 1, 1, 0),
    (0, 1, -1, 2, -2, 0),
    (0, 1, 1, 4, 4, 0),
    (0, 1, -1, 8, -8, 1),
)


class WinogradConvolution(nn.Module):
    """From float32 maps (n, channels, height, width) of any size to (n, outputs, height, width).

    Args:
        convolution: 3 x 3, with a border of one zero and a bias. What is made of its weights takes four
            times their memory, and can't be trained.
    """

    def __init__(self, convolution: nn.Conv2d):
        super().__init__()
        kernels = _transform_kernels(convolution.weight.detach())
        self.kernels = nn.Parameter(kernels, requires_grad=False)
        self.bias = nn.Parameter(convolution.bias.detach(), requires_grad=False)
        self.register_buffer("of_input", _on_tiles(OF_INPUT))
        self.register_buffer("of_result", _on_tiles(OF_RESULT))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        n, _, height, width = maps.shape
        down, across = -(-height // RESULT), -(-width // RESULT)
        tiles = _cut(maps.permute(0, 2, 3, 1), down, across)
        channels = len(self.bias)
        results = maps.new_empty(n, down, RESULT, across, RESULT, channels)
        # Several images where maps are small, some rows of tiles of one where they are large.
        images = max(1, TILES_AT_A_TIME // (down * across))
        rows = max(1, TILES_AT_A_TIME // across)
        for image in range(0, n, images):
            for row in range(0, down, rows):
                place = slice(image, image + images), slice(row, row + rows)
                results[place] = self._convolve(tiles[place])
        whole = results.view(n, RESULT * down, RESULT * across, channels)
        return whole[:, :height, :width].permute(0, 3, 1, 2)

    def _convolve(self, tiles: torch.Tensor) -> torch.Tensor:
        """Tiles (n, down, across, 6, 6, channels) to results (n, down, 4, across, 4, channels)."""
        n, down, across, _, _, channels = tiles.shape
        count = n * down * across
        values = tiles.permute(3, 4, 0, 1, 2, 5).reshape(TILE * TILE, count * channels)
        products = torch.bmm((self.of_input @ values).view(-1, count, channels), self.kernels)
        results = self.of_result @ products.view(TILE * TILE, -1)
        results = results.view(RESULT, RESULT, n, down, across, -1) + self.bias
        return results.permute(2, 3, 0, 4, 1, 5)


def speed_up_convolutions(network: nn.Module) -> nn.Module:
    """Replace the convolutions that are faster so, in place.

    The network is then one for float32 on a CPU, and can't be trained.
    """
    for name, layer in list(network.named_children()):
        if isinstance(layer, nn.Conv2d) and _is_suitable(layer):
            setattr(network, name, WinogradConvolution(layer))
        else:
            speed_up_convolutions(layer)
    return network


def _is_suitable(layer: nn.Conv2d) -> bool:
    return (
        layer.kernel_size == (3, 3)
        and layer.stride == layer.padding == layer.dilation == (1, 1)
        and layer.groups == 1
        and layer.padding_mode == "zeros"
        and layer.bias is not None
        and layer.in_channels >= FEWEST_CHANNELS
    )


def _on_tiles(matrix: tuple[tuple[float, ...], ...]) -> torch.Tensor:
    """A matrix that is applied to both sides of a tile, as one on the tile's values in a row."""
    one = torch.tensor(matrix, dtype=torch.float64)
    return torch.kron(one, one).float()


def _transform_kernels(weight: torch.Tensor) -> torch.Tensor:
    """(outputs, inputs, 3, 3) to (36, inputs, outputs)."""
    outputs, inputs = weight.shape[:2]
    kernels = _on_tiles(OF_KERNEL) @ weight.permute(2, 3, 1, 0).reshape(9, inputs * outputs)
    return kernels.view(TILE * TILE, inputs, outputs)


def _cut(maps: torch.Tensor, down: int, across: int) -> torch.Tensor:
    """Maps (n, height, width, channels) to tiles that overlap: (n, down, across, 6, 6, channels)."""
    n, height, width, channels = maps.shape
    below, right = (RESULT * k + 1 - side for k, side in ((down, height), (across, width)))
    padded = nn.functional.pad(maps, (0, 0, 1, right, 1, below)).contiguous()
    image, row, column, value = padded.stride()
    return padded.as_strided(
        (n, down, across, TILE, TILE, channels),
        (image, RESULT * row, RESULT * column, row, column, value),
    )
