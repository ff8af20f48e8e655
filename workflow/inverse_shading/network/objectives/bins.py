"""Classification into bins: a softmax over the bins of each parameter, and the poster's loss.

Bin i of M stands for the value i / (M - 1): the first for 0, the last for 1, and a value belongs to
the nearest (the upper one of two equally near). With M = 1001 these are the values to
three decimals.
"""

import torch
from torch import nn

from inverse_shading.runtime.errors import InputError


class Bins:
    """The poster's second loss; see `objective.Objective` for the methods.

    Args:
        count: M, the bins of one parameter, at least 2.
        decoding: a key of `DECODINGS`, whose functions say what each is.
        parameters: number of values to predict for an image.

    Raises:
        InputError: an unknown decoding.
    """

    def __init__(self, count: int, decoding: str, parameters: int):
        if decoding not in DECODINGS:
            raise InputError(
                f"objective.decoding: found {decoding!r}, expected one of {', '.join(DECODINGS)}."
            )
        self.count = count
        self.outputs = parameters * count
        self._decode = DECODINGS[decoding]

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean over images and parameters of −(1 + |c_y − c_ŷ| / (M − 1)) · log p(c_y).

        c_y is the true bin and c_ŷ the likeliest one. The poster writes the sum over bins with a
        one-hot y, of which only the true bin's term is left. No gradient flows through the factor,
        since the likeliest bin doesn't change with small changes of the outputs.
        """
        log_probabilities = self._log_probabilities(outputs)
        true_bins = self.nearest_bin(targets)
        with torch.no_grad():
            distance = (true_bins - log_probabilities.argmax(dim=-1)).abs()
            factor = 1 + distance / (self.count - 1)
        of_true_bin = log_probabilities.gather(-1, true_bins.unsqueeze(-1)).squeeze(-1)
        return -(factor * of_true_bin).mean()

    def decode(self, outputs: torch.Tensor) -> torch.Tensor:
        """The values that the bins' probabilities stand for, by the decoding."""
        return self._decode(self._log_probabilities(outputs).exp())

    def nearest_bin(self, values: torch.Tensor) -> torch.Tensor:
        """Index of the bin that values in [0, 1] belong to, int64 of the same shape."""
        return (values * (self.count - 1) + 0.5).floor().long()

    def _log_probabilities(self, outputs: torch.Tensor) -> torch.Tensor:
        return nn.functional.log_softmax(outputs.view(len(outputs), -1, self.count), dim=-1)


def likeliest_value(probabilities: torch.Tensor) -> torch.Tensor:
    """The value of the likeliest of the last axis' bins (the poster's decoding)."""
    return probabilities.argmax(dim=-1) / (probabilities.shape[-1] - 1)


def expected_value(probabilities: torch.Tensor) -> torch.Tensor:
    """The mean of the values of the last axis' bins, each as often as it is probable."""
    centres = torch.linspace(0, 1, probabilities.shape[-1], device=probabilities.device)
    return (probabilities * centres).sum(dim=-1).clamp(0, 1)


DECODINGS = {"argmax": likeliest_value, "expected": expected_value}


def build(config: dict, parameters: int) -> Bins:
    """Build the objective from `count`, the bins a parameter, and `decoding`."""
    return Bins(config["count"], config["decoding"], parameters)
