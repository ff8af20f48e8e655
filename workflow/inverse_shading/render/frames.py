"""Frames of one stage, one material after the other."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from inverse_shading.material.values import check_values
from inverse_shading.render.program import StageProgram
from inverse_shading.scene.stage_file import read_stage


class Renderer:
    """Renders one stage's object with any material.

    Every image is checked, and a suspicious one rendered once more, see `program.StageProgram`.

    Args:
        stage_path: a file written by `make_stage.write_stage`.
        device: "auto", "cpu" or the number of an EGL device; see `opengl.create_context`.
        threads: of llvmpipe; no pixel depends on it.

    Raises:
        InputError: the stage file or the OpenGL driver can't be used.
    """

    def __init__(
        self, stage_path: str | Path, device: str | int = "auto", threads: int | None = None
    ):
        self._stage = read_stage(stage_path)
        self._program = StageProgram(self._stage, device, threads)
        # Places of the covered pixels in the flat frame; indexed writing beats a boolean mask.
        self._places = np.flatnonzero(self._stage.mask)

    @property
    def mask(self) -> np.ndarray:
        """bool (size, size): where the object is."""
        return self._stage.mask

    @property
    def driver(self) -> str:
        """The OpenGL driver in one line."""
        return self._program.driver

    def render(self, values: Sequence[float] | np.ndarray) -> np.ndarray:
        """Render one material.

        Args:
            values: ten numbers in [0, 1], in the order of `parameters.PARAMETERS`.

        Returns:
            uint8 (size, size, 3), sRGB-encoded, first row on top.

        Raises:
            InputError: other than ten values in [0, 1]; or the driver failed twice, the second
                time in a fresh context.
        """
        values = check_values(values)
        frame = self._stage.background.copy()
        frame.reshape(-1, 3)[self._places] = self._program.shade(values)
        return frame

    def close(self) -> None:
        """Free the OpenGL context."""
        self._program.release()

    def __enter__(self) -> "Renderer":
        return self

    def __exit__(self, *_) -> None:
        self.close()
