"""The canonical regression, and beside it the ends of an interval for each parameter.

The ends are quantiles, learnt by the pinball loss (Koenker and Bassett 1978,
https://doi.org/10.2307/1913643). They are as wide as the image leaves room: wide where a reflection is
too dark to show its tint, narrow where it is bright.
"""

import torch

from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.network.objectives.canonical import Canonical
from inverse_shading.network.objectives.canonical import build as build_canonical


class CanonicalQuantiles(Canonical):
    """The outputs of `canonical`, then ten lower and ten upper ends, all sigmoids.

    Args:
        level: probability that a value lies between its ends.
        weight: of the pinball loss beside the regression's, which shares the layers before.
    """

    outputs = Canonical.outputs + 2 * len(PARAMETERS)

    def __init__(self, level: float, weight: float):
        self._weight = weight
        self._tails = torch.tensor([(1 - level) / 2, (1 + level) / 2]).reshape(1, 2, 1)

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The loss of `canonical` and `weight` times the mean pinball loss of the ends."""
        tails = self._tails.to(outputs.device)
        above = targets.unsqueeze(1) - self._ends(outputs)
        pinball = torch.maximum(tails * above, (tails - 1) * above).mean()
        return super().loss(outputs[:, : Canonical.outputs], targets) + self._weight * pinball

    def decode(self, outputs: torch.Tensor) -> torch.Tensor:
        """As `canonical` does."""
        return super().decode(outputs[:, : Canonical.outputs])

    def intervals(self, outputs: torch.Tensor) -> torch.Tensor:
        """Lower and upper ends, (n, 2, parameters) in [0, 1]."""
        return self._ends(outputs).sort(dim=1).values

    def _ends(self, outputs: torch.Tensor) -> torch.Tensor:
        return outputs[:, Canonical.outputs :].sigmoid().reshape(len(outputs), 2, -1)


def build(config: dict, parameters: int) -> CanonicalQuantiles:
    """Build the objective from `level` and `weight`.

    Raises:
        InputError: as `canonical.build`.
    """
    build_canonical(config, parameters)
    return CanonicalQuantiles(config["level"], config["weight"])
