"""The pixels at the middle of a framed image's cells, at a hundredth of a frame's cost.

Where the surface is smooth, a cell's mean is nearly its middle: many materials can be rendered there
for the cost of one whole frame.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from inverse_shading.render.framing import StageFraming
from inverse_shading.render.program import StageProgram
from inverse_shading.scene.srgb import srgb_encode
from inverse_shading.scene.stage_file import read_stage

# Materials in flight, so that a graphics card never waits.
TARGETS = 10


class CellCentres:
    """Renders one stage's object at the middles of the cells that a framed image is cut into.

    Args:
        stage: a file written by `make_stage.write_stage`.
        framing: the config's section: image_size, margin, filter.
        grid: cells per side.
        cells: numbers of the cells wanted, row by row; None for all whose middle shows the object.
        device, threads: see `frames.Renderer`.

    Attributes:
        cells: those that are rendered, ascending.

    Raises:
        InputError: the stage file or the OpenGL driver can't be used.
    """

    def __init__(
        self,
        stage: str | Path,
        framing: Mapping,
        grid: int,
        cells: np.ndarray | None,
        device: str | int,
        threads: int,
    ):
        stage = read_stage(stage)
        numbers = np.full(stage.mask.shape, -1)
        numbers[stage.mask] = np.arange(stage.mask.sum())
        pixels = numbers[StageFraming(stage.mask, framing).middles(grid)].ravel()
        self.cells = np.flatnonzero(pixels >= 0) if cells is None else cells
        surface = np.ascontiguousarray(stage.surface[:, pixels[self.cells]])
        self._program = StageProgram(replace(stage, surface=surface), device, threads, TARGETS)

    def render(self, materials: np.ndarray) -> np.ndarray:
        """The cells' middles for materials (n, 10): float32 (n, 3 * cells), sRGB-encoded, in [0, 1].

        Not rounded; all cells' red first, then green, then blue.

        Raises:
            InputError: as `program.StageProgram.shade_linear`.
        """
        parts = [
            self._program.shade_linear(materials[first : first + TARGETS], len(self.cells))
            for first in range(0, len(materials), TARGETS)
        ]
        channels = np.moveaxis(np.concatenate(parts), -1, 1).reshape(len(materials), -1)
        return srgb_encode(channels.clip(0, 1)).astype(np.float32)

    def close(self) -> None:
        """Free the OpenGL context."""
        self._program.release()
