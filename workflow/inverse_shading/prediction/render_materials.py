"""Pictures of materials on a stage: from .mtlx files to PNG, or to EXR in linear light."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import OpenEXR
from PIL import Image, PngImagePlugin

from inverse_shading.material.document import standard_library
from inverse_shading.material.given_material import read_given_material
from inverse_shading.render.frames import Renderer
from inverse_shading.render.program import StageProgram
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import atomic_path
from inverse_shading.runtime.given_files import regular_file
from inverse_shading.runtime.jobs import logger
from inverse_shading.runtime.output_folder import make_folder
from inverse_shading.runtime.resources import Resources
from inverse_shading.scene.given_stage import read_given_stage
from inverse_shading.scene.srgb import srgb_decode
from inverse_shading.scene.stage_file import Stage

# What pictures say of who made them, and within how many bytes both formats do.
SOFTWARE = "inverse-shading render"
HEADER = 4096


def render_materials(
    paths: Sequence[str | Path],
    stage: str | Path,
    output: str | Path,
    form: str = "png",
    rendering: Resources = Resources("auto", 1),  # noqa: B008
    again: bool = False,
) -> None:
    """Render every material as the stage's whole frame: NAME.mtlx as NAME.png or NAME.exr.

    Nothing is rendered unless all materials can be.

    Args:
        paths: .mtlx files of the ten inputs.
        stage: a stage file.
        output: folder to write into.
        form: png or exr. png is of 8 bits, sRGB-encoded; exr of floats, linear light, not
            clipped.
        again: overwrite pictures that this function wrote; all others stay.

    Raises:
        InputError: a material that ten values can't hold, a stage that can't be used, two materials of
            one name, a file in the place of a picture, or nothing to render with.
    """
    output = Path(output)
    scene = read_given_stage(stage)
    library = standard_library()
    materials: dict[Path, np.ndarray] = {}
    # A material that is given twice is one.
    for path in dict.fromkeys(map(Path, paths)):
        picture = output / f"{path.stem}.{form}"
        if picture in materials:
            raise InputError(
                f"{path}: found another material whose picture would be {picture}. Rename one, or give "
                "them one at a time with another --output."
            )
        if os.path.lexists(picture):
            _check_replaceable(picture, again)
        materials[picture] = read_given_material(path, library)
    make_folder(output)
    if form == "png":
        _write_png(materials, stage, rendering)
    else:
        _write_exr(materials, scene, rendering)


def _check_replaceable(picture: Path, again: bool) -> None:
    regular_file(picture, "a picture that may be replaced")
    try:
        with picture.open("rb") as file:
            own = SOFTWARE.encode() in file.read(HEADER)
    except OSError as error:
        raise InputError(f"{picture}: can't be read ({error.strerror}). Move it.") from error
    if not own:
        raise InputError(
            f"{picture}: found a file that isn't a render of this command, so it isn't overwritten. "
            "Move or delete it, or give another --output."
        )
    if not again:
        raise InputError(
            f"{picture}: found a file, which isn't overwritten. Give --again to replace it, or "
            "another --output."
        )


def _write_png(materials: dict[Path, np.ndarray], stage: str | Path, where: Resources) -> None:
    about = PngImagePlugin.PngInfo()
    about.add_text("Software", SOFTWARE)
    with Renderer(stage, where.device, where.threads) as renderer:
        for path, values in materials.items():
            with atomic_path(path) as temporary:
                Image.fromarray(renderer.render(values)).save(temporary, "PNG", pnginfo=about)
            logger.info("%s", path)


def _write_exr(materials: dict[Path, np.ndarray], scene: Stage, where: Resources) -> None:
    background = srgb_decode(scene.background.astype(np.float32) / 255).astype(np.float32)
    program = StageProgram(scene, where.device, where.threads, 1)
    try:
        for path, values in materials.items():
            frame = background.copy()
            frame[scene.mask] = program.shade_linear(values[None], int(scene.mask.sum()))[0]
            header = {
                "compression": OpenEXR.ZIP_COMPRESSION,
                "type": OpenEXR.scanlineimage,
                "software": SOFTWARE,
            }
            with atomic_path(path) as temporary:
                OpenEXR.File(header, {"RGB": frame}).write(str(temporary))
            logger.info("%s", path)
    finally:
        program.release()
