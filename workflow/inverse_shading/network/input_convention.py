"""Whether VGG16's ImageNet weights expect the input that trunks are given, which no shape can tell."""

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import nn

from inverse_shading.network.trunks import IMAGENET_STD, normalise_images, trunk_stages
from inverse_shading.runtime.jobs import logger

# What the first block of Simonyan and Zisserman's VGG16 gives for `known_picture`: means of its first
# sixteen channels over the picture, where its first layer is rescaled to torchvision's input
# (RGB, ImageNet's mean and deviation taken out).
KNOWN = (44.501, 135.263, 469.806, 341.741, 533.114, 158.971, 63.245, 227.803)
KNOWN += (1.133, 89.434, 63.876, 208.463, 119.606, 131.319, 78.911, 353.825)

# Relative distance from KNOWN up to which weights are the same: weights rounded to half precision
# stay below 0.001, and an exchange of red and blue is at 0.3.
TOLERANCE = 0.02

# torchvision trained its own VGG16, for the same input. Its files carry the beginning of their SHA-256.
TORCHVISION = "397923af"

# Other inputs that published weights expect: what they are called, and how ours becomes them.
OTHERS = {
    "BGR in place of RGB": lambda images: images.flip(1),
    "RGB values up to 255 with the mean taken out": lambda images: _unscaled(images),
    "BGR values up to 255 with the mean taken out": lambda images: _unscaled(images).flip(1),
}


def warn_of_other_input(trunk: nn.Sequential, path: Path) -> None:
    """Warn where a file that calls itself ImageNet's holds weights for another input than ours.

    The features of one built-in picture are compared with known ones. They are known for VGG16 in
    the weights of Simonyan and Zisserman (2015, https://arxiv.org/abs/1409.1556).

    Args:
        trunk: VGG16 with the file's weights, in eval mode.
        path: the file; it calls itself ImageNet's by `imagenet` in its name.
    """
    if "imagenet" not in path.name.lower():
        return
    if hashlib.sha256(path.read_bytes()).hexdigest().startswith(TORCHVISION):
        return
    first = trunk_stages(trunk, "vgg16")[0]
    images = normalise_images(torch.from_numpy(known_picture()[None]))
    if _is_known(first, images):
        return
    for name, change in OTHERS.items():
        if _is_known(first, change(images)):
            reason = (
                f"they are the known ones if the input is {name}. Rescale or reorder the first "
                "layer for RGB with ImageNet's mean and deviation taken out, as torchvision has it"
            )
            break
    else:
        reason = (
            "no other known input explains them. The weights are damaged, were trained further, or "
            "are another training's; look where the file comes from"
        )
    logger.warning(
        "%s: it calls itself ImageNet's, but its features of a known picture are others; %s.",
        path,
        reason,
    )


def known_picture() -> np.ndarray:
    """The picture that KNOWN is of, uint8 (32, 32, 3): gradients of all channels, an orange disc."""
    across = np.linspace(0, 255, 32)
    y, x = np.meshgrid(across, across, indexing="ij")
    picture = np.stack([x, y, 255 - x], axis=-1)
    picture[(x - 96) ** 2 + (y - 128) ** 2 < 64**2] = (230, 120, 40)
    return picture.round().astype(np.uint8)


@torch.inference_mode()
def _is_known(first: nn.Module, images: torch.Tensor) -> bool:
    found = first(images).mean(dim=(0, 2, 3))[: len(KNOWN)]
    known = found.new_tensor(KNOWN)
    return bool((found - known).norm() <= TOLERANCE * known.norm())


def _unscaled(images: torch.Tensor) -> torch.Tensor:
    deviation = images.new_tensor(IMAGENET_STD)[:, None, None]
    return images * deviation * 255
