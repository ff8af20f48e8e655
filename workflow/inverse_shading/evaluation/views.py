"""The images of a data set, and how materials are rendered to be compared with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inverse_shading.dataset.framed_images import pick_images
from inverse_shading.render.framed_frames import FramedRenderer
from inverse_shading.runtime.resources import Resources


@dataclass(frozen=True)
class Views:
    """Images of a data set and the stages that show materials beside them.

    Attributes:
        images: arrays of framed images named RANGE.npy that hold all that is asked for.
        stage: what the images were rendered on, see `make_stage.write_stage`.
        framing: the config's section: image_size, margin, filter.
        resources: where to render.
        novel_stage: the same object in another light and view; None where it isn't looked at.
        novel_images: the sample there, see `novel_images.render_novel_images`; None likewise.
    """

    images: Sequence[str | Path]
    stage: str | Path
    framing: Mapping
    resources: Resources
    novel_stage: str | Path | None = None
    novel_images: str | Path | None = None

    def pick(self, identifiers: Sequence[str]) -> list[np.ndarray]:
        """The images of these ids, see `framed_images.pick_images`."""
        return pick_images(self.images, identifiers, self.framing["image_size"])

    def renderer(self, stage: str | Path) -> FramedRenderer:
        """A renderer on one of the stages, framed like the images; to be closed by the caller.

        Raises:
            InputError: the stage can't be used, or nothing can render.
        """
        resources = self.resources
        return FramedRenderer(stage, self.framing, resources.device, resources.threads)
