"""Kept outputs: what a trunk's frozen stages give to the first that is trained, computed once."""

from pathlib import Path

import torch

from inverse_shading.network.devices import describe_device, set_up
from inverse_shading.network.features import place_frozen, write_outputs
from inverse_shading.network.frozen_part import cut_trunk
from inverse_shading.network.trunks import load_trunk
from inverse_shading.runtime.jobs import logger
from inverse_shading.runtime.resources import Resources


def extract_stage_outputs(
    output: str | Path,
    trunk: str | Path,
    images: str | Path,
    config: dict,
    resources: Resources,
) -> None:
    """Run the frozen stages of a prepared trunk over the images of one shard and write what they give.

    They are made fast as for features. The batch size changes nothing but rounding; the same call on
    the same machine gives the same bytes.

    Args:
        output: the .npy file to write: float16 (n, channels, height, width), an image a row.
        trunk: a file made by `trunk_weights.prepare_trunk`.
        images: an array of framed images named by its range, uint8 (n, side, side, 3).
        config: architecture; first_trained, number of the first stage that is trained, from 2;
            batch_size; precision (float32 or bfloat16).
        resources: where to compute.

    Raises:
        InputError: a file is missing or damaged, the trunk is of another architecture, or an output is
            outside float16.
    """
    device = set_up(resources.device, resources.threads)
    architecture, precision = config["architecture"], config["precision"]
    whole = load_trunk(trunk, architecture)
    frozen, _ = cut_trunk(whole, architecture, config["first_trained"])
    network = place_frozen(frozen, device, precision)
    logger.info("On %s in %s", describe_device(device, resources.threads), precision)
    write_outputs(output, images, network, torch.float16, device, config, trunk)
