"""VGG16 and ResNet50 up to their last convolution: structure, input, features."""

from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

from inverse_shading.network.architectures import STAGE_CHANNELS
from inverse_shading.runtime.artefacts import read_description, read_tensors, unusable
from inverse_shading.runtime.errors import InputError

# Mean and standard deviation of ImageNet's training images (RGB in [0, 1]), which torchvision's
# weights expect to be taken out of the input:
# https://docs.pytorch.org/vision/stable/models.html
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

# Batch-norm's counter of training steps: no weight, absent in older files, unused in eval mode.
COUNTER = "num_batches_tracked"


def build_trunk(architecture: str) -> nn.Module:
    """Build a trunk with unset weights, in eval mode; parameters are named as in torchvision.

    Args:
        architecture: vgg16, ending after the ReLU of its last convolution (Simonyan and Zisserman
            2015, https://arxiv.org/abs/1409.1556), resnet50, ending before its average pool (He et
            al. 2016, https://arxiv.org/abs/1512.03385), or pixels, which does nothing.

    Returns:
        A module from normalised images (n, 3, side, side) to features: (n, 512, side/16, side/16)
        for vgg16, (n, 2048, side/32, side/32) for resnet50.

    Raises:
        InputError: another architecture.
    """
    # On the meta device nothing is allocated: VGG16's unused dense layers are half a gigabyte.
    with torch.device("meta"):
        # Imported here: torchvision takes longer than torch itself, and most jobs do without.
        if architecture == "vgg16":
            from torchvision.models import vgg16

            # The last layer of `features` is the max-pool that the trunk does without.
            layers = OrderedDict(features=vgg16().features[:-1])
        elif architecture == "resnet50":
            from torchvision.models import resnet50

            layers = OrderedDict(
                (name, layer)
                for name, layer in resnet50().named_children()
                if name not in ("avgpool", "fc")
            )
        elif architecture == "pixels":
            layers = OrderedDict()
        else:
            raise InputError(
                f"architecture: found {architecture!r}, expected {', '.join(STAGE_CHANNELS)}."
            )
    trunk = nn.Sequential(layers).to_empty(device="cpu")
    for name, buffer in trunk.named_buffers():
        if name.endswith(COUNTER):
            buffer.zero_()
    return trunk.eval().requires_grad_(False)


def trunk_stages(trunk: nn.Sequential, architecture: str) -> list[nn.Sequential]:
    """The trunk cut into its stages (see `architectures`); run one after the other, they are it.

    A layer that halves the resolution belongs to the stage that it begins. The stages share the
    trunk's weights.
    """
    if architecture == "vgg16":
        layers = list(trunk.features)
        starts = [0, *(i for i, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d))]
        ends = [*starts[1:], len(layers)]
        groups = [layers[start:end] for start, end in zip(starts, ends, strict=True)]
    elif architecture == "resnet50":
        groups = [
            [trunk.conv1, trunk.bn1, trunk.relu],
            [trunk.maxpool, trunk.layer1],
            [trunk.layer2],
            [trunk.layer3],
            [trunk.layer4],
        ]
    else:
        groups = []
    return [nn.Sequential(*group) for group in groups]


def trunk_tensors(trunk: nn.Module) -> dict[str, torch.Tensor]:
    """The trunk's weights and batch statistics by torchvision's names."""
    return {
        name: tensor for name, tensor in trunk.state_dict().items() if not name.endswith(COUNTER)
    }


def fill_trunk(trunk: nn.Module, tensors: dict[str, torch.Tensor], path: str | Path) -> None:
    """Copy weights into a trunk; other precisions are converted to float32.

    Args:
        tensors: by torchvision's names. Those of the dense layers that the trunk does without, and
            batch-norm's counters, are passed over.
        path: the file that they come from, for messages.

    Raises:
        InputError: a name is missing, unexpected, or of another shape.
    """
    expected = trunk_tensors(trunk)
    found = {
        name: tensor
        for name, tensor in tensors.items()
        if not name.endswith(COUNTER) and not name.startswith(("classifier.", "fc."))
    }
    mistakes = {
        "missing": [name for name in expected if name not in found],
        "unexpected": [name for name in found if name not in expected],
        "of another shape": [
            f"{name} {tuple(found[name].shape)} instead of {tuple(tensor.shape)}"
            for name, tensor in expected.items()
            if name in found and found[name].shape != tensor.shape
        ],
        "not finite": [
            name for name in expected if name in found and not found[name].isfinite().all()
        ],
    }
    wrong = [
        f"{len(names)} {kind} ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"
        for kind, names in mistakes.items()
        if names
    ]
    if wrong:
        raise InputError(
            f"{path}: these are not the trunk's weights: {'; '.join(wrong)}. Expected a state dict "
            f"with torchvision's names ({next(iter(expected))} …). Look at the trunk's "
            "`architecture` and `weights` in the config."
        )
    trunk.load_state_dict(found, strict=False)


def load_trunk(path: str | Path, architecture: str | None = None) -> nn.Module:
    """Load a trunk prepared by `trunk_weights.prepare_trunk`, in eval mode, on the CPU.

    Args:
        architecture: that the trunk should have; None for any.

    Raises:
        InputError: the file is missing, damaged, or was not made by `prepare_trunk`; or the trunk is of
            another architecture.
    """
    found = read_description(path).get("architecture")
    if found is None:
        raise unusable(path, "found no architecture in its description, expected a prepared trunk")
    if architecture not in (None, found):
        raise unusable(path, f"found weights of {found}, expected {architecture}")
    trunk = build_trunk(found)
    fill_trunk(trunk, read_tensors(path), path)
    return trunk


def normalise_images(images: torch.Tensor) -> torch.Tensor:
    """Bring images into the form that the trunks expect.

    Args:
        images: uint8 (n, side, side, 3), sRGB.

    Returns:
        float32 (n, 3, side, side) on the same device, channels last in memory: scaled to [0, 1],
        ImageNet's mean taken out and its standard deviation divided out.
    """
    mean = torch.tensor(IMAGENET_MEAN, device=images.device)
    std = torch.tensor(IMAGENET_STD, device=images.device)
    return ((images.float() / 255 - mean) / std).permute(0, 3, 1, 2)
