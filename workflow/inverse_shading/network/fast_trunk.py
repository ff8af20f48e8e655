"""A trunk, or a part of one, that is never trained, made fast. Only rounding changes."""

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from inverse_shading.network.winograd import speed_up_convolutions


def make_fast(network: nn.Module, device: torch.device, precision: str) -> nn.Module:
    """Fold batch norms, and on a CPU in float32 compute convolutions by minimal filtering, in place.

    Args:
        network: in eval mode. It can't be trained afterwards.
        device, precision (float32 or bfloat16): where and in what it will run.
    """
    fold_batch_norms(network)
    if device.type == "cpu" and precision == "float32":
        speed_up_convolutions(network)
    return network


def fold_batch_norms(network: nn.Module) -> nn.Module:
    """Fold each batch norm into the convolution before it, in place.

    On a CPU a batch norm in eval mode takes longer than the convolutions of ResNet50 together.
    """
    for module in network.modules():
        before, convolution = "", None
        for name, layer in list(module.named_children()):
            if isinstance(layer, nn.BatchNorm2d) and isinstance(convolution, nn.Conv2d):
                setattr(module, before, fuse_conv_bn_eval(convolution, layer))
                setattr(module, name, nn.Identity())
            before, convolution = name, layer
    return network
