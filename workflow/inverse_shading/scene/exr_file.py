"""Decoding OpenEXR pictures."""

import io
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import OpenEXR

from inverse_shading.pictures.decoded import CheckSize, Decoded, damaged, decoder, straight
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.given_files import check_memory

EXR_SIGNATURE = b"\x76\x2f\x31\x01"

# What a sample takes at most, half, float or integer.
SAMPLE_BYTES = 4


def decode_exr(path: Path, check_size: CheckSize) -> Decoded:
    """Decode R, G, B (or Y) and A of the first part; A is premultiplied, as the format has it."""
    with decoder(path):
        headers = [part.header for part in OpenEXR.File(str(path), header_only=True).parts]
        header = headers[0]
        (left, upper), (right, lower) = (corner.tolist() for corner in header["displayWindow"])
        check_size(path, right - left + 1, lower - upper + 1, 4 * SAMPLE_BYTES)
        # All channels of all parts are decoded.
        sizes = [np.subtract(*map(np.int64, part["dataWindow"][::-1])) + 1 for part in headers]
        channels = sum(len(part["channels"]) for part in headers)
        check_size(path, *np.max(sizes, axis=0).tolist(), channels * SAMPLE_BYTES)
        for tiles in (part["tiles"] for part in headers if "tiles" in part):
            check_memory(path, tiles.xSize, tiles.ySize, channels * SAMPLE_BYTES)
        kinds = {part["type"] for part in headers}
        if not kinds <= {OpenEXR.scanlineimage, OpenEXR.tiledimage}:
            raise InputError(
                f"{path}: found deep samples, expected scan lines or tiles. Render it flat."
            )
        with redirect_stdout(io.StringIO()) as printed:
            file = OpenEXR.File(str(path), separate_channels=True)
        if len(file.parts) != len(headers):  # damaged parts are left out with a word on stdout
            raise damaged(path, printed.getvalue())
        channels = file.channels()
    names = ["R", "G", "B"] if "R" in channels else ["Y", "Y", "Y"]
    names += ["A"] if "A" in channels else []
    used = [channels.get(name) for name in names]
    if any(
        channel is None
        or channel.pixels.dtype not in (np.float16, np.float32)
        or (channel.xSampling, channel.ySampling) != (1, 1)
        for channel in used
    ):
        raise InputError(
            f"{path}: found the channels {', '.join(channels)}, expected R, G, B (and A) or Y of "
            "whole resolution, half or float. Save the layer that shows the object as such."
        )
    # A renderer may keep only the part that shows something; the rest of the picture is empty.
    (data_left, data_upper), _ = (corner.tolist() for corner in header["dataWindow"])
    data_height, data_width = used[0].pixels.shape
    whole = np.zeros((lower - upper + 1, right - left + 1, len(used)), np.float32)
    rows = slice(max(data_upper, upper), min(data_upper + data_height, lower + 1))
    columns = slice(max(data_left, left), min(data_left + data_width, right + 1))
    if rows.start < rows.stop and columns.start < columns.stop:
        shown = whole[
            rows.start - upper : rows.stop - upper, columns.start - left : columns.stop - left
        ]
        for index, channel in enumerate(used):
            shown[..., index] = channel.pixels[
                rows.start - data_upper : rows.stop - data_upper,
                columns.start - data_left : columns.stop - data_left,
            ]
    alpha = whole[..., 3] if "A" in names else None
    return Decoded(straight(whole[..., :3], alpha), alpha, linear=True)
