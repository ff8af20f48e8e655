"""A trunk and its head as one network from images to outputs, some of the trunk's stages trained."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from inverse_shading.dataset.rows import ImageShards
from inverse_shading.network.heads import Head, load_described, load_head
from inverse_shading.network.trunks import build_trunk, normalise_images, trunk_stages
from inverse_shading.runtime.artefacts import read_description

# Images are copied into a GPU's memory once if they take at most this share of what is free there.
SHARE_FOR_IMAGES = 0.5


class FineTuned(nn.Module):
    """From images uint8 (n, side, side, 3) to float32 outputs (n, outputs).

    Args:
        trunk: with its weights.
        architecture: of the trunk.
        trainable_stages: how many of its last stages are trained, 1 to all (see `architectures`). The
            stages before stay as they are, their batch statistics too.
        head: what comes after the trunk.
        precision: float32 or bfloat16, of the arithmetic; weights and sums are float32 in both.
    """

    def __init__(
        self,
        trunk: nn.Sequential,
        architecture: str,
        trainable_stages: int,
        head: Head,
        precision: str,
    ):
        super().__init__()
        self.trunk = trunk
        self.head = head
        self.precision = precision
        stages = trunk_stages(trunk, architecture)
        # Lists, which PyTorch doesn't look into: the weights are the trunk's and counted once.
        self._frozen = stages[: len(stages) - trainable_stages]
        self._trained = stages[len(stages) - trainable_stages :]
        trunk.requires_grad_(False)
        for stage in self._trained:
            stage.requires_grad_(True)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """What the trunk gives the head, float32 (n, channels, height, width)."""
        half = self.precision == "bfloat16"
        with torch.autocast(images.device.type, torch.bfloat16, enabled=half):
            features = normalise_images(images)
            with torch.no_grad():
                for stage in self._frozen:
                    features = stage(features)
            for stage in self._trained:
                features = stage(features)
        return features.float()

    def train(self, mode: bool = True) -> "FineTuned":
        super().train(mode)
        for stage in self._frozen:
            stage.eval()
        return self

    def trunk_weights(self) -> list[nn.Parameter]:
        """The weights of the stages that are trained."""
        return [weight for stage in self._trained for weight in stage.parameters()]


class ResidentImages:
    """All images in the memory of the device, where batches are picked without travelling."""

    def __init__(self, shards: ImageShards, device: torch.device):
        self.shape = shards.shape
        self._images = torch.empty((len(shards), *shards.shape), dtype=torch.uint8, device=device)
        # In parts, so that the processor's memory never holds all of them.
        for rows in np.array_split(np.arange(len(shards)), -(-len(shards) // 256)):
            self._images[rows[0] : rows[-1] + 1] = torch.from_numpy(shards.rows(rows)).to(device)

    def __len__(self) -> int:
        return len(self._images)

    def rows(self, indices: np.ndarray) -> torch.Tensor:
        """Images of these indices, uint8 (len(indices), side, side, 3) on the device."""
        return self._images[torch.from_numpy(np.asarray(indices)).to(self._images.device)]


def place_images(shards: ImageShards, device: torch.device) -> ImageShards | ResidentImages:
    """The images in the memory of a GPU that has room for them, else mapped from their files."""
    if device.type != "cuda":
        return shards
    free, _ = torch.cuda.mem_get_info(device)
    bytes_needed = len(shards) * int(np.prod(shards.shape))
    if bytes_needed > SHARE_FOR_IMAGES * free:
        return shards
    return ResidentImages(shards, device)


def feature_shape(trunk: nn.Module, side: int) -> tuple[int, int, int]:
    """Shape of the features of one image of this side."""
    with torch.inference_mode():
        features = trunk(normalise_images(torch.zeros(1, side, side, 3, dtype=torch.uint8)))
    return tuple(features.shape[1:])


def load_network(path: str | Path) -> tuple[Head | FineTuned, dict]:
    """Load a trained model, in eval mode, on the CPU.

    Returns:
        A head, which takes a frozen trunk's features, or a whole network, which takes images where
        `trainable_stages` in the description is above 0; and the file's description, see
        `heads.load_head`, with `trainable_stages` and `precision` of a whole network.

    Raises:
        InputError: the file is missing, damaged, or holds no model.
    """
    description = read_description(path)
    if not (isinstance(description, dict) and description.get("trainable_stages")):
        return load_head(path)
    # Here, since only who loads weights has to wait for it.
    from inverse_shading.network.settings import NetworkDescription

    return load_described(path, "a network", NetworkDescription, _build)


def _build(head: Head, description: dict) -> FineTuned:
    return FineTuned(
        build_trunk(description["architecture"]),
        description["architecture"],
        description["trainable_stages"],
        head,
        description["precision"],
    )
