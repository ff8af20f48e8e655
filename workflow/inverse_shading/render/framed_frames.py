"""A renderer whose frames are cropped and resized like the images of the data set."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from inverse_shading.render.frames import Renderer
from inverse_shading.render.framing import StageFraming


class FramedRenderer:
    """Renders materials on a stage, framed by the box of the stage's own silhouette.

    Args:
        stage: from `make_stage.write_stage`.
        framing: the config's section: image_size, margin, filter.
        device: where to render: auto, cpu, or the number of an EGL device.
        threads: threads of Mesa's software rasteriser; no pixel depends on them.

    Attributes:
        mask: bool (image_size, image_size), True for pixels that show the object, if only a little.
        driver: the OpenGL driver in one line.

    Raises:
        InputError: as `frames.Renderer`.
    """

    def __init__(
        self, stage: str | Path, framing: Mapping, device: str | int, threads: int | None = None
    ):
        self._renderer = Renderer(stage, device, threads)
        self._framing = StageFraming(self._renderer.mask, framing)
        self.mask = self._framing.silhouette
        self.driver = self._renderer.driver

    def render(self, values: Sequence[float] | np.ndarray) -> np.ndarray:
        """Render ten values in [0, 1]: uint8 (image_size, image_size, 3), sRGB-encoded.

        Raises:
            InputError: as `frames.Renderer.render`.
        """
        return self._framing.image(self._renderer.render(values))

    def close(self) -> None:
        """Free the OpenGL context."""
        self._renderer.close()

    def __enter__(self) -> "FramedRenderer":
        return self

    def __exit__(self, *_) -> None:
        self.close()
