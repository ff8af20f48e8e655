"""The environments that the project makes itself: a studio, and daylight as unlike it as can be."""

from pathlib import Path

import numpy as np

from inverse_shading.scene.environment import load_environment, texel_directions

# Height of the maps; their texels span 0.35 degrees.
HEIGHT = 512


def smooth_step(value: np.ndarray, start: float, end: float) -> np.ndarray:
    """Cubic from 0 at `start` to 1 at `end`, flat outside; `start` may be the larger one."""
    t = np.clip((value - start) / (end - start), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def toward(azimuth: float, elevation: float) -> np.ndarray:
    """Unit vector, float64 (3,): azimuth from the front (+z) towards +x, elevation, in degrees."""
    turn, lift = np.radians([azimuth, elevation])
    return np.array([np.sin(turn) * np.cos(lift), np.sin(lift), np.cos(turn) * np.cos(lift)])


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
    """Make the studio, float32 (512, 1024, 3); the same bytes on every call."""
    directions, _ = texel_directions(HEIGHT, 2 * HEIGHT)
    height = directions[..., 1:2]
    radiance = np.asarray(HORIZON) * np.ones_like(directions)
    radiance += smooth_step(height, 0.0, 1.0) * np.subtract(ZENITH, HORIZON)
    radiance += smooth_step(height, 0.0, -0.6) * np.subtract(NADIR, HORIZON)
    for azimuth, elevation, wide, high, softness, color in SOFTBOXES:
        center = toward(azimuth, elevation)
        right = toward(azimuth + 90, 0)
        facing = directions @ center
        # Gnomonic coordinates: a softbox is a flat rectangle that is seen from the origin.
        depth = np.maximum(facing, 1e-6)
        across = np.abs(directions @ right) / depth / np.tan(np.radians(wide / 2))
        along = np.abs(directions @ np.cross(center, right)) / depth
        along = along / np.tan(np.radians(high / 2))
        inside = smooth_step(np.maximum(across, along), 1.0, 1.0 - softness) * (facing > 0)
        radiance += inside[..., None] * np.asarray(color)
    return (EXPOSURE * radiance).astype(np.float32)


# Daylight: the sun's azimuth and elevation as above, on the other side than the studio's key, and the
# angles from its centre at which its edge begins and ends, all in degrees. The real sun is half a
# degree wide: the few samples of a reflection would hit or miss it, and rough surfaces would sparkle.
# With these radiances a white dielectric is nearly white where it is lit best, as in the studio.
SUN_AZIMUTH, SUN_ELEVATION, SUN_EDGE = 88.0, 48.0, (2.5, 7.5)
SUN = (84.0, 72.0, 54.0)

# The sky's haze about the sun: as a share of its width, and radiance added at its centre.
HAZE_DEGREES, HAZE = 32.0, (0.45, 0.37, 0.25)

# Radiance of the sky straight up and at the horizon, and of the ground, at the horizon and below.
SKY_ZENITH, SKY_HORIZON = (0.07, 0.15, 0.38), (0.40, 0.50, 0.62)
GROUND_HORIZON, GROUND_NADIR = (0.25, 0.23, 0.17), (0.13, 0.115, 0.08)


def daylight() -> np.ndarray:
    """Make sun, sky and ground, float32 (512, 1024, 3); the same bytes on every call."""
    directions, _ = texel_directions(HEIGHT, 2 * HEIGHT)
    height = directions[..., 1:2]
    # The root, since most of a sky's fading is near the horizon.
    sky = SKY_HORIZON + np.sqrt(np.maximum(height, 0)) * np.subtract(SKY_ZENITH, SKY_HORIZON)
    ground = GROUND_HORIZON + smooth_step(height, 0.0, -0.7) * np.subtract(
        GROUND_NADIR, GROUND_HORIZON
    )
    angle = np.degrees(np.arccos(np.clip(directions @ toward(SUN_AZIMUTH, SUN_ELEVATION), -1, 1)))
    haze = np.exp(-((angle / HAZE_DEGREES) ** 2))[..., None] * np.asarray(HAZE)
    disc = smooth_step(angle, *reversed(SUN_EDGE))[..., None] * np.asarray(SUN)
    # Four degrees of horizon, or a mirror would show its texels.
    above = smooth_step(height, -0.035, 0.035)
    return (ground + above * (sky + haze - ground) + disc).astype(np.float32)


# What the config may say instead of a path.
LIGHTS = {"builtin": studio, "daylight": daylight}


def find_light(name: str | Path) -> np.ndarray:
    """Make one of `LIGHTS`, or read an .hdr or .exr file: float32 (height, width, 3), linear.

    Raises:
        InputError: as `environment.load_environment`.
    """
    return LIGHTS[name]() if name in LIGHTS else load_environment(name)
