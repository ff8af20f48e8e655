"""Classification into bins with soft targets: cross-entropy to a Gaussian about the true value.

One-hot targets call the neighbour of the true bin as wrong as the farthest. Here the target is the
probability that a normal distribution about the true value puts into each bin, cut to [0, 1] and
renormalised: the histogram loss with Gaussian targets (HL-Gauss; Imani and White 2018,
https://arxiv.org/abs/1806.04613; Farebrother et al. 2024, https://arxiv.org/abs/2403.03950).
Bins and decodings are those of `bins`.

Near 0 and 1 the cut would move the mean of the target away from the true value, by 0.8 deviations
at the very ends, and a network that has learnt its targets would repeat that. So the cut
distribution is tilted, multiplied by exp(t · value), with the t that brings its mean back. For a
normal distribution that is a shift of its centre.
"""

from functools import cached_property

import torch

from inverse_shading.network.objectives.bins import Bins

# Halvings of the interval that the tilt is sought in: the mean is then right to 1e-9.
HALVINGS = 48
# Largest tilt from one bin to the next: e to its power is near the largest float64.
LARGEST_TILT = 700.0


class SoftBins(Bins):
    """Bins whose targets are spread over neighbours.

    Args:
        count: bins of one parameter, at least 2.
        decoding: as of `Bins`.
        deviation: standard deviation of the target about the true value, in the parameter's units
            (above 0).
        parameters: number of values to predict for an image.
    """

    def __init__(self, count: int, decoding: str, deviation: float, parameters: int):
        super().__init__(count, decoding, parameters)
        self.deviation = deviation

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean over images and parameters of −Σ_c q_c · log p_c, q the soft target."""
        log_probabilities = self._log_probabilities(outputs)
        return -(self.soft_targets(targets) * log_probabilities).sum(dim=-1).mean()

    def soft_targets(self, values: torch.Tensor) -> torch.Tensor:
        """Probabilities (…, count) of the bins about values in [0, 1] of any shape.

        Their expected value is the true value to 1e-6, at 0 and 1 too. What remains there is the
        width: a mean close to an end leaves no room, so the target is narrower than `deviation` and
        at the very ends all in one bin. Between two bins' values the target is a mix of theirs, whose
        mean is the mix of their means.
        """
        if self._targets_of_bins.device != values.device:
            self._targets_of_bins = self._targets_of_bins.to(values.device)
        targets = self._targets_of_bins
        place = values * (self.count - 1)
        lower = place.floor().clamp(0, self.count - 2).long()
        share = (place - lower).unsqueeze(-1)
        return torch.lerp(targets[lower], targets[lower + 1], share.to(targets.dtype))

    @cached_property
    def _targets_of_bins(self) -> torch.Tensor:
        """Targets of the bins' own values: float32 (count, count), a row a value."""
        # The upper half mirrors the lower one.
        values = torch.linspace(0, 1, self.count, dtype=torch.float64)
        lower = _tilt_to_mean(self._cut_normal(values[: (self.count + 1) // 2]), values)
        # No tilt is enough where only one bin is left.
        lower[0] = torch.nn.functional.one_hot(torch.tensor(0), self.count)
        return torch.cat([lower, lower[: self.count // 2].flip(0, 1)]).float()

    def _cut_normal(self, means: torch.Tensor) -> torch.Tensor:
        """Probabilities (n, count) of a normal distribution about `means` (n,), cut to [0, 1]."""
        # The first and the last bin are half as wide: their values are 0 and 1.
        edges = (torch.arange(1, self.count) - 0.5) / (self.count - 1)
        inner = torch.cat([edges.new_zeros(1), edges, edges.new_ones(1)]).double()
        probabilities = torch.special.ndtr((inner - means[:, None]) / self.deviation).diff(dim=-1)
        return probabilities / probabilities.sum(dim=-1, keepdim=True)


def _tilt_to_mean(probabilities: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Tilt distributions over `values` (count,) so that the mean of row k is values[k]."""
    logarithms = probabilities.log()
    high = torch.full((len(probabilities), 1), LARGEST_TILT * (len(values) - 1)).double()
    low = -high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        tilted = torch.softmax(logarithms + middle * values, dim=-1)
        is_high = (tilted @ values)[:, None] > values[: len(tilted), None]
        low, high = torch.where(is_high, low, middle), torch.where(is_high, middle, high)
    return torch.softmax(logarithms + (low + high) / 2 * values, dim=-1)


def build(config: dict, parameters: int) -> SoftBins:
    """Build the objective from `count`, the bins a parameter, `decoding` and `deviation`."""
    return SoftBins(config["count"], config["decoding"], config["deviation"], parameters)
