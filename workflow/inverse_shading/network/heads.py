"""The trained part of a model: from a trunk's feature map to the objective's outputs."""

import itertools
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import nn

from inverse_shading.network.measured_layers import GridPool, PrincipalComponents, Standardise
from inverse_shading.runtime.artefacts import read_description, read_tensors, unusable
from inverse_shading.runtime.errors import InputError

if TYPE_CHECKING:
    from inverse_shading.network.settings import HeadDescription

Network = TypeVar("Network", bound=nn.Module)


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
        layers: Mapping[str, nn.Module],
        kept_shape: tuple[int, ...],
        pooling: GridPool | None = None,
        components: PrincipalComponents | None = None,
    ):
        super().__init__()
        self.pooling = pooling
        self.components = components
        self.trained = nn.Sequential(OrderedDict(layers))
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
        raise InputError(f"head.type: found {kind!r}, expected one of {', '.join(HEADS)}.")
    return HEADS[kind](config, tuple(feature_shape), outputs)


def dense_head(config: dict, shape: tuple[int, int, int], outputs: int) -> Head:
    """[Pool to grid x grid,] flatten, dense."""
    pooling, pooled = _grid_pool(shape, config["grid"])
    layers = {
        "standardise": Standardise(pooled),
        "flatten": nn.Flatten(),
        "output": nn.Linear(math.prod(pooled), outputs),
    }
    return Head(layers, pooled, pooling)


def conv_head(config: dict, shape: tuple[int, int, int], outputs: int) -> Head:
    """Convolution 3x3, ReLU, spatial dropout, [pool to grid x grid,] flatten, dense."""
    convolved = (config["channels"], *shape[1:])
    pool, pooled = _grid_pool(convolved, config["grid"])
    layers = {
        "standardise": Standardise(shape),
        "convolution": nn.Conv2d(shape[0], convolved[0], 3, padding=1),
        "relu": nn.ReLU(),
        "spatial_dropout": nn.Dropout2d(config["spatial_dropout"]),
        **({} if pool is None else {"pool": pool}),
        "flatten": nn.Flatten(),
        "output": nn.Linear(math.prod(pooled), outputs),
    }
    return Head(layers, shape)


def mlp_head(config: dict, shape: tuple[int, int, int], outputs: int) -> Head:
    """Average pool, [dense, ReLU, dropout] for each of hidden_sizes, batch norm, dense."""
    pooling, pooled = _grid_pool(shape, 1)
    sizes = [shape[0], *config["hidden_sizes"]]
    layers = {
        "standardise": Standardise(pooled),
        "flatten": nn.Flatten(),
        **hidden_layers(sizes, relu=nn.ReLU, dropout=partial(nn.Dropout, config["dropout"])),
        "batch_norm": nn.BatchNorm1d(sizes[-1]),
        "output": nn.Linear(sizes[-1], outputs),
    }
    return Head(layers, pooled, pooling)


def perceptron_head(config: dict, shape: tuple[int, int, int], outputs: int) -> Head:
    """`components` principal components (0: all features), then dense layers with GELU, dense."""
    count = config["components"]
    sizes = [count or math.prod(shape), *config["hidden_sizes"]]
    layers = hidden_layers(sizes, gelu=nn.GELU) | {"output": nn.Linear(sizes[-1], outputs)}
    if not count:
        return Head({"standardise": Standardise(shape), "flatten": nn.Flatten()} | layers, shape)
    components = PrincipalComponents(config["blocks"], count, config["whitening"])
    return Head(layers, (count,), components=components)


HEADS = {"dense": dense_head, "conv": conv_head, "mlp": mlp_head, "perceptron": perceptron_head}


def hidden_layers(
    sizes: Sequence[int], **following: Callable[[], nn.Module]
) -> dict[str, nn.Module]:
    """A dense layer from each size to the next, with the layers that follow it, numbered from 1."""
    layers: dict[str, nn.Module] = {}
    for number, (before, after) in enumerate(itertools.pairwise(sizes), start=1):
        layers[f"dense{number}"] = nn.Linear(before, after)
        layers |= {f"{name}{number}": build() for name, build in following.items()}
    return layers


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
    # Here, since only who loads weights has to wait for it.
    from inverse_shading.network.settings import HeadDescription

    return load_described(path, "a head", HeadDescription, lambda head, _: head)


def load_described(
    path: str | Path,
    what: str,
    form: "type[HeadDescription]",
    build: Callable[[Head, dict], Network],
) -> tuple[Network, dict]:
    """Load a network that has a head, in eval mode, on the CPU.

    Args:
        what: the weights are of, such as "a head".
        form: of the file's description.
        build: the network from its head and the description.

    Returns:
        The network and the description.

    Raises:
        InputError: the file is missing or damaged, or its description isn't that of its weights.
    """
    from inverse_shading.runtime.wording import parse_section

    try:
        description = parse_section(form, read_description(path)).model_dump()
        tensors = read_tensors(path)

        def fill(**options) -> Network:
            shape, outputs = tuple(description["feature_shape"]), description["outputs"]
            network = build(build_head(description["head"], shape, outputs), description)
            network.load_state_dict(tensors, **options)
            return network

        # First without memory: a description can speak of more than there is.
        with torch.device("meta"):
            fill(assign=True)
        return fill().eval(), description
    except (ValueError, RuntimeError) as error:
        raise unusable(
            path, f"found no weights of {what} as its description has it ({error})"
        ) from error


def _grid_pool(
    shape: tuple[int, int, int], grid: int
) -> tuple[GridPool | None, tuple[int, int, int]]:
    """What pools maps of a shape to a grid, None for a grid of 0, and the shape that results."""
    channels, height, width = shape
    if not grid:
        return None, shape
    if grid > min(height, width):
        raise InputError(
            f"head.grid: found {grid}, expected at most {min(height, width)}: the trunk's map has "
            f"{height}x{width} cells. Lower it, set it to 0, or raise framing.image_size."
        )
    return GridPool(height, width, grid), (channels, grid, grid)
