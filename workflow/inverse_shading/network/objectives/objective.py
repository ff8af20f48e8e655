"""What a network's outputs mean: their number, the loss on them, and how they become parameters.

Each objective is a module of its own that is loaded by the name in the config, and not imported by
those that use it: an edit of one leaves the models of the other as they are.
"""

import importlib
from pathlib import Path
from typing import Protocol

import torch

from inverse_shading.runtime.errors import InputError


class Objective(Protocol):
    """An objective for `parameters` values in [0, 1] an image.

    One that learns how sure its values are has a method `intervals` too, of the signature of `decode`:
    lower and upper ends, (n, 2, parameters) in [0, 1].
    """

    outputs: int
    """Outputs that the network must have."""

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean loss: outputs (n, self.outputs) before any activation, targets (n, parameters)."""
        ...

    def decode(self, outputs: torch.Tensor) -> torch.Tensor:
        """Predicted parameters (n, parameters) in [0, 1]."""
        ...


def answers(objective: Objective, outputs: torch.Tensor) -> torch.Tensor:
    """What a network says: (n, 1, parameters), or with lower and upper ends (n, 3, parameters)."""
    values = objective.decode(outputs).unsqueeze(1)
    if not hasattr(objective, "intervals"):
        return values
    return torch.cat([values, objective.intervals(outputs)], dim=1)


def load_objective(config: dict, parameters: int) -> Objective:
    """Load the objective that the config names.

    Args:
        config: the `objective` section: `type`, the name of a module beside this one, and what that
            module's `build` reads.
        parameters: number of values to predict for an image.

    Raises:
        InputError: there is no such module, or it refuses what the section says.
    """
    name = config["type"]
    here = Path(__file__)
    known = sorted(path.stem for path in here.parent.glob("[a-z]*.py") if path.stem != here.stem)
    if name not in known:
        raise InputError(f"objective.type: found {name!r}, expected one of {', '.join(known)}.")
    return importlib.import_module(f"inverse_shading.network.objectives.{name}").build(
        config, parameters
    )
