"""The command `inverse-shading`: materials for pictures, and the comparison in a terminal."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from inverse_shading import __version__
from inverse_shading.pictures.folder import SUFFIXES
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.interruption import Stopped, stoppable
from inverse_shading.runtime.jobs import logger

# Exit codes: all pictures done; some not, each named; nothing could be done.
DONE, SOME_FAILED, NOTHING_DONE = 0, 1, 2

EPILOG = """\
for every picture NAME there are then, in the output folder:
  NAME.mtlx     the material, a MaterialX document with one standard_surface
  NAME.json     its ten inputs with intervals, which are determined, how close the render is
  NAME.png      the picture, the render of the material, their difference
  NAME_alternative_1.mtlx …   with --alternatives

Only files that NAME.json lists are overwritten. Others of these names are left as they are.

Pictures that are done are passed over, so a command that was stopped goes on when it is given again.

exit codes:
  0             all is well
  1             some pictures failed, each with its reason, and the others are done
  2             nothing could be done: options, model, driver or output folder
  128 + signal  stopped
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Results go to the standard output, all else that it says to the standard error.

    Args:
        arguments: instead of those of the process.

    Returns:
        The exit code, see `EPILOG`.
    """
    given = _parser().parse_args(arguments)
    # Names and tables may hold what the terminal's encoding doesn't; the standard error escapes it too.
    sys.stdout.reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.handlers = [handler]
    logger.setLevel(logging.WARNING if given.quiet else logging.INFO)
    logger.propagate = False
    try:
        with stoppable():
            return given.run(given)
    except InputError as error:
        logger.error("ERROR %s", error)
        return NOTHING_DONE
    except Stopped as stop:
        logger.warning("%s; the same command goes on", stop)
        return 128 + stop.signal
    except Exception as error:
        # Not Python's own 1, which would say that the other pictures are done.
        logger.exception("ERROR %s", error)
        return NOTHING_DONE


def _predict(given: argparse.Namespace) -> int:
    if given.alternatives and not given.refine:
        given.refuse("--alternatives: found it without --refine, expected both")
    # Here, since PyTorch takes seconds that --help needn't wait.
    from inverse_shading.prediction.predict import predict_pictures
    from inverse_shading.prediction.session import Options
    from inverse_shading.runtime.resources import Resources

    failures = predict_pictures(
        given.images,
        given.model,
        given.output,
        Options(given.refine, given.alternatives, given.encoding, given.any_silhouette),
        stage=given.stage,
        device=given.device,
        rendering=Resources(given.render_device, given.threads),
        again=given.again,
    )
    if failures:
        logger.error("pictures that failed: %d", len(failures))
    return SOME_FAILED if failures else DONE


def _export(given: argparse.Namespace) -> int:
    # Here, since MaterialX and SciPy take a second that --help needn't wait.
    from inverse_shading.export.export_materials import export_materials
    from inverse_shading.runtime.resources import Resources

    export_materials(
        given.materials,
        given.to.split(","),
        given.stage,
        given.output,
        given.mesh,
        Resources(given.render_device, given.threads),
    )
    return DONE


def _summarise(given: argparse.Namespace) -> int:
    # Here, since pandas takes a second that --help needn't wait.
    from inverse_shading.report.comparison_summary import format_summary

    print(format_summary(given.table))
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="inverse-shading",
        description="Recover the standard_surface inputs of a rendered object from a picture.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_predict(commands)
    _add_export(commands)
    _add_summary(commands)
    return parser


def _add_predict(commands: argparse._SubParsersAction) -> None:
    predict = commands.add_parser(
        "predict",
        help="write a material for every picture",
        description="Write a MaterialX material for every picture, as a trained model sees it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    predict.set_defaults(run=_predict, refuse=predict.error)
    add = predict.add_argument
    add(
        "images",
        metavar="IMAGE",
        nargs="+",
        type=Path,
        help=f"a picture of the model's object, or a folder of them ({', '.join(SUFFIXES)})",
    )
    add(
        "--model",
        metavar="DIR",
        type=Path,
        required=True,
        help="a trained model, such as results/models/best",
    )
    add(
        "--refine",
        action="store_true",
        help="correct what the model says by rendering until the picture is met; seconds a picture",
    )
    add(
        "--alternatives",
        metavar="K",
        type=_whole(0, 100),
        default=0,
        help="with --refine: up to so many further materials that look the same, 0 to 100 (default: 0)",
    )
    add(
        "--output",
        metavar="DIR",
        type=Path,
        default=Path("predictions"),
        help="folder to write into; it is made if need be (default: predictions)",
    )
    add(
        "--encoding",
        choices=["auto", "srgb", "linear"],
        default="auto",
        help="what the pictures' numbers are; auto takes floating-point files for linear light and all "
        "others for sRGB",
    )
    add(
        "--any-silhouette",
        action="store_true",
        help="take pictures too in which the object isn't found where it should be",
    )
    add(
        "--stage",
        metavar="FILE",
        type=Path,
        help="the stage that the model was trained on (default: stage.safetensors of its results)",
    )
    add(
        "--device",
        choices=["auto", "cpu", "cuda"],
        default="auto",
        help="where the network runs; auto takes a GPU if there is one",
    )
    add(
        "--render-device",
        metavar="DEVICE",
        type=_render_device,
        default="auto",
        help="where to render: auto, cpu (Mesa's llvmpipe), or the number of an EGL device",
    )
    add(
        "--threads",
        metavar="N",
        type=_whole(1, 1024),
        default=len(os.sched_getaffinity(0)),
        help="of rendering on the CPU; results don't depend on them (default: one a core)",
    )
    add("--again", action="store_true", help="do pictures again that are done")
    add("--quiet", action="store_true", help="say only what went wrong")


def _add_export(commands: argparse._SubParsersAction) -> None:
    export = commands.add_parser(
        "export",
        help="write materials for other platforms",
        description="Write materials as constants of other shading models, found by refitting in their "
        "own shaders on a stage, with a certificate of how near they look.",
    )
    export.set_defaults(run=_export)
    add = export.add_argument
    add(
        "materials",
        metavar="MATERIAL.mtlx",
        nargs="+",
        type=Path,
        help="a standard_surface of constant inputs, such as predict writes",
    )
    add(
        "--to",
        metavar="TARGETS",
        required=True,
        help="openpbr (.mtlx), gltf (.glb), usd (.usda), with commas between them",
    )
    add("--stage", metavar="FILE", type=Path, required=True, help="the stage to compare on")
    add(
        "--mesh",
        metavar="MESH",
        help="the stage's mesh, which gltf holds: builtin or a file; a stage file has none",
    )
    add(
        "--output",
        metavar="DIR",
        type=Path,
        default=Path("exports"),
        help="folder to write into; it is made if need be (default: exports)",
    )
    add(
        "--render-device",
        metavar="DEVICE",
        type=_render_device,
        default="auto",
        help="where to render: auto, cpu (Mesa's llvmpipe), or the number of an EGL device",
    )
    add(
        "--threads",
        metavar="N",
        type=_whole(1, 1024),
        default=len(os.sched_getaffinity(0)),
        help="of rendering on the CPU; results don't depend on them (default: one a core)",
    )
    add("--quiet", action="store_true", help="say only what went wrong")


def _add_summary(commands: argparse._SubParsersAction) -> None:
    summary = commands.add_parser(
        "summary",
        help="print a comparison",
        description="Print a comparison as a table at most 110 columns wide, and name the best model.",
    )
    summary.set_defaults(run=_summarise, quiet=False)
    summary.add_argument(
        "table", metavar="TABLE", type=Path, help="such as results/comparison.csv of a workflow"
    )


def _whole(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers within limits."""

    def read(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"found {text!r}, expected {low} to {high}")
        return int(text)

    return read


def _render_device(text: str) -> str | int:
    if text in ("auto", "cpu"):
        return text
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"found {text!r}, expected auto, cpu or a number")
    return int(text)
