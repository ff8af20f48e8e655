"""Features from several depths of a trunk: each averaged to a grid, all in one row."""

from collections.abc import Mapping

import torch
from torch import nn

from .architectures import IMAGE, RADIANCE, sort_depths
from .errors import InputError
from .trunks import IMAGENET_MEAN, IMAGENET_STD, trunk_stages


class Depths(nn.Module):
    """From normalised images (n, 3, side, side) to float32 features (n, values, 1, 1).

    Deep features know what is where and forget how bright it is; shallow ones and the image itself
    keep differences far below one level of 255, once they are averaged.

    Args:
        trunk: as built by `trunks.build_trunk`; stages after the last one asked for are not run.
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
            found[RADIANCE] = decode_srgb(encoded)
        features = images
        for number, stage in enumerate(self.stages, start=1):
            features = stage(features)
            found[f"stage_{number}"] = features
        rows = [_average(found[name], name, grid) for name, grid in self._depths]
        return torch.cat(rows, dim=1)[:, :, None, None]


def decode_srgb(encoded: torch.Tensor) -> torch.Tensor:
    """Linear radiance of sRGB-encoded values in [0, 1] (IEC 61966-2-1)."""
    return torch.where(
        encoded <= 0.04045, encoded / 12.92, ((encoded.clamp(min=0) + 0.055) / 1.055) ** 2.4
    )


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
