"""The command `inverse-shading`: pictures to materials and back, stages, exports, results to read."""

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

# Exit codes: all pictures done; some or the page not, each named; nothing could be done; all done, some
# of them although no material explains them or the object wasn't found.
DONE, SOME_FAILED, NOTHING_DONE, DOUBTFUL = 0, 1, 2, 3

# Of the stage's camera, by the configuration's names.
CAMERA_OPTIONS = {
    "azimuth": "degrees about the vertical axis; 0 looks at the front (+z)",
    "elevation": "degrees above the horizon",
    "field_of_view": "vertical opening in degrees",
    "fill": "share of the frame that the mesh's bounding sphere takes",
}

EPILOG = """\
for every picture NAME there are then, in the output folder:
  NAME.mtlx     the material, a MaterialX document with one standard_surface
  NAME.json     its ten inputs with intervals, which are determined, how close the render is
  NAME.png      the picture, the render of the material, their difference
  NAME_alternative_1.mtlx …   with --alternatives
  NAME_openpbr.mtlx, NAME.glb, NAME.usda, NAME_certificate.json   with --to
With --page there is also a page of them all, to look at in a browser.

Only files that NAME.json lists are overwritten. Others of these names are left as they are.

Pictures that are done are passed over, so a command that was stopped goes on when it is given again.

exit codes:
  0             all is well
  1             some pictures or the page failed, each with its reason, and the others are done
  2             nothing could be done: options, model, stage, driver or output folder
  3             all pictures are done, but no material explains some of them, or the object wasn't
                found in them (--any-silhouette); --accept-misfit makes it 0
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
    # A second thread of NumPy's would spin between small products, on a core that the renderer needs.
    # It isn't imported yet, and reads this then.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
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
    if given.fit_exposure and not given.refine:
        given.refuse("--fit-exposure: found it without --refine, expected both")
    if given.model is None and (given.stage is None or not given.refine):
        given.refuse(
            "required: --model, or --stage and --refine, which find a material without a model"
        )
    if given.config is not None and not given.to:
        given.refuse("--config: found it without --to, expected both")
    # Here, since it takes a second that --help needn't wait.
    from inverse_shading.prediction.predict import predict_pictures
    from inverse_shading.prediction.session import Options
    from inverse_shading.runtime.resources import Resources

    outcome = predict_pictures(
        given.images,
        given.model,
        given.output,
        Options(
            given.refine,
            given.alternatives,
            given.encoding,
            given.any_silhouette,
            given.layer,
            given.fit_exposure,
        ),
        stage=given.stage,
        device=given.device,
        rendering=Resources(given.render_device, given.threads),
        again=given.again,
        exports=given.to,
        export_settings=_export_settings(given),
    )
    paged = True
    if given.page is not None and outcome.records:
        from inverse_shading.prediction.view import write_view

        try:
            write_view(outcome.records, given.page, given.stage, given.model, given.render_device)
        except InputError as error:
            # Not NOTHING_DONE: the pictures are.
            logger.error("ERROR %s", error)
            paged = False
    if outcome.failures:
        logger.error("pictures that failed: %d", len(outcome.failures))
    if outcome.failures or not paged:
        return SOME_FAILED
    return DOUBTFUL if outcome.doubtful and not given.accept_misfit else DONE


def _view(given: argparse.Namespace) -> int:
    if given.model is None and given.stage is None:
        given.refuse("required: --model, which the page then carries, or --stage")
    from inverse_shading.prediction.view import write_view

    write_view(
        given.records,
        given.output,
        given.stage,
        given.model,
        given.render_device,
        carries_network=given.model is not None,
    )
    return DONE


def _stage(given: argparse.Namespace) -> int:
    # Here, since it takes libraries that --help needn't wait for.
    from inverse_shading.config.own_stage import stage_settings
    from inverse_shading.prediction.own_stage import make_own_stage
    from inverse_shading.runtime.resources import Resources

    stage = {
        name: getattr(given, name)
        for name in ("mesh", "environment")
        if getattr(given, name) is not None
    }
    camera = {
        name: getattr(given, name) for name in CAMERA_OPTIONS if getattr(given, name) is not None
    }
    render = {} if given.frame_size is None else {"frame_size": given.frame_size}
    laid_over = {"stage": stage | ({"camera": camera} if camera else {}), "render": render}
    make_own_stage(
        given.output,
        stage_settings(given.config, laid_over),
        Resources(given.render_device, given.threads),
        given.calibrate,
    )
    return DONE


def _render(given: argparse.Namespace) -> int:
    from inverse_shading.prediction.render_materials import render_materials
    from inverse_shading.runtime.resources import Resources

    render_materials(
        given.materials,
        given.stage,
        given.output,
        given.format,
        Resources(given.render_device, given.threads),
        given.again,
    )
    return DONE


def _export(given: argparse.Namespace) -> int:
    # Here, since MaterialX and SciPy take a second that --help needn't wait.
    from inverse_shading.export.export_materials import export_materials
    from inverse_shading.runtime.resources import Resources

    export_materials(
        given.materials,
        given.to,
        given.stage,
        given.output,
        Resources(given.render_device, given.threads),
        _export_settings(given),
    )
    return DONE


def _export_settings(given: argparse.Namespace) -> dict | None:
    """The section `export` of a configuration; None without one."""
    if given.config is None:
        return None
    from inverse_shading.config.own_stage import stage_settings

    return stage_settings(given.config, {})["export"]


def _summarise(given: argparse.Namespace) -> int:
    # Here, since pandas takes a second that --help needn't wait.
    from inverse_shading.report.comparison_summary import format_summary

    print(format_summary(given.table))
    return DONE


def _record(given: argparse.Namespace) -> int:
    from inverse_shading.report.recording import write_record

    write_record(given.results, given.output, given.config, given.pictures)
    return DONE


def _document(given: argparse.Namespace) -> int:
    from inverse_shading.report.document import write_document

    write_document(given.record, given.output)
    if given.benchmarks:
        from inverse_shading.report.findings import write_benchmarks

        write_benchmarks(given.record / "benchmarks", given.benchmarks)
    return DONE


def _score(given: argparse.Namespace) -> int:
    # Here, since SciPy takes a second that --help needn't wait.
    from inverse_shading.evaluation.score_predictions import score_predictions
    from inverse_shading.report.score_file import format_score, write_score

    score = score_predictions(given.predictions, given.results)
    if given.output is not None:
        write_score(given.output, score)
    print(format_score(score))
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="inverse-shading",
        description="Recover the standard_surface inputs of a rendered object from a picture.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_stage(commands)
    _add_predict(commands)
    _add_view(commands)
    _add_render(commands)
    _add_export(commands)
    _add_summary(commands)
    _add_record(commands)
    _add_document(commands)
    _add_score(commands)
    return parser


def _add_predict(commands: argparse._SubParsersAction) -> None:
    predict = commands.add_parser(
        "predict",
        help="write a material for every picture",
        description="Write a MaterialX material for every picture, as a trained model sees it, or as "
        "rendering finds it.",
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
        help=f"a picture of the stage's object, or a folder of them ({', '.join(SUFFIXES)})",
    )
    add(
        "--model",
        metavar="DIR",
        type=Path,
        help="a trained model, such as results/models/pixel_components; --stage and --refine need none",
    )
    add(
        "--refine",
        action="store_true",
        help="render until the picture is met, from what the model says, or from fixed starts without "
        "one; seconds a picture",
    )
    add(
        "--alternatives",
        metavar="K",
        type=_whole(0, 100),
        default=0,
        help="with --refine: up to so many further materials that look the same, 0 to 100 (default: 0)",
    )
    add(
        "--fit-exposure",
        action="store_true",
        help="with --refine: find exposure and white balance too, three factors of linear light",
    )
    add(
        "--accept-misfit",
        action="store_true",
        help="end with exit code 0 although no material explains some pictures",
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
    add("--layer", metavar="NAME", help="the layer of OpenEXR pictures that shows the object")
    add(
        "--any-silhouette",
        action="store_true",
        help="take pictures too in which the object isn't found where it should be",
    )
    add(
        "--stage",
        metavar="FILE",
        type=Path,
        help="the stage that the pictures show; with --model the one that the model was trained on "
        "(default: stage.safetensors of its results)",
    )
    add(
        "--device",
        choices=["auto", "cpu", "cuda"],
        default="auto",
        help="where the network runs; auto takes a GPU if there is one",
    )
    _add_rendering(predict)
    add("--again", action="store_true", help="do pictures again that are done")
    add(
        "--page",
        metavar="PAGE.html",
        type=_page,
        help="write a page of the pictures too, as view does",
    )
    _add_targets(predict, default=())


def _add_targets(parser: argparse.ArgumentParser, **kwargs) -> None:
    """Options of all that exports."""
    parser.add_argument(
        "--to",
        metavar="TARGETS",
        type=lambda text: list(dict.fromkeys(target.strip() for target in text.split(","))),
        help="other platforms to write materials for: openpbr (.mtlx), gltf (.glb), usd (.usda), with "
        "commas between them",
        **kwargs,
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="a configuration, or a part of one, whose section export says how constants are found",
    )


def _add_view(commands: argparse._SubParsersAction) -> None:
    view = commands.add_parser(
        "view",
        help="write a page of predicted pictures",
        description="Write a page that needs nothing but a browser: predicted pictures beside renders "
        "of their materials, whose inputs can be moved. With --model it also takes further pictures.",
    )
    view.set_defaults(run=_view, refuse=view.error)
    add = view.add_argument
    add(
        "records",
        metavar="NAME.json",
        nargs="*",
        type=Path,
        help="what predict wrote for a picture; none makes a page for further pictures alone",
    )
    add(
        "--stage",
        metavar="FILE",
        type=Path,
        help="that they were predicted on (default: stage.safetensors of the model's results)",
    )
    add(
        "--model",
        metavar="DIR",
        type=Path,
        help="carried by the page, a perceptron on pixels such as results/models/pixel_components",
    )
    add("--output", metavar="PAGE.html", type=_page, required=True, help="the page to write")
    _add_rendering(view)


def _add_stage(commands: argparse._SubParsersAction) -> None:
    stage = commands.add_parser(
        "stage",
        help="make a stage: one object in one light and view",
        description="Make a stage of a mesh, an environment and a camera, with a picture of it and its "
        "settings beside it. Pictures of it need no model: predict PICTURE --stage STAGE --refine.",
    )
    stage.set_defaults(run=_stage)
    add = stage.add_argument
    add("--mesh", metavar="FILE", help="an .obj, .glb or .gltf file (default: the configuration's)")
    add(
        "--environment",
        metavar="FILE",
        help="a latitude-longitude .hdr or .exr file, builtin or daylight (default: the "
        "configuration's)",
    )
    add(
        "--config",
        metavar="FILE",
        type=Path,
        help="a configuration, or a part of one, for all that no option says",
    )
    for name, meaning in CAMERA_OPTIONS.items():
        add(f"--{name.replace('_', '-')}", metavar="NUMBER", type=float, help=meaning)
    add(
        "--frame-size",
        metavar="N",
        type=int,
        help="side of the square frame in pixels (default: the configuration's, 448)",
    )
    add(
        "--calibrate",
        metavar="N",
        type=_whole(2, 100000),
        default=0,
        help="measure on N known materials how wide intervals must be; seconds each",
    )
    add(
        "--output",
        metavar="STAGE",
        type=Path,
        required=True,
        help="NAME.safetensors; NAME.json and NAME.png are put beside it",
    )
    _add_rendering(stage)


def _add_render(commands: argparse._SubParsersAction) -> None:
    render = commands.add_parser(
        "render",
        help="render materials on a stage",
        description="Render materials of the ten inputs as the stage's whole frame.",
    )
    render.set_defaults(run=_render)
    add = render.add_argument
    add("materials", metavar="MATERIAL", nargs="+", type=Path, help="a .mtlx file")
    add("--stage", metavar="FILE", type=Path, required=True, help="the stage to render on")
    add(
        "--output",
        metavar="DIR",
        type=Path,
        default=Path("renders"),
        help="folder to write into; it is made if need be (default: renders)",
    )
    add(
        "--format",
        choices=["png", "exr"],
        default="png",
        help="png of 8 bits, sRGB-encoded, or exr of floats in linear light (default: png)",
    )
    add("--again", action="store_true", help="replace pictures that it wrote before")
    _add_rendering(render)


def _add_rendering(parser: argparse.ArgumentParser) -> None:
    """Options of all that render: where, and what is said."""
    parser.add_argument(
        "--render-device",
        metavar="DEVICE",
        type=_render_device,
        default="auto",
        help="where to render: auto, cpu (Mesa's llvmpipe), or the number of an EGL device",
    )
    parser.add_argument(
        "--threads",
        metavar="N",
        type=_whole(1, 1024),
        default=len(os.sched_getaffinity(0)),
        help="of rendering on the CPU; results don't depend on them (default: one a core)",
    )
    parser.add_argument("--quiet", action="store_true", help="say only what went wrong")


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
    _add_targets(export, required=True)
    add("--stage", metavar="FILE", type=Path, required=True, help="the stage to compare on")
    add(
        "--output",
        metavar="DIR",
        type=Path,
        default=Path("exports"),
        help="folder to write into; it is made if need be (default: exports)",
    )
    _add_rendering(export)


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


def _add_record(commands: argparse._SubParsersAction) -> None:
    record = commands.add_parser(
        "record",
        help="keep the few numbers of a run that docs/results.md is written from",
        description="Write the record of a run: tables, times of all stages and the machine, as small "
        "text files. Run it on the machine that made the results.",
    )
    record.set_defaults(run=_record, quiet=False)
    add = record.add_argument
    add("results", metavar="RESULTS", type=Path, help="the folder results of a workflow")
    add("--output", metavar="DIR", type=Path, required=True, help="folder of the record")
    add("--config", metavar="FILE", type=Path, help="what was laid over config.yaml, to quote it")
    add(
        "--pictures", metavar="DIR", type=Path, help="folder for figures (default: none are copied)"
    )


def _add_document(commands: argparse._SubParsersAction) -> None:
    document = commands.add_parser(
        "document",
        help="write docs/results.md from the record of a run",
        description="Write the results of a run as a document, from its record.",
    )
    document.set_defaults(run=_document, quiet=False)
    document.add_argument("record", metavar="RECORD", type=Path, help="folder of the record")
    document.add_argument(
        "--output", metavar="FILE", type=Path, required=True, help="such as docs/results.md"
    )
    document.add_argument(
        "--benchmarks",
        metavar="FILE",
        type=Path,
        help="such as docs/benchmarks.md, from what RECORD/benchmarks keeps (default: not written)",
    )


def _add_score(commands: argparse._SubParsersAction) -> None:
    score = commands.add_parser(
        "score",
        help="score predictions of your own on the test images",
        description="Score predictions of your own on the test images of a results folder: errors with "
        "intervals, multiples of the floor and of ridge, a paired test against the best model.",
    )
    score.set_defaults(run=_score, quiet=False)
    score.add_argument(
        "predictions",
        metavar="PREDICTIONS",
        type=Path,
        help="CSV with the columns of results/parameters/RANGE.csv, a row for every test image",
    )
    score.add_argument(
        "--results", metavar="DIR", type=Path, required=True, help="results folder of a whole run"
    )
    score.add_argument("--output", metavar="FILE", type=Path, help="JSON to write the score into")


def _whole(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers within limits."""

    def read(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"found {text!r}, expected {low} to {high}")
        return int(text)

    return read


def _page(text: str) -> Path:
    # Neither a picture nor a record is written over by mistake.
    if not text.lower().endswith(".html"):
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a name that ends in .html")
    return Path(text)


def _render_device(text: str) -> str | int:
    if text in ("auto", "cpu"):
        return text
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"found {text!r}, expected auto, cpu or a number")
    return int(text)
