"""OpenEXR files: pictures and lights, whole or one of several layers."""

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import OpenEXR

from inverse_shading.runtime.decoding import CheckSize, damaged, decoder
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.given_files import check_memory
from inverse_shading.runtime.names import hint

EXR_SIGNATURE = b"\x76\x2f\x31\x01"

REMEDY = "Save or copy it again as OpenEXR, of scan lines or tiles."

# Linear sRGB's primaries (ITU-R BT.709): x and y of red, green, blue and white, as the format's
# attribute has them. A file that says nothing means these; others differ by more than the tolerance.
REC_709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
CHROMATICITY_TOLERANCE = 0.002

# What a sample takes at most, half, float or integer.
SAMPLE_BYTES = 4


def read_exr(
    path: Path, check_size: CheckSize, layer: str | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Read R, G, B (or Y) and A of a layer; without one, of the first part.

    Args:
        check_size: told path, width, height and bytes of a pixel before the pixels are decoded; raises
            an InputError where they are of no use.
        layer: NAME of channels called NAME.R and so on, or of a part.

    Returns:
        float32 (height, width, 3) of the display window, linear, multiplied by alpha, as the format has
        it; alpha (height, width), or None where there is none.

    Raises:
        InputError: damaged, deep, of other primaries, without such a layer or channels, or what
            `check_size` raises.
    """
    with decoder(path, REMEDY):
        headers = [part.header for part in OpenEXR.File(str(path), header_only=True).parts]
        # Of all parts, as the format has it.
        (left, upper), (right, lower) = (c.tolist() for c in headers[0]["displayWindow"])
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
            raise damaged(path, printed.getvalue(), REMEDY)
        part, prefix = _find_layer(path, file.parts, layer)
        header = headers[part]
        channels = {
            name.removeprefix(prefix): channel
            for name, channel in file.parts[part].channels.items()
            if name.startswith(prefix)
        }
    names = ["R", "G", "B"] if "R" in channels else ["Y", "Y", "Y"]
    if "R" in names:
        _refuse_other_primaries(path, header.get("chromaticities", REC_709))
    names += ["A"] if "A" in channels else []
    used = [channels.get(name) for name in names]
    if {"RY", "BY"} & channels.keys():
        raise InputError(
            f"{path}: found luminance and chroma (the channels {', '.join(channels)}), expected R, G, "
            "B. Save it as RGB."
        )
    if any(
        channel is None
        or channel.pixels.dtype not in (np.float16, np.float32)
        or (channel.xSampling, channel.ySampling) != (1, 1)
        for channel in used
    ):
        raise InputError(
            f"{path}: found the channels {', '.join(channels)}, expected R, G, B (and A) or Y of "
            f"whole resolution, half or float. {_layers_in(file.parts)}"
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
    return whole[..., :3], alpha


def _find_layer(path: Path, parts: list, layer: str | None) -> tuple[int, str]:
    """The number of the part that holds a layer, and what its channels' names begin with there."""
    if layer is None:
        return 0, ""
    for number, part in enumerate(parts):
        for prefix in (f"{layer}.", "" if part.name() == layer else None):
            if prefix is not None and {f"{prefix}R", f"{prefix}Y"} & part.channels.keys():
                return number, prefix
    found = _layers(parts)
    raise InputError(
        f"{path}: found no layer {layer!r}, expected "
        f"{'one of ' * bool(found)}{', '.join(found) or 'none, since it has no layers'}"
        f"{hint(layer, found) or '.'} Correct --layer, or leave it out."
    )


def _layers(parts: list) -> list[str]:
    """Names of the layers that can be asked for."""
    names = []
    for part in parts:
        colors = [name for name in part.channels if name.rpartition(".")[2] in ("R", "Y")]
        names += [name.rpartition(".")[0] or part.name() for name in colors]
    return [name for name in dict.fromkeys(names) if name]


def _layers_in(parts: list) -> str:
    found = _layers(parts)
    if not found:
        return "Save it with these."
    return (
        f"It has the layers {', '.join(found)}: save the right one alone, or, for a picture, name it "
        "with --layer."
    )


def _refuse_other_primaries(path: Path, chromaticities: Sequence[float]) -> None:
    if np.abs(np.subtract(chromaticities, REC_709)).max() > CHROMATICITY_TOLERANCE:
        found = ", ".join(f"{value:.4g}" for value in chromaticities)
        raise InputError(
            f"{path}: found colours of the primaries {found} (x and y of red, green, blue and white), "
            "expected linear sRGB's (ITU-R BT.709). Convert it, for example by OpenColorIO's "
            "ocioconvert."
        )
