"""Image-based light: a latitude-longitude map of radiance, and its cosine-convolved irradiance.

Maps are float32 (height, width, 3), linear, in MaterialX's convention, which is how its shaders look
a direction up with their default `u_envMatrix`: the first row is up (+y), the middle column is +z
(behind a viewer who looks at the front), and +x lies a quarter of the width to the left of it.
"""

from pathlib import Path

import numpy as np

from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.given_files import check_memory, regular_file
from inverse_shading.scene.exr_file import EXR_SIGNATURE, read_exr
from inverse_shading.scene.radiance_hdr import HDR_SIGNATURES, read_hdr

# Irradiance varies as slowly as the cosine lobe does: MaterialX's own examples use this size.
IRRADIANCE_HEIGHT = 32

# Coarse enough to sum a large map in a second, fine enough that a lobe 90 degrees wide can't tell.
LOBE_ROWS = 64

# Beyond this, mip levels of float texels don't fit in the memory of a common graphics card.
MAX_WIDTH = 8192

# Mean radiance at which white paint takes one of 256 levels, or all but black paint the last.
DIMMEST, BRIGHTEST = 1e-3, 1e3


def texel_directions(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """World directions of the texels' centres, and the solid angles that the texels span.

    Returns:
        Unit vectors of shape (height, width, 3) and steradians of shape (height, 1); over all
        texels they add up to 4 pi.
    """
    latitude = np.pi * (0.5 - (np.arange(height) + 0.5) / height)
    longitude = 2 * np.pi * ((np.arange(width) + 0.5) / width - 0.5)
    # mx_latlong_projection after the half turn of u_envMatrix: longitude = atan(-x, z).
    directions = np.stack(
        np.broadcast_arrays(
            -np.cos(latitude)[:, None] * np.sin(longitude),
            np.sin(latitude)[:, None],
            np.cos(latitude)[:, None] * np.cos(longitude),
        ),
        axis=-1,
    )
    edges = np.sin(np.pi * (0.5 - np.arange(height + 1) / height))
    return directions, ((edges[:-1] - edges[1:]) * 2 * np.pi / width)[:, None]


def irradiance_map(radiance: np.ndarray) -> np.ndarray:
    """Convolve radiance with the cosine lobe and divide by pi, as MaterialX's shaders expect it.

    E(n) / pi = sum over texels of L(w) max(n.w, 0) dw / pi, so a constant map stays as it is.

    Args:
        radiance: float32 (height, width, 3).

    Returns:
        float32 (32, 64, 3).
    """
    height, width = radiance.shape[:2]
    directions, angles = texel_directions(height, width)
    rows = np.unique(np.linspace(0, height, LOBE_ROWS + 1).astype(int))[:-1]
    columns = np.unique(np.linspace(0, width, 2 * LOBE_ROWS + 1).astype(int))[:-1]

    def sum_blocks(values: np.ndarray) -> np.ndarray:
        sums = np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1)
        return sums.reshape(-1, 3)

    energy = sum_blocks(radiance * angles[..., None])
    lobe = sum_blocks(directions * angles[..., None])
    lobe /= np.linalg.norm(lobe, axis=1, keepdims=True)
    normals, _ = texel_directions(IRRADIANCE_HEIGHT, 2 * IRRADIANCE_HEIGHT)
    # einsum, not matmul: its sums don't depend on the number of threads.
    result = [
        np.einsum("nk,kc->nc", np.maximum(np.einsum("nd,kd->nk", row, lobe), 0), energy)
        for row in normals
    ]
    return (np.stack(result) / np.pi).astype(np.float32)


def load_environment(path: str | Path) -> np.ndarray:
    """Read a latitude-longitude .hdr or .exr file (Radiance RGBE or OpenEXR), told by its contents.

    Returns:
        float32 (height, width, 3), linear.

    Raises:
        InputError: missing, no regular file, unreadable, cut short, not twice as wide as high, wider
            than 8192, with values that are negative or no numbers, or so dim or bright that images
            would be black or white; or of other primaries than linear sRGB's; it names the file.
    """
    path = Path(path)
    regular_file(path, "a Radiance .hdr or OpenEXR .exr file")
    start = _start(path)
    if start.startswith(EXR_SIGNATURE):
        radiance, _ = read_exr(path, _check_size)
        wrong = int(np.count_nonzero(~(np.isfinite(radiance) & (radiance >= 0))))
        if wrong:
            raise InputError(
                f"{path}: found {wrong} values that are negative or no finite numbers, expected none. "
                "Correct the environment, or say builtin."
            )
    elif start.startswith(HDR_SIGNATURES):
        radiance = read_hdr(path, _check_size)
    else:
        raise InputError(
            f"{path}: not a Radiance picture and not an OpenEXR one, expected a .hdr or .exr file. "
            "Correct the environment, or say builtin."
        )
    mean = radiance.mean(dtype=np.float64)
    if not DIMMEST <= mean <= BRIGHTEST:
        raise InputError(
            f"{path}: found a mean radiance of {mean:.3g}, expected {DIMMEST:g} to {BRIGHTEST:g} (1 "
            "shows white paint as white): all images would be black or white; scale it. "
            "Correct the environment, or say builtin."
        )
    return radiance


def _start(path: Path) -> bytes:
    """What tells the format."""
    try:
        with open(path, "rb") as file:
            return file.read(16)
    except OSError as error:
        raise InputError(
            f"{path}: can't be read ({error.strerror}). Correct the path or its permissions."
        ) from error


def _check_size(path: Path, width: int, height: int, pixel_bytes: int = 0) -> None:
    # A row or column more or less is a rounding of the export; anything else is another projection.
    if height < 2 or abs(width - 2 * height) > 2:
        raise InputError(
            f"{path}: found {width} x {height} pixels, expected a map twice as wide as high. "
            "Correct the environment, or say builtin."
        )
    if width > MAX_WIDTH:
        raise InputError(
            f"{path}: found a width of {width} pixels, expected at most {MAX_WIDTH}; make it smaller. "
            "Correct the environment, or say builtin."
        )
    check_memory(path, width, height, pixel_bytes)
