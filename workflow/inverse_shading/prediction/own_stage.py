"""A stage of one's own: the stage file, its card, a picture to look at, and its calibration."""

import hashlib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from inverse_shading.prediction.stage_card import (
    SUFFIX,
    card_path,
    own_files,
    preview_path,
    write_stage_card,
)
from inverse_shading.render.frames import Renderer
from inverse_shading.render.framing import crop_box
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import atomic_path
from inverse_shading.runtime.given_files import regular_file
from inverse_shading.runtime.jobs import logger
from inverse_shading.runtime.resources import Resources
from inverse_shading.scene.make_stage import make_stage
from inverse_shading.scene.srgb import srgb_encode
from inverse_shading.scene.stage_file import read_stage, save_stage

# What the preview shows the object in: a light grey plastic whose highlights show the light.
PREVIEW_MATERIAL = (0.8, 0.7, 0.7, 0.7, 0.5, 0.25, 1.0, 1.0, 1.0, 0.0)
CROP_COLOR = (255, 176, 0)


def make_own_stage(
    output: str | Path, settings: Mapping[str, Any], rendering: Resources, calibrate: int = 0
) -> None:
    """Write a stage, its card and a preview; the same bytes for the same arguments.

    Args:
        output: NAME.safetensors; NAME.json and NAME.png are put beside it.
        settings: stage, render, framing, refinement and seed, as `own_stage.stage_settings` of
            `config` gives them.
        calibrate: known materials to refine for the calibration of intervals, 0 for none.

    Raises:
        InputError: a mesh or environment that can't be used, files of somebody else in the place of
            outputs, no OpenGL driver, or a folder that can't be written to.
    """
    output, preview = Path(output), preview_path(output)
    _check_output(output)
    render, framing = settings["render"], settings["framing"]
    # What can't be made leaves the former stage as it is.
    stage = make_stage(
        settings["stage"],
        render["frame_size"],
        render["environment_samples"],
        rendering.device,
    )
    # First, so that files of a run that is killed from here on are known for its own.
    write_stage_card(output, settings)
    save_stage(output, stage)
    picture = _preview(output, framing, rendering)
    with atomic_path(preview) as temporary:
        temporary.write_bytes(picture)
    shown = hashlib.sha256(picture).hexdigest()
    write_stage_card(output, settings, shown)
    logger.info("%s: the stage; %s shows it", output, preview)
    if calibrate:
        # Here, since they take a second to load.
        from inverse_shading.inversion.calibrate_stage import measure_known
        from inverse_shading.inversion.refiner import Refiner

        with Refiner(
            output,
            framing,
            settings["refinement"],
            device=rendering.device,
            threads=rendering.threads,
        ) as refiner:
            measured = measure_known(
                refiner, calibrate, settings["seed"], settings["refinement"]["interval"]
            )
        write_stage_card(output, settings, shown, measured)
        logger.info("%s: calibrated on %d materials", card_path(output), measured.images)


def _check_output(output: Path) -> None:
    if output.suffix != SUFFIX:
        raise InputError(f"{output}: expected a name that ends in {SUFFIX}. Give another --output.")
    own = own_files(output)
    for path in (output, card_path(output), preview_path(output)):
        if os.path.lexists(path) and (own is None or (path in own and _sha256(path) != own[path])):
            raise InputError(
                f"{path}: found a file that wasn't made with this stage, so it isn't overwritten. "
                "Move or delete it, or give another --output."
            )


def _sha256(path: Path) -> str:
    regular_file(path, "a file of the stage")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _preview(stage_path: Path, framing: Mapping, rendering: Resources) -> bytes:
    """A PNG of the frame with the crop's square, and of the light beside it."""
    stage = read_stage(stage_path)
    with Renderer(stage_path, rendering.device, rendering.threads) as renderer:
        frame = renderer.render(PREVIEW_MATERIAL)
    size = stage.frame_size
    left, upper, right, lower = crop_box(stage.mask, framing["margin"])
    canvas = Image.new("RGB", (3 * size, size))
    canvas.paste(Image.fromarray(frame), (0, 0))
    square = [round(left), round(upper), round(right) - 1, round(lower) - 1]
    ImageDraw.Draw(canvas).rectangle(square, outline=CROP_COLOR, width=max(1, size // 200))
    light = np.rint(255 * srgb_encode(np.clip(stage.radiance, 0, 1))).astype(np.uint8)
    canvas.paste(Image.fromarray(light).resize((2 * size, size)), (size, 0))
    buffer = io.BytesIO()
    canvas.save(buffer, "PNG")
    return buffer.getvalue()
