"""Features of framed images: the output of a frozen trunk, computed once and kept."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from inverse_shading.dataset.feature_files import features_head
from inverse_shading.dataset.framed_images import open_images
from inverse_shading.dataset.ranges import parse_range
from inverse_shading.network.architectures import IMAGE, RADIANCE, sort_depths
from inverse_shading.network.devices import describe_device, in_batches, reuse_freed_memory, set_up
from inverse_shading.network.fast_trunk import make_fast
from inverse_shading.network.trunks import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    load_trunk,
    normalise_images,
    trunk_stages,
)
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import sealed_path
from inverse_shading.runtime.jobs import logger, progress
from inverse_shading.runtime.resources import Resources
from inverse_shading.scene.srgb import srgb_decode


class Depths(nn.Module):
    """From normalised images (n, 3, side, side) to float32 features (n, values, 1, 1).

    Deep features know what is where and forget how bright it is; shallow ones and the image itself
    keep differences far below one level of 255, once they are averaged.

    Args:
        trunk: as built by `trunks.build_trunk`; stages after the last of `depths` are not run.
        architecture: of the trunk.
        depths: side of the grid that each depth is averaged to, by its name: image (as encoded),
            radiance (decoded to linear light), stage_1 … stage_5.
    """

    def __init__(self, trunk: nn.Sequential, architecture: str, depths: Mapping[str, int]):
        super().__init__()
        self._depths = sort_depths(architecture, depths)
        names = [name for name, _ in self._depths]
        stages = trunk_stages(trunk, architecture)
        last = max((int(name.partition("_")[2]) for name in names if "_" in name), default=0)
        self.stages = nn.ModuleList(stages[:last])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found = {}
        encoded = _undo_normalisation(images)
        found[IMAGE] = encoded
        grids = dict(self._depths)
        if RADIANCE in grids:
            found[RADIANCE] = srgb_decode(encoded, torch)
        features = images
        for number, stage in enumerate(self.stages, start=1):
            features = stage(features)
            found[f"stage_{number}"] = features
        rows = [_average(found[name], name, grid) for name, grid in self._depths]
        return torch.cat(rows, dim=1)[:, :, None, None]


def _undo_normalisation(images: torch.Tensor) -> torch.Tensor:
    shape = (1, 3, 1, 1)
    mean = torch.tensor(IMAGENET_MEAN, device=images.device).reshape(shape)
    std = torch.tensor(IMAGENET_STD, device=images.device).reshape(shape)
    return images * std + mean


def _average(features: torch.Tensor, name: str, grid: int) -> torch.Tensor:
    side = min(features.shape[-2:])
    if grid > side:
        raise InputError(
            f"trunks.<name>.depths.{name}: found a grid of {grid}, expected at most {side}, the "
            "cells that this depth has. Lower it, or raise framing.image_size."
        )
    return nn.functional.adaptive_avg_pool2d(features.float(), grid).flatten(1)


def extract_features(
    output: str | Path,
    trunk: str | Path,
    images: str | Path,
    config: dict,
    resources: Resources,
) -> None:
    """Run a prepared trunk over the images of one shard and write its features.

    The batch size changes nothing but rounding; the same call on the same machine gives the same
    bytes.

    Args:
        output: the .npy file to write: float16 (n, channels, height, width); of several depths,
            float32 (n, values, 1, 1), since what they keep is finer than float16. Its head names the
            precision of the arithmetic.
        trunk: a file made by `trunk_weights.prepare_trunk`.
        images: an array of framed images named by its range, uint8 (n, side, side, 3).
        config: architecture; batch_size; precision (float32 or bfloat16); depths (see
            `features.Depths`) where features of more than the last layer are wanted.
        resources: where to compute.

    Raises:
        InputError: a file is missing or damaged, the trunk is of another architecture, or a feature
            is outside float16.
    """
    place = set_up(resources.device, resources.threads)
    architecture, precision = config["architecture"], config["precision"]
    network, dtype = load_extractor(trunk, architecture, config.get("depths"), place, precision)
    logger.info("On %s in %s", describe_device(place, resources.threads), precision)
    write_outputs(output, images, network, dtype, place, config, trunk)


def write_outputs(
    output: str | Path,
    images: str | Path,
    network: nn.Module,
    dtype: torch.dtype,
    device: torch.device,
    config: dict,
    trunk: str | Path,
) -> None:
    """Write what a network gives for the images of one shard, an image a row.

    Args:
        network: on `device`, in eval mode.
        dtype: of the rows.
        config: batch_size, precision.
        trunk: the file that the network's weights are from.

    Raises:
        InputError: the images are missing or damaged, or a value is outside `dtype`.
    """
    reuse_freed_memory(device)
    array = open_images(images, parse_range(Path(images).stem))

    def compute(first: int, last: int) -> np.ndarray:
        rows = compute_features(network, array[first:last], device, config["precision"], dtype)
        if not np.isfinite(rows).all():
            raise InputError(
                f"{images}: features of images {first} to {last - 1} are outside {rows.dtype} "
                f"(±{np.finfo(rows.dtype).max:g}) or not a number. The weights in {trunk} don't "
                "suit these images: look at the trunk's `weights` in the config."
            )
        return rows

    with sealed_path(output) as temporary, temporary.open("wb") as file:
        batches = in_batches(len(array), config["batch_size"], compute)
        shape = None
        # Counting images instead of batches: a batch may be halved on the way.
        for rows in _count_images(batches, len(array)):
            if shape is None:
                shape = (len(array), *rows.shape[1:])
                # Plain writes, no memory map: a full disk is then an error instead of a crash.
                file.write(features_head(rows.dtype, shape, config["precision"]))
            file.write(np.ascontiguousarray(rows).data)


def load_extractor(
    trunk: str | Path,
    architecture: str,
    depths: Mapping[str, int] | None,
    device: torch.device,
    precision: str,
) -> tuple[nn.Module, torch.dtype]:
    """Load what computes features, on the device, and the precision that they are kept in.

    Args:
        trunk: a file made by `trunk_weights.prepare_trunk`.
        architecture: that the trunk should have.
        depths: see `features.Depths`; None for the last layer alone.
        precision: of the arithmetic, see `compute_features`.

    Raises:
        InputError: the file is missing or damaged, or the trunk is of another architecture.
    """
    network, dtype = load_trunk(trunk, architecture), torch.float16
    if depths is not None:
        network, dtype = Depths(network, architecture, depths), torch.float32
    return place_frozen(network, device, precision), dtype


def place_frozen(network: nn.Module, device: torch.device, precision: str) -> nn.Module:
    """What is never trained, on the device as it is fastest there; for `compute_features` alone."""
    fast = make_fast(network, device, precision)
    return fast.to(device, memory_format=torch.channels_last)


def compute_features(
    trunk: nn.Module,
    images: np.ndarray,
    device: torch.device,
    precision: str,
    dtype: torch.dtype = torch.float16,
) -> np.ndarray:
    """Features of one batch.

    Args:
        trunk: on `device`, in eval mode.
        images: uint8 (n, side, side, 3).
        precision: float32 or bfloat16, of the arithmetic.
        dtype: of the result.

    Returns:
        (n, channels, height, width); infinite where `dtype` is exceeded.
    """
    with (
        torch.inference_mode(),
        torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"),
    ):
        batch = torch.from_numpy(np.array(images)).to(device)
        return trunk(normalise_images(batch)).to(dtype).contiguous().cpu().numpy()


def _count_images(batches, total: int):
    """Pass batches through, reporting progress in images."""

    def rows():
        for batch in batches:
            yield from [None] * (len(batch) - 1)
            yield batch

    return (batch for batch in progress(rows(), total, "image") if batch is not None)
