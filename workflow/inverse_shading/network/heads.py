"""The trained part of a model: from a trunk's feature map to the objective's outputs."""

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from torch import nn

from inverse_shading.network.measured_layers import GridPool, PrincipalComponents, Standardise
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.tensor_files import read_description, read_tensors


class Head(nn.Sequential):
    """A head in up to three parts, called one after the other.

    What comes out of the first two, in which nothing is trained, may be kept and `trained` alone be
    run.

    Attributes:
        pooling: a pooling of the trunk's features, None where the head has none.
        components: a projection fitted on the training images, None where the head has none.
        trained: everything after them, from float32 features to outputs (n, outputs).
        kept_shape: what `trained` takes, without the first axis.
    """

    def __init__(
        self,
        pooling: GridPool | None,
        components: PrincipalComponents | None,
        trained: nn.Sequential,
        kept_shape: tuple[int, ...],
    ):
        super().__init__()
        self.pooling = pooling
        self.components = components
        self.trained = trained
        self.kept_shape = kept_shape

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.trained(self.prepare(features))

    def prepare(self, features: torch.Tensor) -> torch.Tensor:
        """What comes before anything that is trained."""
        if self.pooling is not None:
            features = self.pooling(features)
        return features if self.components is None else self.components(features)

    @property
    def standardise(self) -> Standardise | None:
        """The first layer of `trained` that is measured on the training images, if it has one."""
        return self.trained.standardise if "standardise" in self.trained._modules else None


@dataclass
class _Plan:
    """A head without its first and its last layer, which all have alike.

    Attributes:
        kept_shape: see `Head`.
        layers: of the trained part, by name.
        width: values that come out of the last of them.
        pooling, components: see `Head`.
    """

    kept_shape: tuple[int, ...]
    layers: OrderedDict[str, nn.Module] = field(default_factory=OrderedDict)
    width: int = 0
    pooling: GridPool | None = None
    components: PrincipalComponents | None = None

    def add_hidden(self, sizes: Sequence[int], **following: Callable[[], nn.Module]) -> None:
        """A dense layer of each size, with layers that follow it, all numbered from 1."""
        for number, size in enumerate(sizes, start=1):
            self.layers[f"dense{number}"] = nn.Linear(self.width, size)
            for name, build in following.items():
                self.layers[f"{name}{number}"] = build()
            self.width = size


def _plan_dense(config: dict, shape: tuple[int, int, int]) -> _Plan:
    """[pool to grid x grid,] flatten, dense"""
    plan = _Plan(shape)
    if config["grid"]:
        plan.pooling = _grid_pool(shape, config["grid"])
        plan.kept_shape = (shape[0], config["grid"], config["grid"])
    plan.layers["flatten"] = nn.Flatten()
    plan.width = math.prod(plan.kept_shape)
    return plan


def _plan_conv(config: dict, shape: tuple[int, int, int]) -> _Plan:
    """convolution 3x3, ReLU, spatial dropout, [pool to grid x grid,] flatten, dense"""
    plan = _Plan(shape)
    channels, height, width = shape
    plan.layers["convolution"] = nn.Conv2d(channels, config["channels"], 3, padding=1)
    plan.layers["relu"] = nn.ReLU()
    plan.layers["spatial_dropout"] = nn.Dropout2d(config["spatial_dropout"])
    cells = height * width
    if config["grid"]:
        plan.layers["pool"] = _grid_pool(shape, config["grid"])
        cells = config["grid"] ** 2
    plan.layers["flatten"] = nn.Flatten()
    plan.width = config["channels"] * cells
    return plan


def _plan_mlp(config: dict, shape: tuple[int, int, int]) -> _Plan:
    """average pool, [dense, ReLU, dropout] for each of hidden_sizes, batch norm, dense"""
    plan = _Plan((shape[0], 1, 1), width=shape[0], pooling=_grid_pool(shape, 1))
    plan.layers["flatten"] = nn.Flatten()
    dropout = partial(nn.Dropout, config["dropout"])
    plan.add_hidden(config["hidden_sizes"], relu=nn.ReLU, dropout=dropout)
    plan.layers["batch_norm"] = nn.BatchNorm1d(plan.width)
    return plan


def _plan_perceptron(config: dict, shape: tuple[int, int, int]) -> _Plan:
    """`components` principal components, [dense, GELU] for each of hidden_sizes, dense"""
    count = config["components"]
    components = PrincipalComponents(config["blocks"], count, config["whitening"])
    plan = _Plan((count,), width=count, components=components)
    plan.add_hidden(config["hidden_sizes"], gelu=nn.GELU)
    return plan


HEADS = {
    "dense": _plan_dense,
    "conv": _plan_conv,
    "mlp": _plan_mlp,
    "perceptron": _plan_perceptron,
}


def build_head(config: dict, feature_shape: tuple[int, int, int], outputs: int) -> Head:
    """Build a head with fresh weights from PyTorch's global random generator.

    Args:
        config: the `head` section. `type` is a key of `HEADS`, whose functions say what layers each
            has. A grid of 0 leaves the map as it is; `blocks` are the values of each depth, which the
            trunk says.
        feature_shape: channels, height, width of the trunk's features.
        outputs: of the last dense layer; no activation follows it.

    Raises:
        InputError: an unknown type, or a grid finer than the map.
    """
    kind = config["type"]
    if kind not in HEADS:
        raise InputError(f"head.type: found {kind!r}, expected dense, conv, mlp or perceptron.")
    plan = HEADS[kind](config, tuple(feature_shape))
    layers = plan.layers
    layers["output"] = nn.Linear(plan.width, outputs)
    if plan.components is None:
        layers["standardise"] = Standardise(plan.kept_shape)
        layers.move_to_end("standardise", last=False)
    return Head(plan.pooling, plan.components, nn.Sequential(layers), plan.kept_shape)


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


def _grid_pool(shape: tuple[int, int, int], grid: int) -> GridPool:
    _, height, width = shape
    if grid > min(height, width):
        raise InputError(
            f"head.grid: found {grid}, expected at most {min(height, width)}: the trunk's map has "
            f"{height}x{width} cells. Lower it, set it to 0, or raise framing.image_size."
        )
    return GridPool(height, width, grid)
