"""The first test images in the novel light and view, which what is predicted is held against there."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from inverse_shading.dataset.labels import read_labels
from inverse_shading.render.framed_frames import FramedRenderer
from inverse_shading.runtime.artefacts import (
    check_identifiers,
    read_description,
    read_tensors,
    unusable,
    write_tensors,
)
from inverse_shading.runtime.jobs import logger, progress
from inverse_shading.runtime.resources import Resources

IMAGES = "images"


def render_novel_images(
    output: str | Path,
    parameters: Sequence[str | Path],
    splits: Sequence[str | Path],
    stage: str | Path,
    framing: Mapping,
    count: int,
    resources: Resources,
) -> None:
    """Render the materials of the first test images on the novel stage.

    Args:
        output: the safetensors file to write: `images`, uint8 (n, size, size, 3), and their ids.
        parameters, splits: files of the same ranges, in the same order, that hold these images.
        stage: the novel one, see `make_stage.write_stage`.
        framing: the config's section: image_size, margin, filter.
        count: test images to take; all if there are fewer.
        resources: where to render.

    Raises:
        InputError: a file is wrong, or nothing can render.
    """
    labels = read_labels(parameters, splits)
    values = labels.values.iloc[labels.indices("test")[:count]]
    with FramedRenderer(stage, framing, resources.device, resources.threads) as renderer:
        logger.info("%d materials on %s", len(values), renderer.driver)
        materials = progress(values.to_numpy(), len(values), "image")
        images = np.stack([renderer.render(material) for material in materials])
    write_tensors(output, {IMAGES: images}, {"ids": list(values.index)})


def read_novel_images(path: str | Path, identifiers: Sequence[str], size: int) -> np.ndarray:
    """The images of these ids, uint8 (n, size, size, 3).

    Raises:
        InputError: the file is missing or damaged, or of other images or another size.
    """
    found = read_description(path, "images in the novel light").get("ids", [])
    check_identifiers(path, found, identifiers, "the sample")
    images = read_tensors(path, "numpy").get(IMAGES, np.empty(0))
    if images.shape != (len(identifiers), size, size, 3) or images.dtype != np.uint8:
        raise unusable(
            path,
            f"found {images.dtype} {images.shape}, expected uint8 ({len(identifiers)}, {size}, "
            f"{size}, 3)",
        )
    return images
