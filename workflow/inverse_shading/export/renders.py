"""The covered pixels of a stage as a shading model shows them, before rounding, some or all."""

from dataclasses import replace

import numpy as np

from inverse_shading.render.program import StageProgram
from inverse_shading.runtime.resources import Resources
from inverse_shading.scene.srgb import srgb_encode
from inverse_shading.scene.stage_file import Stage

# Seed of the order in which pixels are drawn: whatever number of the first is taken, they lie all over.
SEED = 0


class PixelRenderer:
    """Renders materials of one shading model.

    Args:
        stage: of that model, see `shaders`.
        resources: where to render.
        targets: materials in flight.

    Raises:
        InputError: the OpenGL driver can't be used. So do the renders if it fails.
    """

    def __init__(self, stage: Stage, resources: Resources, targets: int):
        self._stage, self._targets = stage, targets
        self._order = np.random.default_rng(SEED).permutation(stage.surface.shape[1])
        surface = np.ascontiguousarray(stage.surface[:, self._order])
        self._program = StageProgram(
            replace(stage, surface=surface), resources.device, resources.threads, targets
        )

    @property
    def driver(self) -> str:
        """The OpenGL driver in one line."""
        return self._program.driver

    @property
    def mask(self) -> np.ndarray:
        """bool (size, size): where the object is."""
        return self._stage.mask

    @property
    def covered(self) -> int:
        """How many pixels show the object."""
        return len(self._order)

    def pixels(self, values: np.ndarray, count: int | None = None) -> np.ndarray:
        """Pixels of materials (n, numbers of the model): float32 (n, count, 3), levels of 255.

        Args:
            count: how many, the first of an order that is the same for all models; None for all.
        """
        count = self.covered if count is None else min(count, self.covered)
        parts = []
        for first in range(0, len(values), self._targets):
            linear = self._program.shade_linear(values[first : first + self._targets], count)
            parts.append(255 * srgb_encode(np.clip(linear, 0, 1)))
        return np.concatenate(parts).astype(np.float32)

    def frame(self, pixels: np.ndarray) -> np.ndarray:
        """All pixels of a material (covered, 3) on the backdrop: uint8 (size, size, 3)."""
        frame = self._stage.background.copy()
        places = np.flatnonzero(self._stage.mask)[self._order]
        frame.reshape(-1, 3)[places] = np.rint(pixels).astype(np.uint8)
        return frame

    def close(self) -> None:
        """Free the OpenGL context."""
        self._program.release()
