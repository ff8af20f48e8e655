"""The one file of trunk weights that every features job reads, whatever they come from."""

import hashlib
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn

from inverse_shading.dataset.framed_images import open_images
from inverse_shading.dataset.ranges import parse_range
from inverse_shading.dataset.splits import read_split
from inverse_shading.network.input_convention import warn_of_other_input
from inverse_shading.network.trunks import build_trunk, fill_trunk, normalise_images, trunk_tensors
from inverse_shading.runtime.artefacts import read_tensors, write_tensors
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.jobs import logger, progress


def prepare_trunk(
    output: str | Path,
    config: dict,
    images: str | Path | None = None,
    split: str | Path | None = None,
) -> None:
    """Get a trunk's weights from where the config says and write them as one safetensors file.

    Args:
        output: the file to write. Its description holds `architecture` and `origin`.
        config: architecture; weights (imagenet, random, the path of a .pth or .safetensors state
            dict with torchvision's names, or none where the architecture has none); seed;
            batch_size.
        images, split: of the first shard, needed for random weights alone: ResNet50's batch
            statistics are measured on its training images.

    Raises:
        InputError: the weights can't be downloaded or read, or are not this architecture's.
    """
    architecture, weights = config["architecture"], config["weights"]
    trunk = build_trunk(architecture)
    if weights == "none":
        origin = "none"
    elif weights == "imagenet":
        origin = _download(trunk, architecture)
    elif weights == "random":
        origin = f"random (seed {config['seed']}"
        _draw_weights(trunk, config["seed"])
        if any(isinstance(layer, nn.BatchNorm2d) for layer in trunk.modules()):
            count = _calibrate(trunk, _training_images(images, split), config["batch_size"])
            origin += f", batch statistics calibrated on {count} training images"
        origin += ")"
    else:
        path = Path(weights)
        fill_trunk(trunk, _read_state_dict(path), path)
        if architecture == "vgg16":
            warn_of_other_input(trunk, path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        origin = f"file {path.name} (sha256 {digest[:12]}…)"
    write_tensors(output, trunk_tensors(trunk), {"architecture": architecture, "origin": origin})
    logger.info("%s weights: %s", architecture, origin)


def _download(trunk: nn.Module, architecture: str) -> str:
    # Imported here for the reason that `build_trunk` gives.
    from torchvision.models import ResNet50_Weights, VGG16_Weights

    # The first published weights of both, trained by the classical recipe and closest to those of
    # the poster's time. ResNet50's second set (IMAGENET1K_V2) classifies ImageNet better but was
    # trained with label smoothing and mixing of images, which is known to make worse frozen
    # features (Kornblith et al. 2021, https://arxiv.org/abs/2010.16402).
    sources = {"vgg16": VGG16_Weights, "resnet50": ResNet50_Weights}
    source = sources[architecture].IMAGENET1K_V1
    logger.info("loading %s (downloaded once, then kept by torchvision)", source.url)
    try:
        tensors = source.get_state_dict(progress=True, check_hash=True, weights_only=True)
    # No network, a wrong hash, or a damaged file in torchvision's folder, which can raise anything.
    except Exception as error:
        raise InputError(
            f"{source.url}: the ImageNet weights of {architecture} can't be downloaded "
            f"({type(error).__name__}: {error}). On a machine with internet fetch that file, bring "
            "it here, and set trunks.<name>.weights in the config to its path; or set it to "
            "`random` for seeded random weights (the models then learn less)."
        ) from error
    fill_trunk(trunk, tensors, source.url)
    return f"imagenet (torchvision {source.name})"


def _read_state_dict(path: Path) -> dict[str, torch.Tensor]:
    if not path.is_file():
        raise InputError(
            f"{path}: there is no such file of weights. Set trunks.<name>.weights in the config to "
            "imagenet, random, or the path of a .pth or .safetensors file."
        )
    if path.suffix == ".safetensors":
        return read_tensors(path)
    try:
        # weights_only: a .pth is a pickle, which could otherwise run code of its maker's.
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # A damaged pickle can raise anything.
        reason = [type(error).__name__, *str(error).splitlines()[:1]]
        raise InputError(
            f"{path}: can't be read as a state dict saved by PyTorch ({': '.join(reason)}). "
            "Expected torch.save(model.state_dict(), …); fetch or save the file again."
        ) from error
    if not isinstance(tensors, dict) or not all(
        isinstance(tensor, torch.Tensor) for tensor in tensors.values()
    ):
        raise InputError(
            f"{path}: found {type(tensors).__name__}, expected a state dict: tensors by name, "
            "saved with torch.save(model.state_dict(), …)."
        )
    return tensors


def _draw_weights(trunk: nn.Module, seed: int) -> None:
    """Fill a trunk with random weights: He's normal for convolutions, batch norms the identity.

    With the fan-in rule the second moment of the activations stays the same through a chain of
    convolutions and ReLUs (He et al. 2015, https://arxiv.org/abs/1502.01852), so that VGG16's
    features come out at the scale of its input.
    """
    generator = torch.Generator().manual_seed(seed)
    for layer in trunk.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(
                layer.weight, mode="fan_in", nonlinearity="relu", generator=generator
            )
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            nn.init.ones_(layer.weight)
            nn.init.zeros_(layer.bias)


def _training_images(images: str | Path | None, split: str | Path | None) -> np.ndarray:
    if images is None or split is None:
        raise InputError(
            "Random weights of this architecture need the images and the split of the first shard, "
            "to measure batch statistics on."
        )
    names = read_split(split, parse_range(Path(split).stem))
    rows = np.flatnonzero(names.to_numpy() == "train")
    if not len(rows):
        raise InputError(f"{split}: found no training image, expected at least one.")
    return open_images(images, parse_range(Path(images).stem))[rows]


@torch.no_grad()
def _calibrate(trunk: nn.Module, images: np.ndarray, batch_size: int) -> int:
    """Set the running statistics of batch norms to their mean over batches of images.

    Returns:
        The number of images.
    """
    norms = [layer for layer in trunk.modules() if isinstance(layer, nn.BatchNorm2d)]
    for layer in norms:
        # None: the plain average over all batches instead of an exponential one.
        layer.momentum = None
    trunk.train()
    batches = np.array_split(images, math.ceil(len(images) / batch_size))
    for batch in progress(batches, len(batches), "batch"):
        trunk(normalise_images(torch.from_numpy(batch)))
    trunk.eval()
    return len(images)
