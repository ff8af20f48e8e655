"""A trunk and its head as one network from images to outputs, some of the trunk's stages trained."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from inverse_shading.dataset.labels import Labels
from inverse_shading.dataset.rows import ShardRows, open_features, open_image_rows
from inverse_shading.network.devices import place_rows
from inverse_shading.network.frozen_part import cut_trunk
from inverse_shading.network.heads import Head, load_described, load_head
from inverse_shading.network.trained_stages import first_trained_stage
from inverse_shading.network.trunks import build_trunk, normalise_images
from inverse_shading.runtime.artefacts import read_description

# Inputs are copied into a GPU's memory once if they take at most this share of what is free there.
SHARE_FOR_INPUTS = 0.5


class FineTuned(nn.Module):
    """From images, or what the trunk's frozen part gives for them, to float32 outputs (n, outputs).

    Images are uint8 (n, side, side, 3). What the frozen part gives is a floating-point
    (n, channels, height, width), as `stage_outputs` keeps it.

    Args:
        trunk: with its weights.
        architecture: of the trunk.
        trainable_stages: how many of its last stages are trained, 1 to all (see `architectures`). The
            stages before stay as they are, their batch statistics too.
        head: what comes after the trunk.
        precision: float32 or bfloat16, of the arithmetic; weights and sums are float32 in both.
        image_size: side that images are averaged down to, a divisor of theirs; None leaves them.
    """

    def __init__(
        self,
        trunk: nn.Sequential,
        architecture: str,
        trainable_stages: int,
        head: nn.Module,
        precision: str,
        image_size: int | None = None,
    ):
        super().__init__()
        self.trunk = trunk
        self.head = head
        self.precision = precision
        self.image_size = image_size
        first = first_trained_stage(architecture, trainable_stages)
        # A tuple, which PyTorch doesn't look into: the weights are the trunk's and counted once.
        self._parts = cut_trunk(trunk, architecture, first)
        frozen, trained = self._parts
        frozen.requires_grad_(False)
        trained.requires_grad_(True)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(inputs))

    def features(self, inputs: torch.Tensor) -> torch.Tensor:
        """What the trunk gives the head, float32 (n, channels, height, width)."""
        frozen, trained = self._parts
        half = self.precision == "bfloat16"
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=half):
            if inputs.dtype == torch.uint8:
                inputs = normalise_images(self._shrink(inputs))
                if len(frozen):
                    with torch.no_grad():
                        # As it is kept: a picture gets the numbers of the evaluation.
                        inputs = frozen(inputs).half().float()
            features = trained(inputs)
        return features.float()

    def _shrink(self, images: torch.Tensor) -> torch.Tensor:
        """Images averaged down to `image_size`, float32 (n, size, size, 3)."""
        if self.image_size is None:
            return images
        # Refuses a size that doesn't divide theirs.
        size, factor = self.image_size, images.shape[1] // self.image_size
        cells = images.float().reshape(len(images), size, factor, size, factor, 3)
        return cells.mean(dim=(2, 4))

    def train(self, mode: bool = True) -> "FineTuned":
        super().train(mode)
        self.frozen.eval()
        return self

    @property
    def frozen(self) -> nn.Sequential:
        """The stages that aren't trained."""
        return self._parts[0]

    def trunk_weights(self) -> list[nn.Parameter]:
        """The weights of the stages that are trained."""
        return list(self._parts[1].parameters())


class ResidentRows:
    """All inputs in the memory of the device, where batches are picked without travelling."""

    def __init__(self, shards: ShardRows, device: torch.device):
        self.shape = shards.shape
        dtype = torch.from_numpy(np.empty(0, shards.dtype)).dtype
        self._rows = torch.empty((len(shards), *shards.shape), dtype=dtype, device=device)
        # In parts, so that the processor's memory never holds all of them.
        for rows in np.array_split(np.arange(len(shards)), -(-len(shards) // 256)):
            self._rows[rows[0] : rows[-1] + 1] = torch.from_numpy(shards.rows(rows)).to(device)

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self, indices: np.ndarray) -> torch.Tensor:
        """Inputs of these indices, (len(indices), *shape) on the device, as they are kept."""
        return self._rows[torch.from_numpy(np.asarray(indices)).to(self._rows.device)]


def open_inputs(
    paths: Sequence[str | Path],
    labels: Labels,
    architecture: str,
    trainable_stages: int,
    precision: str,
) -> ShardRows:
    """Map what a model is trained and evaluated on: images where all stages of its trunk are trained,
    else what the frozen ones give.

    Args:
        paths: files of all ranges, in order.
        labels: of all images.
        architecture, trainable_stages, precision: of the model.

    Raises:
        InputError: a file is wrong, of another precision, or the files hold other images.
    """
    whole = trainable_stages and first_trained_stage(architecture, trainable_stages) == 1
    return open_image_rows(paths, labels) if whole else open_features(paths, labels, precision)


def place_inputs(shards: ShardRows, device: torch.device) -> ShardRows | ResidentRows:
    """The inputs in the memory of a GPU that has room for them, else mapped from their files."""
    if device.type != "cuda":
        return shards
    free, _ = torch.cuda.mem_get_info(device)
    bytes_needed = len(shards) * int(np.prod(shards.shape)) * shards.dtype.itemsize
    if bytes_needed > SHARE_FOR_INPUTS * free:
        return shards
    return ResidentRows(shards, device)


def feature_shape(
    trunk: nn.Sequential,
    architecture: str,
    trainable_stages: int,
    inputs: ShardRows,
    image_size: int | None = None,
) -> tuple[int, int, int]:
    """Shape of the trunk's features of one of these inputs; the rest as for `FineTuned`."""
    network = FineTuned(
        trunk, architecture, trainable_stages, nn.Identity(), "float32", image_size
    ).eval()
    with torch.inference_mode():
        features = network(place_rows(inputs.rows(np.arange(1)), torch.device("cpu")))
    return tuple(features.shape[1:])


def load_network(path: str | Path) -> tuple[Head | FineTuned, dict]:
    """Load a trained model, in eval mode, on the CPU.

    Returns:
        A head, which takes a frozen trunk's features, or a whole network where `trainable_stages` in
        the description is above 0; and the file's description, see `heads.load_head`, with
        `trainable_stages`, `precision` and `image_size` (None where images aren't made smaller) of a
        whole network.

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
        description["image_size"],
    )
