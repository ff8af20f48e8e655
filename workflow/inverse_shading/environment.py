"""Image-based light: a latitude-longitude map of radiance, and its cosine-convolved irradiance.

Maps are float32 (height, width, 3), linear, in MaterialX's convention, which is how its shaders look
a direction up with their default `u_envMatrix`: the first row is up (+y), the middle column is +z
(behind a viewer who looks at the front), and +x lies a quarter of the width to the left of it.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .errors import InputError
from .radiance_hdr import read_hdr

# Height of the built-in map; its texels span 0.35 degrees.
BUILTIN_HEIGHT = 512

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


def smooth_step(value: np.ndarray, start: float, end: float) -> np.ndarray:
    """Cubic from 0 at `start` to 1 at `end`, flat outside; `start` may be the larger one."""
    t = np.clip((value - start) / (end - start), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


# The studio: azimuth from the front (+z) towards +x, elevation, opening in width and height, all in
# degrees; softness of the edge as a share of the half-opening; radiance by channel. Lights of
# different size tell roughness apart, of different colour tint and metalness.
SOFTBOXES = (
    # Key: large, warm white, from the front left.
    (-46.0, 36.0, 40.0, 36.0, 0.12, (4.2, 4.0, 3.7)),
    # Fill: large, dim, cool, from the right.
    (64.0, 18.0, 40.0, 66.0, 0.25, (0.65, 0.78, 0.95)),
    # Overhead panel: long and narrow across, a little behind.
    (180.0, 74.0, 90.0, 22.0, 0.15, (3.2, 3.2, 3.2)),
    # Strip: narrow, tall and blue, from behind on the right; at grazing angles every surface mirrors.
    (118.0, 12.0, 16.0, 84.0, 0.2, (4.5, 7.5, 11.0)),
    # Rim: orange, from behind on the left.
    (-122.0, 8.0, 22.0, 70.0, 0.2, (10.0, 5.0, 1.8)),
    # Small lamps: sharp highlights that only smooth surfaces keep.
    (24.0, 34.0, 8.0, 8.0, 0.15, (30.0, 30.0, 30.0)),
    (-6.0, 4.0, 4.5, 18.0, 0.15, (12.0, 12.4, 13.2)),
)

# One factor for all of it: a white dielectric is nearly white where it is lit best, and no more.
EXPOSURE = 0.75

# The surround: radiance straight up, at the horizon and straight down.
ZENITH, HORIZON, NADIR = (0.10, 0.11, 0.13), (0.24, 0.24, 0.25), (0.07, 0.065, 0.06)


def studio() -> np.ndarray:
    """Make the built-in studio, float32 (512, 1024, 3); the same bytes on every call."""
    directions, _ = texel_directions(BUILTIN_HEIGHT, 2 * BUILTIN_HEIGHT)
    height = directions[..., 1:2]
    radiance = np.asarray(HORIZON) * np.ones_like(directions)
    radiance += smooth_step(height, 0.0, 1.0) * np.subtract(ZENITH, HORIZON)
    radiance += smooth_step(height, 0.0, -0.6) * np.subtract(NADIR, HORIZON)
    for azimuth, elevation, wide, high, softness, color in SOFTBOXES:
        turn, lift = np.radians([azimuth, elevation])
        center = np.array([np.sin(turn) * np.cos(lift), np.sin(lift), np.cos(turn) * np.cos(lift)])
        right = np.array([np.cos(turn), 0.0, -np.sin(turn)])
        facing = directions @ center
        # Gnomonic coordinates: a softbox is a flat rectangle that is seen from the origin.
        depth = np.maximum(facing, 1e-6)
        across = np.abs(directions @ right) / depth / np.tan(np.radians(wide / 2))
        along = np.abs(directions @ np.cross(center, right)) / depth
        along = along / np.tan(np.radians(high / 2))
        inside = smooth_step(np.maximum(across, along), 1.0, 1.0 - softness) * (facing > 0)
        radiance += inside[..., None] * np.asarray(color)
    return (EXPOSURE * radiance).astype(np.float32)


def load_environment(path: str | Path) -> np.ndarray:
    """Read a latitude-longitude .hdr file (Radiance RGBE).

    Returns:
        float32 (height, width, 3), linear.

    Raises:
        InputError: missing, unreadable, cut short, not twice as wide as high, wider than 8192, or
            so dim or bright that images would be black or white; it names the file.
    """
    radiance = read_hdr(path)
    for problem in radiance_problems(radiance):
        raise InputError(f"{path}: {problem}. Correct stage.environment, or say builtin.")
    return radiance


def radiance_problems(radiance: np.ndarray) -> Iterator[str]:
    """Say what makes a map unusable as light, if anything."""
    height, width = radiance.shape[:2]
    # A row or column more or less is a rounding of the export; anything else is another projection.
    if height < 2 or abs(width - 2 * height) > 2:
        yield f"found {width} x {height} pixels, expected a map twice as wide as high"
    if width > MAX_WIDTH:
        yield f"found a width of {width} pixels, expected at most {MAX_WIDTH}; make it smaller"
    mean = radiance.mean(dtype=np.float64)
    if not DIMMEST <= mean <= BRIGHTEST:
        yield (
            f"found a mean radiance of {mean:.3g}, expected {DIMMEST:g} to {BRIGHTEST:g} (1 shows "
            "white paint as white): all images would be black or white; scale it"
        )
