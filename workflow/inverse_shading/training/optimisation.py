"""How weights are stepped: the optimiser, and the course of its learning rate."""

from collections.abc import Sequence

import torch
from torch import nn

from inverse_shading.runtime.errors import InputError


def build_optimiser(
    network: nn.Module, trunk: Sequence[nn.Parameter], config: dict
) -> torch.optim.Optimizer:
    """AdamW on a network's trainable weights; the head's come first, whose rate is reported.

    Args:
        network: what is trained.
        trunk: those of its weights that were trained before.
        config: a `training` section: learning_rate, weight_decay; and where there is a `trunk`
            trunk_rate, its learning rate as a share of the others', and trunk_decay, its weight decay.
    """
    rate = config["learning_rate"]
    slow = {id(weight) for weight in trunk}
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    groups = [{"params": [weight for weight in weights if id(weight) not in slow], "lr": rate}]
    if slow:
        slower, decay = rate * config["trunk_rate"], config["trunk_decay"]
        groups.append({"params": list(trunk), "lr": slower, "weight_decay": decay})
    # The fused form updates all weights in one pass over memory; on heads of millions of weights the
    # step is otherwise as slow as the gradient.
    return torch.optim.AdamW(groups, weight_decay=config["weight_decay"], fused=True)


def build_schedule(
    optimiser: torch.optim.Optimizer, name: str, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """The course of the learning rate over `steps` steps.

    one_cycle is Smith and Topin's (2018, https://arxiv.org/abs/1708.07120) with PyTorch's shares:
    up from 1/25 of the peak in three tenths of the steps, then down to nothing.

    Args:
        optimiser: at the peaks of its rates.
        name: one_cycle, cosine or constant.
        steps: of the whole training.

    Raises:
        InputError: another name.
    """
    rates = [group["lr"] for group in optimiser.param_groups]
    schedules = torch.optim.lr_scheduler
    if name == "one_cycle":
        # With a single step it would stand at its end, at nothing, from the start.
        return schedules.OneCycleLR(optimiser, max_lr=rates, total_steps=max(steps, 2))
    if name == "cosine":
        return schedules.CosineAnnealingLR(optimiser, T_max=steps)
    if name == "constant":
        return schedules.ConstantLR(optimiser, factor=1.0)
    raise InputError(f"training.schedule: found {name!r}, expected one_cycle, cosine or constant.")
