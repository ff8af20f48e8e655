"""Renders as framed images before rounding, and some pixels of them at a fraction of their cost.

What a picture is compared with while a material is sought: not rounded, so that derivatives exist.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.ndimage import minimum_filter, uniform_filter

from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.render.framing import StageFraming
from inverse_shading.render.program import StageProgram
from inverse_shading.runtime.errors import InputError
from inverse_shading.scene.srgb import srgb_encode
from inverse_shading.scene.stage_file import read_stage

# Materials in flight: a point and what is moved for its derivatives, gains included.
TARGETS = 7

# A material's, before its gains.
INPUTS = len(PARAMETERS)

# Where the normals vary less than this over WINDOW pixels of the frame (1 − |mean normal|²), a framed
# pixel's light is its centre's light: the resampling filter reaches as far.
WINDOW, SMOOTH = 9, 0.01

# A pixel that the object covers to more than this share lies wholly on it.
WHOLLY = 0.999

# Fewer pixels than this, of three values each, don't lead a search for nine unknowns anywhere.
FEWEST = 30

# Renders of one material that are kept: a search asks again for the last one, or, where its last step
# led nowhere, for the one before.
KEPT = 2


class UnroundedRenderer:
    """Renders one stage's object as the data set's images are framed, without rounding.

    `weights` says how far the object reaches into each pixel. `sparse` and `dense` are masks of framed
    pixels whose centres alone can be rendered: every `stride`-th pixel per side where the surface is
    smooth, and all that lie wholly on the object.

    Args:
        stage: a file written by `make_stage.write_stage`.
        framing: the config's section: image_size, margin, filter.
        stride: see above, from 1.
        device, threads: see `frames.Renderer`.

    Raises:
        InputError: the stage file or the OpenGL driver can't be used.
    """

    def __init__(
        self,
        stage: str | Path,
        framing: Mapping,
        stride: int,
        device: str | int = "auto",
        threads: int | None = None,
    ):
        self._stage = stage
        stage = read_stage(stage)
        self._background = stage.background
        self._framing = StageFraming(stage.mask, framing)
        self.weights = self._framing.levels(stage.mask, limit=1)
        nearest = self._framing.middles(self._framing.size)
        smoothness = _smoothness(stage.mask, stage.surface[1])
        numbers = np.full(stage.mask.shape, -1)
        numbers[stage.mask] = np.arange(stage.mask.sum())
        self.dense = (self.weights > WHOLLY) & (numbers[nearest] >= 0)
        grid = np.zeros_like(self.dense)
        grid[stride // 2 :: stride, stride // 2 :: stride] = True
        smooth = self.dense & (smoothness[nearest] < SMOOTH)
        # Of an object of edges, or a small one, pixels are chosen all the same.
        choices = (grid & smooth, grid & self.dense, self.dense)
        enough = [pixels for pixels in choices if pixels.sum() >= FEWEST]
        self.sparse = enough[0] if enough else self.dense
        # Pixels in the order: sparse, dense, the rest, so that each is a beginning of the next.
        sparse, dense = numbers[nearest][self.sparse], numbers[nearest][self.dense]
        order = np.concatenate([sparse, dense, np.arange(stage.mask.sum())])
        order = order[np.sort(np.unique(order, return_index=True)[1])]
        place = np.argsort(order)
        self._sparse, self._dense = place[sparse], place[dense]
        self._places = np.flatnonzero(stage.mask)[order]
        surface = np.ascontiguousarray(stage.surface[:, order])
        self._program = StageProgram(replace(stage, surface=surface), device, threads, TARGETS)
        #: The square of the frame that framed images show, and its resampling.
        self.box, self.filter = self._framing.box, self._framing.filter
        #: Renders so far; one of some pixels only counts by their share. A kept one counts like a new
        #: one, so that a picture's number doesn't depend on the pictures before.
        self.renders = 0.0
        # The first pixels of materials, in the program's order, as many as were asked for.
        self._kept: dict[bytes, np.ndarray] = {}

    @property
    def driver(self) -> str:
        """The OpenGL driver in one line."""
        return self._program.driver

    def sparse_pixels(self, values: np.ndarray) -> np.ndarray:
        """The pixels of `sparse`, float32 (n, pixels, 3), levels of 255, of materials (n, 10).

        After the ten inputs may stand the gains of red, green and blue, (n, 13): what the light that
        the picture shows is multiplied by. This and the other renders take both, and raise InputError
        as `program.StageProgram` does.
        """
        return self._shade_at(values, self._sparse)

    def dense_pixels(self, values: np.ndarray) -> np.ndarray:
        """The pixels of `dense`, float32 (n, pixels, 3), levels of 255, of materials (n, 10)."""
        return self._shade_at(values, self._dense)

    def image(self, values: np.ndarray) -> np.ndarray:
        """One material's framed image before rounding: float32 (size, size, 3), levels of 255."""
        return self.framed(self.frame(values))

    def frame(self, values: np.ndarray) -> np.ndarray:
        """One material's whole frame before rounding: float32 (side, side, 3), in levels."""
        frame = self._background.astype(np.float32)
        frame.reshape(-1, 3)[self._places] = self._shade(values[None], len(self._places))[0]
        return frame

    def framed(self, frame: np.ndarray) -> np.ndarray:
        """A frame cropped and resized: float32 (size, size, 3)."""
        return self._framing.levels(frame)

    def rounded_frame(self, values: np.ndarray) -> np.ndarray:
        """One material's whole frame as the driver rounds it: uint8 (side, side, 3)."""
        frame = self._background.copy()
        frame.reshape(-1, 3)[self._places] = self._program.shade(values)
        return frame

    def rounded_image(self, values: np.ndarray) -> np.ndarray:
        """One material's framed image as the data set has it: uint8 (size, size, 3)."""
        return self._framing.image(self.rounded_frame(values))

    def close(self) -> None:
        """Free the OpenGL context."""
        self._program.release()

    def _shade_at(self, values: np.ndarray, places: np.ndarray) -> np.ndarray:
        if not len(places):
            raise InputError(
                f"{self._stage}: its object is too thin to be compared: it wholly covers no pixel of a "
                f"framed image ({self._framing.size} px). Raise framing.image_size or camera.fill of "
                "the stage, or let a model answer without refinement."
            )
        return self._shade(values, places.max() + 1)[:, places]

    def _shade(self, values: np.ndarray, count: int) -> np.ndarray:
        """The first pixels of materials: float32 (n, count, 3), levels of 255."""
        self.renders += len(values) * count / len(self._places)
        levels = np.empty((len(values), count, 3), np.float32)
        missing = []
        for place, material in enumerate(values):
            kept = self._kept.get(material.tobytes())
            if kept is not None and len(kept) >= count:
                levels[place] = kept[:count]
            else:
                missing.append(place)
        for first in range(0, len(missing), TARGETS):
            chunk = missing[first : first + TARGETS]
            linear = self._program.shade_linear(values[chunk, :INPUTS], count)
            if values.shape[1] > INPUTS:
                linear *= values[chunk, None, INPUTS:].astype(np.float32)
            levels[chunk] = 255 * srgb_encode(np.clip(linear, 0, 1))
        if len(values) == 1 and missing:
            self._keep(values[0], levels[0])
        return levels

    def _keep(self, values: np.ndarray, levels: np.ndarray) -> None:
        self._kept.pop(values.tobytes(), None)
        if len(self._kept) == KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[values.tobytes()] = levels


def _smoothness(mask: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """How far the normals about each pixel differ: 0 (all alike) to 1; 1 where not all are covered."""
    frame = np.zeros((*mask.shape, 3), np.float32)
    frame[mask] = normals / np.linalg.norm(normals, axis=-1, keepdims=True)
    mean = np.stack([uniform_filter(frame[..., axis], WINDOW) for axis in range(3)], axis=-1)
    spread = 1 - np.square(mean).sum(axis=-1)
    return np.where(minimum_filter(mask, WINDOW), spread, 1.0)
