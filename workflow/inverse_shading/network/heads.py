"""The trained part of a model: from a trunk's feature map to the objective's outputs."""

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from inverse_shading.runtime.artefacts import read_description, read_tensors, unusable
from inverse_shading.runtime.errors import InputError

# A principal component whose standard deviation is a smaller share of the first's is rounding.
NOTHING = 1e-6


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


class PrincipalComponents(nn.Module):
    """Project features (n, values, 1, 1) on their largest principal components, partly whitened.

    Each block of values (a depth) is brought to one scale first. A component of standard deviation
    σ comes out with one of σ^(1 − whitening), all times one factor: 0 leaves the components as they
    are, so that what changes an image little is never learnt; 1 makes them all as large as the first,
    so that the noise of the last is learnt. Mean, scales and components are measured on the training
    images (`fit`) and never trained.

    Args:
        blocks: values of each depth; they add up to the features'.
        count: components to keep.
        whitening: 0 to 1.
    """

    def __init__(self, blocks: Sequence[int], count: int, whitening: float):
        super().__init__()
        self.blocks, self.count, self.whitening = list(blocks), count, whitening
        self.values = sum(blocks)
        self.register_buffer("mean", torch.zeros(self.values))
        self.register_buffer("basis", torch.zeros(self.values, count))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return (features.flatten(1) - self.mean) @ self.basis

    def fit(self, features: np.ndarray, seed: int) -> None:
        """Measure mean, scales and components.

        Args:
            features: float32 (n, values) of the training images.
            seed: of the randomised decomposition (Halko et al. 2011,
                https://arxiv.org/abs/0909.4061).

        Raises:
            InputError: there are fewer images or values than components.
        """
        # Here, since it takes a second that other heads needn't wait.
        from sklearn.decomposition import PCA

        most = min(features.shape)
        if self.count > most:
            raise InputError(
                f"head.components: found {self.count}, expected at most {most}: there are "
                f"{features.shape[0]} training images of {features.shape[1]} values."
            )
        mean = features.mean(axis=0, dtype=np.float64)
        centred = (features - mean).astype(np.float32)
        scale = np.concatenate(
            [np.full(block.shape[1], _scale(block)) for block in self._cut(centred)]
        )
        centred *= scale.astype(np.float32)
        decomposition = PCA(
            self.count, svd_solver="randomized", iterated_power=7, random_state=seed
        ).fit(centred)
        deviation = np.sqrt(decomposition.explained_variance_)
        # Components without variance would be raised to infinity; they teach nothing.
        seen = deviation > NOTHING * deviation[0]
        factor = np.where(seen, np.where(seen, deviation, 1) ** -self.whitening, 0)
        spread = np.sqrt(np.mean((deviation * factor) ** 2))
        basis = scale[:, None] * decomposition.components_.T * (factor / (spread or 1))
        self.mean.copy_(torch.from_numpy(mean))
        self.basis.copy_(torch.from_numpy(basis))

    def _cut(self, features: np.ndarray) -> list[np.ndarray]:
        return np.split(features, np.cumsum(self.blocks)[:-1], axis=1)


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


def build_head(config: dict, feature_shape: tuple[int, int, int], outputs: int) -> Head:
    """Build a head with fresh weights from PyTorch's global random generator.

    Args:
        config: the `head` section. `type` is one of
            dense: [pool to grid x grid,] flatten, dense;
            conv: convolution 3x3, ReLU, spatial dropout, [pool to grid x grid,] flatten, dense;
            mlp: average pool, [dense, ReLU, dropout] for each of hidden_sizes, batch norm, dense;
            perceptron: `components` principal components, [dense, GELU] for each of hidden_sizes,
            dense; its `blocks` are the values of each depth, which the trunk says.
            A grid of 0 leaves the map as it is.
        feature_shape: channels, height, width of the trunk's features.
        outputs: of the last dense layer; no activation follows it.

    Raises:
        InputError: an unknown type, or a grid finer than the map.
    """
    channels, height, width = feature_shape
    kind = config["type"]
    pooling, components, pooled = None, None, tuple(feature_shape)
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
    elif kind == "perceptron":
        components = PrincipalComponents(
            config["blocks"], config["components"], config["whitening"]
        )
        width_before_output = config["components"]
        pooled = (width_before_output,)
        for number, size in enumerate(config["hidden_sizes"], start=1):
            layers[f"dense{number}"] = nn.Linear(width_before_output, size)
            layers[f"gelu{number}"] = nn.GELU()
            width_before_output = size
    else:
        raise InputError(f"head.type: found {kind!r}, expected dense, conv, mlp or perceptron.")
    layers["output"] = nn.Linear(width_before_output, outputs)
    if components is None:
        layers["standardise"] = Standardise(pooled)
        layers.move_to_end("standardise", last=False)
    return Head(pooling, components, nn.Sequential(layers), pooled)


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
        raise unusable(
            path, f"found no weights of a head as its description has it ({error})"
        ) from error
    return head.eval(), description


def _grid_pool(height: int, width: int, grid: int) -> GridPool:
    if grid > min(height, width):
        raise InputError(
            f"head.grid: found {grid}, expected at most {min(height, width)}: the trunk's map has "
            f"{height}x{width} cells. Lower it, set it to 0, or raise framing.image_size."
        )
    return GridPool(height, width, grid)


def _scale(block: np.ndarray) -> float:
    """One over the standard deviation of centred values; 1 where nothing varies."""
    deviation = float(np.sqrt(np.mean(np.square(block, dtype=np.float64))))
    return 1 / deviation if deviation > 0 else 1.0


def _averages(size: int, grid: int) -> torch.Tensor:
    """Matrix (grid, size) that averages over floor(i·size/grid) to ceil((i+1)·size/grid)."""
    matrix = torch.zeros(grid, size)
    for cell in range(grid):
        first, last = cell * size // grid, -(-(cell + 1) * size // grid)
        matrix[cell, first:last] = 1 / (last - first)
    return matrix
