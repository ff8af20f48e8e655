"""Frames of one stage, one material after the other."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from inverse_shading.material.values import check_values
from inverse_shading.render.program import PackedProgram
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.jobs import logger
from inverse_shading.scene.stage_file import read_stage


class Renderer:
    """Renders one stage's object with any material.

    Every image is checked: each covered pixel was written and is a number, and the bytes are not
    the image before's although the values differ. A suspicious image is rendered once more in a
    fresh context.

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
        self._device, self._threads = device, threads
        self._program = PackedProgram(self._stage, device, threads)
        # Places of the covered pixels in the flat frame; indexed writing beats a boolean mask.
        self._places = np.flatnonzero(self._stage.mask)
        self._previous: tuple[np.ndarray, np.ndarray] | None = None

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
        pixels = self._program.shade(values)
        if pixels is None or self._repeats(values, pixels):
            # Different materials may look the same (black is black whatever its roughness): a
            # fresh context holds nothing of the image before, so what it gives is right.
            logger.warning(
                "%s %s for the material %s; rendering it again in a fresh context",
                self.driver,
                "left pixels unwritten" if pixels is None else "gave the image before again",
                values.tolist(),
            )
            self._program.release()
            self._program = PackedProgram(self._stage, self._device, self._threads)
            pixels = self._program.shade(values)
        if pixels is None:
            raise InputError(
                f"The OpenGL driver ({self.driver}) twice left pixels unwritten, or made values "
                f"that are no numbers, for the material {values.tolist()}; expected a whole image. "
                "Say another render.device (cpu is Mesa's software rasteriser), or update the "
                "driver."
            )
        self._previous = (values, pixels)
        frame = self._stage.background.copy()
        frame.reshape(-1, 3)[self._places] = pixels
        return frame

    def _repeats(self, values: np.ndarray, pixels: np.ndarray) -> bool:
        """Are these the bytes of the image before, though the values differ?"""
        if self._previous is None or np.array_equal(self._previous[0], values):
            return False
        return np.array_equal(self._previous[1], pixels)

    def close(self) -> None:
        """Free the OpenGL context."""
        self._program.release()

    def __enter__(self) -> "Renderer":
        return self

    def __exit__(self, *_) -> None:
        self.close()
