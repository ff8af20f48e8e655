"""Regression: one sigmoid output a parameter, mean squared error."""

import torch
from torch import nn


class Regression:
    """The poster's first loss; see `objective.Objective` for the methods."""

    def __init__(self, parameters: int):
        self.outputs = parameters

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean over images and parameters of (sigmoid(output) - target)²."""
        return nn.functional.mse_loss(outputs.sigmoid(), targets)

    def decode(self, outputs: torch.Tensor) -> torch.Tensor:
        """The sigmoid of the outputs."""
        return outputs.sigmoid()


def build(config: dict, parameters: int) -> Regression:
    """Build the objective; the config has no more to say than its type."""
    return Regression(parameters)
