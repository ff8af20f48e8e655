"""A stage as data for a page, whose WebGL renderer is `page/templates/live_renderer.js`.

Of the surface only covered pixels are kept. Numbers are only as exact as eight bits need: positions and
directions in 16 bits, light in half floats. `tests/unit/report/test_live_renderer.py` holds what a
browser makes of it against this project's own frames.
"""

import base64
import zlib
from collections.abc import Mapping

import numpy as np

from inverse_shading.render.framing import StageFraming
from inverse_shading.render.mip_levels import mip_levels
from inverse_shading.scene.stage_file import Stage

# Finer levels of a larger environment are left out: they show in mirrors alone, and would be most of
# the page.
MOST_COLUMNS = 1024

HALF_MAX = np.finfo(np.float16).max


def live_stage(stage: Stage, framing: Mapping, device: str | int = "auto") -> dict:
    """What `readStage` of the page's renderer takes, to be written as JSON.

    The same bytes for the same arguments, on one driver.

    Args:
        stage: what the stage file holds.
        framing: the config's section: image_size, margin, filter.
        device: where levels of detail are made; see `opengl.create_context`.

    Returns:
        size, side of the frame in pixels; samples, viewPosition and uniforms as the stage has
        them; framing, of box (left, upper, right, lower in pixels), size and filter; position, of
        low and high, the corners that positions lie between; levels, of the environment from its
        finest; arrays, of name, type and number of columns and rows; data, see `_packed`.

    Raises:
        InputError: the OpenGL driver can't be used.
    """
    cut = StageFraming(stage.mask, framing)
    position, normal, tangent = stage.surface
    low, high = position.min(axis=0), position.max(axis=0)
    levels = [
        level for level in mip_levels(stage.radiance, device) if level.shape[1] <= MOST_COLUMNS
    ]
    arrays = {
        "shader": np.frombuffer(stage.essl_pixel_stage.encode(), np.uint8).reshape(-1, 1),
        "mask": stage.mask.reshape(-1, 1).astype(np.uint8),
        "background": stage.background.reshape(-1, 3),
        "position": _steps((position - low) / np.maximum(high - low, 1e-30)),
        "normal": _octahedral(normal),
        "tangent": _octahedral(tangent),
        "irradiance": _halves(stage.irradiance),
    }
    arrays |= {f"level{number}": _halves(level) for number, level in enumerate(levels)}
    return {
        "size": stage.frame_size,
        "samples": stage.environment_samples,
        "viewPosition": stage.view_position.tolist(),
        "uniforms": {name: list(places) for name, places in stage.uniforms.items()},
        "framing": {"box": list(cut.box), "size": cut.size, "filter": cut.filter},
        "position": {"low": low.tolist(), "high": high.tolist()},
        "levels": [list(level.shape[:2]) for level in levels],
        "irradiance": list(stage.irradiance.shape[:2]),
        # In order, which an object of JSON doesn't have.
        "arrays": [
            [name, array.dtype.name, array.shape[1], array.shape[0]]
            for name, array in arrays.items()
        ],
        "data": _packed(arrays.values()),
    }


def _packed(arrays) -> str:
    """Arrays (rows, columns) of uint8 or uint16 as base64 of zlib's form of deflate.

    Column by column, each number less the one before, modulo its type; of two bytes all low ones
    stand before all high ones. So what is smooth is mostly zeros.
    """
    parts = []
    for array in arrays:
        differences = np.diff(array.T, axis=1, prepend=array.dtype.type(0))
        size = array.dtype.itemsize
        content = differences.astype(array.dtype.newbyteorder("<")).tobytes()
        parts.append(np.frombuffer(content, np.uint8).reshape(-1, size).T.tobytes())
    return base64.b64encode(zlib.compress(b"".join(parts), 9)).decode()


def _steps(shares: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(shares, 0, 1) * 65535).astype(np.uint16)


def _octahedral(directions: np.ndarray) -> np.ndarray:
    """Directions (n, 3) of any length as uint16 (n, 2): a sphere unfolded to a square.

    Cigolle and others 2014, https://jcgt.org/published/0003/02/01/.
    """
    folded = directions / np.maximum(np.abs(directions).sum(axis=1, keepdims=True), 1e-30)
    flat = folded[:, :2]
    outer = (1 - np.abs(flat[:, ::-1])) * np.where(flat >= 0, 1, -1)
    return _steps((np.where(folded[:, 2:] < 0, outer, flat) + 1) / 2)


def _halves(light: np.ndarray) -> np.ndarray:
    """Light (rows, columns, 3) as the bits of half floats, uint16 (rows · columns, 3)."""
    return np.clip(light, 0, HALF_MAX).astype(np.float16).view(np.uint16).reshape(-1, 3)
