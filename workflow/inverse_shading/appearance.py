"""How the materials that a predictor names look: rendered, and held against the truth."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .appearance_file import write_appearance
from .framed_renderer import FramedRenderer
from .image_difference import ImageDifference, compare_images
from .jobs import logger, progress
from .picked_images import pick_images
from .sample import sampled_test_images


def measure_appearance(
    table: str | Path,
    summary: str | Path,
    predictor: str,
    predictions: str | Path,
    images: Sequence[str | Path],
    stage: str | Path,
    novel_stage: str | Path,
    framing: Mapping,
    count: int,
    device: str | int,
    threads: int | None = None,
) -> None:
    """Render what is predicted for the first test images and measure how far it is from the truth.

    On the stage the truth is the data set's image. On the novel stage, which the predictor never
    saw, it is rendered too. Both are framed by the silhouette, whose pixels alone count.

    Args:
        table, summary: the appearance.csv and appearance.json to write, see `appearance_file`.
        predictor: name for the summary.
        predictions: a predictions.csv; values beyond [0, 1] are rendered as the nearest that is not.
        images: arrays of framed images named RANGE.npy that hold the sample, see `sample`.
        stage: what the images were rendered on, see `stage.write_stage`.
        novel_stage: the same object in another light and view.
        framing: the config's section: image_size, margin, filter.
        count: test images to take; all if there are fewer.
        device: where to render: auto, cpu, or the number of an EGL device.
        threads: threads of Mesa's software rasteriser; no number depends on them.

    Raises:
        InputError: an input can't be read or doesn't fit the others, or nothing can render.
    """
    identifiers, true, predicted = sampled_test_images(predictions, count)
    truths = pick_images(images, identifiers, framing["image_size"])
    # A model may overshoot the range that materials are made of.
    materials = np.clip(predicted, 0, 1)
    differences: dict[str, list[ImageDifference]] = {"stage": [], "novel": []}
    with FramedRenderer(stage, framing, device, threads) as renderer:
        logger.info("%d materials of %s on %s", len(materials), predictor, renderer.driver)
        pairs = zip(truths, materials, strict=True)
        for truth, material in progress(pairs, len(materials), "image"):
            render = renderer.render(material)
            differences["stage"].append(compare_images(truth, render, renderer.mask))
    # A renderer each: one that gives the image before again believes itself broken, and here the two
    # may well look the same.
    with (
        FramedRenderer(novel_stage, framing, device, threads) as of_truth,
        FramedRenderer(novel_stage, framing, device, threads) as renderer,
    ):
        logger.info("the same in the novel light and view")
        pairs = zip(true, materials, strict=True)
        for truth, material in progress(pairs, len(materials), "image"):
            renders = of_truth.render(truth), renderer.render(material)
            differences["novel"].append(compare_images(*renders, renderer.mask))
    write_appearance(table, summary, predictor, identifiers, true, predicted, differences)
