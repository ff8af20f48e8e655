"""Kept outputs: what a trunk's frozen stages give to the first that is trained, computed once."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from inverse_shading.dataset.framed_images import open_images
from inverse_shading.dataset.ranges import parse_range
from inverse_shading.network.devices import describe_device, in_batches, set_up
from inverse_shading.network.features import compute_features, load_extractor
from inverse_shading.network.frozen_part import cut_trunk
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import sealed_path
from inverse_shading.runtime.jobs import logger, progress
from inverse_shading.runtime.resources import Resources


def extract_stage_outputs(
    output: str | Path,
    trunk: str | Path,
    images: str | Path,
    config: dict,
    resources: Resources,
) -> None:
    """Run the frozen stages of a prepared trunk over the images of one shard and write what they give.

    Batch norms are folded. The batch size changes nothing but rounding; the same call on the same
    machine gives the same bytes.

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
    array = open_images(images, parse_range(Path(images).stem))
    device = set_up(resources.device, resources.threads)
    architecture, first_trained = config["architecture"], config["first_trained"]
    network, dtype = load_extractor(trunk, architecture, None, device)
    frozen, _ = cut_trunk(network, architecture, first_trained)
    where = describe_device(device, resources.threads)
    logger.info("%d images on %s in %s", len(array), where, config["precision"])

    def compute(first: int, last: int) -> np.ndarray:
        rows = compute_features(frozen, array[first:last], device, config["precision"], dtype)
        if not np.isfinite(rows).all():
            raise InputError(
                f"{images}: what images {first} to {last - 1} give before stage {first_trained} is "
                f"outside {rows.dtype} (±{np.finfo(rows.dtype).max:g}) or not a number. The weights "
                f"in {trunk} don't suit these images: look at the trunk's `weights` in the config."
            )
        return rows

    batch_size = config["batch_size"]
    batches = in_batches(len(array), batch_size, compute)
    _write_rows(output, len(array), progress(batches, -(-len(array) // batch_size), "batch"))


def _write_rows(path: str | Path, count: int, batches: Iterable[np.ndarray]) -> None:
    """Write batches of rows, `count` rows in all, as one array: a batch is in memory at a time."""
    with sealed_path(path) as temporary, temporary.open("wb") as file:
        for number, rows in enumerate(batches):
            if number == 0:
                kind, shape = np.lib.format.dtype_to_descr(rows.dtype), (count, *rows.shape[1:])
                header = {"descr": kind, "fortran_order": False, "shape": shape}
                # Plain writes, no memory map: a full disk is then an error instead of a crash.
                np.lib.format.write_array_header_1_0(file, header)
            file.write(np.ascontiguousarray(rows).data)
