"""Layers of heads that nothing is learnt in: pooling, and what is measured on the training images."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

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
