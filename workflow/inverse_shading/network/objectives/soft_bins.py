"""Classification into bins with soft targets: cross-entropy to a Gaussian about the true value.

One-hot targets call the neighbour of the true bin as wrong as the farthest. Here the target is the
probability that a normal distribution about the true value puts into each bin, cut to [0, 1] and
renormalised: the histogram loss with Gaussian targets (HL-Gauss; Imani and White 2018,
https://arxiv.org/abs/1806.04613; Farebrother et al. 2024, https://arxiv.org/abs/2403.03950).
Bins and decodings are those of `bins`.
"""

import torch

from inverse_shading.network.objectives.bins import Bins


class SoftBins(Bins):
    """Bins whose targets are spread over neighbours.

    Args:
        count: bins of one parameter, at least 2.
        deviation: standard deviation of the target about the true value, in the parameter's units
            (above 0).
        parameters: number of values to predict for an image.
    """

    def __init__(self, count: int, deviation: float, parameters: int):
        super().__init__(count, parameters)
        self.deviation = deviation

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean over images and parameters of −Σ_c q_c · log p_c, q the soft target."""
        log_probabilities = self._log_probabilities(outputs)
        return -(self.soft_targets(targets) * log_probabilities).sum(dim=-1).mean()

    def soft_targets(self, values: torch.Tensor) -> torch.Tensor:
        """Probabilities (…, count) of the bins about values in [0, 1] of any shape."""
        # The first and the last bin are half as wide: their centres are 0 and 1.
        edges = (torch.arange(1, self.count, device=values.device) - 0.5) / (self.count - 1)
        inner = torch.cat([edges.new_zeros(1), edges, edges.new_ones(1)])
        # In float64: in the tail that is cut off, float32 would divide nothing by nothing.
        distance = (inner.double() - values.unsqueeze(-1).double()) / self.deviation
        probabilities = torch.special.ndtr(distance).diff(dim=-1)
        return (probabilities / probabilities.sum(dim=-1, keepdim=True)).to(values.dtype)


def build(config: dict, parameters: int) -> SoftBins:
    """Build the objective from `count`, the bins a parameter, and `deviation`."""
    return SoftBins(config["count"], config["deviation"], parameters)
