"""The trained part of a model: from a trunk's feature map to the objective's outputs."""

from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

from .errors import InputError
from .tensor_files import read_description, read_tensors


class GridPool(nn.Module):
    """Average-pool maps of any size to `grid` x `grid` cells that overlap by at most one row.

    The same averages as `nn.AdaptiveAvgPool2d`, as two matrix products, whose gradient is
    deterministic on a GPU where that layer's isn't.
    """

    def __init__(self, height: int, width: int, grid: int):
        super().__init__()
        self.register_buffer("rows", _averages(height, grid), persistent=False)
        self.register_buffer("columns", _averages(width, grid), persistent=False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.rows @ features @ self.columns.T


class Standardise(nn.Module):
    """Bring a trunk's features about zero and to a common scale: (features - mean) · factor.

    Trunks differ in the size of what they give out, and most of it is the same for every image; the
    learning rate of a head shouldn't have to know. Mean (one a feature) and factor (one for all,
    since a scale of its own for every channel raises the noise of rare ones) are measured on the
    training images and never trained. They could be folded into the layer that follows, but for the
    border of a convolution, which is padded by the mean this way.
    """

    def __init__(self, shape: tuple[int, ...]):
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("factor", torch.ones(()))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return (features - self.mean) * self.factor


class Head(nn.Sequential):
    """A head in two parts, called one after the other.

    Attributes:
        pooling: a pooling of the trunk's features without parameters, None where the head has none.
            What comes out of it may be kept and `trained` alone be run.
        trained: everything after it, from float32 features to outputs (n, outputs).
        pooled_shape: what `trained` takes, without the first axis.
    """

    def __init__(
        self, pooling: GridPool | None, trained: nn.Sequential, pooled_shape: tuple[int, ...]
    ):
        super().__init__()
        self.pooling = pooling
        self.trained = trained
        self.pooled_shape = pooled_shape

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.trained(features if self.pooling is None else self.pooling(features))

    @property
    def standardise(self) -> Standardise:
        return self.trained.standardise


def build_head(config: dict, feature_shape: tuple[int, int, int], outputs: int) -> Head:
    """Build a head with fresh weights from PyTorch's global random generator.

    Args:
        config: the `head` section. `type` is one of
            dense: [pool to grid x grid,] flatten, dense;
            conv: convolution 3x3, ReLU, spatial dropout, [pool to grid x grid,] flatten, dense;
            mlp: average pool, [dense, ReLU, dropout] for each of hidden_sizes, batch norm, dense.
            A grid of 0 leaves the map as it is.
        feature_shape: channels, height, width of the trunk's features.
        outputs: of the last dense layer; no activation follows it.

    Raises:
        InputError: an unknown type, or a grid finer than the map.
    """
    channels, height, width = feature_shape
    kind = config["type"]
    pooling, pooled = None, tuple(feature_shape)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if kind == "dense":
        if config["grid"]:
            pooling = _grid_pool(height, width, config["grid"])
            pooled = (channels, config["grid"], config["grid"])
        layers["flatten"] = nn.Flatten()
        width_before_output = pooled[0] * pooled[1] * pooled[2]
    elif kind == "conv":
        layers["convolution"] = nn.Conv2d(channels, config["channels"], 3, padding=1)
        layers["relu"] = nn.ReLU()
        layers["spatial_dropout"] = nn.Dropout2d(config["spatial_dropout"])
        cells = height * width
        if config["grid"]:
            layers["pool"] = _grid_pool(height, width, config["grid"])
            cells = config["grid"] ** 2
        layers["flatten"] = nn.Flatten()
        width_before_output = config["channels"] * cells
    elif kind == "mlp":
        pooling, pooled = GridPool(height, width, 1), (channels, 1, 1)
        layers["flatten"] = nn.Flatten()
        width_before_output = channels
        for number, size in enumerate(config["hidden_sizes"], start=1):
            layers[f"dense{number}"] = nn.Linear(width_before_output, size)
            layers[f"relu{number}"] = nn.ReLU()
            layers[f"dropout{number}"] = nn.Dropout(config["dropout"])
            width_before_output = size
        layers["batch_norm"] = nn.BatchNorm1d(width_before_output)
    else:
        raise InputError(f"head.type: found {kind!r}, expected dense, conv or mlp.")
    layers["output"] = nn.Linear(width_before_output, outputs)
    layers["standardise"] = Standardise(pooled)
    layers.move_to_end("standardise", last=False)
    return Head(pooling, nn.Sequential(layers), pooled)


def parameter_count(network: nn.Module) -> int:
    """Number of trainable weights."""
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)


def load_head(path: str | Path) -> tuple[Head, dict]:
    """Load a trained head, in eval mode, on the CPU.

    Returns:
        The head, and the file's description: `head` and `objective` (their config sections),
        `architecture` of the trunk, `feature_shape`, `outputs`.

    Raises:
        InputError: the file is missing, damaged, or holds no head.
    """
    description = read_description(path)
    try:
        head = build_head(
            description["head"], tuple(description["feature_shape"]), description["outputs"]
        )
        head.load_state_dict(read_tensors(path))
    except (KeyError, RuntimeError) as error:
        raise InputError(
            f"{path}: found no weights of a head as its description has it ({error}). Delete it "
            "and run the same command again to train it anew."
        ) from error
    return head.eval(), description


def _grid_pool(height: int, width: int, grid: int) -> GridPool:
    if grid > min(height, width):
        raise InputError(
            f"head.grid: found {grid}, expected at most {min(height, width)}: the trunk's map has "
            f"{height}x{width} cells. Lower it, set it to 0, or raise framing.image_size."
        )
    return GridPool(height, width, grid)


def _averages(size: int, grid: int) -> torch.Tensor:
    """Matrix (grid, size) that averages over floor(i·size/grid) to ceil((i+1)·size/grid)."""
    matrix = torch.zeros(grid, size)
    for cell in range(grid):
        first, last = cell * size // grid, -(-(cell + 1) * size // grid)
        matrix[cell, first:last] = 1 / (last - first)
    return matrix
