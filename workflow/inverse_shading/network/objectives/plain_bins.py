"""Classification into bins with the plain cross-entropy, which the poster's loss is a change of.

Bins and decodings are those of `bins`.
"""

import torch
from torch import nn

from inverse_shading.network.objectives.bins import Bins


class PlainBins(Bins):
    """Bins without the factor of the poster's loss."""

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean over images and parameters of −log p(c_y), c_y the true bin."""
        log_probabilities = self._log_probabilities(outputs)
        return nn.functional.nll_loss(
            log_probabilities.flatten(0, 1), self.nearest_bin(targets).flatten()
        )


def build(config: dict, parameters: int) -> PlainBins:
    """Build the objective from `count`, the bins a parameter, and `decoding`."""
    return PlainBins(config["count"], config["decoding"], parameters)
