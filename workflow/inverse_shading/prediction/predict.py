"""From pictures to materials: by a network's guess, by rendering, or by both."""

import dataclasses
import hashlib
import itertools
import logging
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from inverse_shading import __version__
from inverse_shading.export.file_names import check_targets
from inverse_shading.export.settings import Exports
from inverse_shading.pictures.folder import find_pictures
from inverse_shading.pictures.framed_picture import FramedPicture
from inverse_shading.prediction.exports import PictureExporter
from inverse_shading.prediction.model_card import CARD, read_model_card
from inverse_shading.prediction.model_files import locate_files
from inverse_shading.prediction.output_files import MISPLACED, OutputFiles, write_prediction
from inverse_shading.prediction.session import Model, Options, OwnStage, PredictionSession
from inverse_shading.prediction.stage_card import card_path, read_stage_card
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import read_seal, seal_path
from inverse_shading.runtime.given_files import regular_file
from inverse_shading.runtime.jobs import logger, progress
from inverse_shading.runtime.output_folder import make_folder
from inverse_shading.runtime.resources import Resources
from inverse_shading.runtime.shipped import shipped_values
from inverse_shading.scene.given_stage import read_given_stage

UNCALIBRATED = (
    "the intervals aren't calibrated: they may be too narrow. "
    "`inverse-shading stage … --calibrate 100` measures by how much"
)


@dataclass
class Outcome:
    """What became of pictures.

    Attributes:
        failures: one error for every picture that nothing was written for; they are logged already.
        doubtful: pictures that were taken although they don't show the object, see
            `Options.any_silhouette`, or which no material explains, or were so in a former run; they
            have their files, which may mean nothing.
        records: NAME.json of all pictures that are done, in the order of the pictures.
    """

    failures: list[InputError] = field(default_factory=list)
    doubtful: list[Path] = field(default_factory=list)
    records: list[Path] = field(default_factory=list)


def predict_pictures(
    paths: Sequence[str | Path],
    model: str | Path | None,
    output: str | Path,
    options: Options,
    stage: str | Path | None = None,
    settings: Mapping | None = None,
    device: str = "auto",
    rendering: Resources = Resources("auto", 1),  # noqa: B008
    again: bool = False,
    exports: Sequence[str] = (),
    export_settings: Mapping | None = None,
) -> Outcome:
    """Predict the material of every picture and write it.

    A picture whose outputs are there, made by this version of the same bytes with the same model and
    options, is passed over. What is written for a picture doesn't depend on the others.

    Args:
        paths: pictures, and folders of them.
        model: folder of the model, results/models/MODEL; None for refinement from fixed starts.
        output: folder to write into, see `output_files.OutputFiles`.
        stage: instead of the one in the model's results folder; it must be the same. Without a model
            the stage of the pictures.
        settings: without a model, the configuration's framing and refinement in place of those beside
            the stage.
        device: of the network: auto, cpu or cuda.
        rendering: where to render; nothing that is written depends on the threads.
        again: pass over no picture.
        exports: other platforms that each material is written for, see `file_names.check_targets`.
        export_settings: how their constants are found, see `export.settings.Exports`; None for the
            shipped settings.

    Raises:
        InputError: nothing was tried: two pictures of one name, outputs in the place of files that
            are read, a model that can't be used, an unknown target, glTF of a stage without a mesh,
            nothing to render with, or an output folder that can't be written to.
    """
    output = Path(output)
    if exports:
        check_targets(exports)
    outputs = {
        picture: OutputFiles.of(picture, output, options.alternatives, exports)
        for picture in find_pictures(paths)
    }
    source, sealed, identity = _source(model, stage, options, settings)
    _check_outputs(outputs, sealed)
    exporter = None
    if exports:
        shown = source.files.stage if isinstance(source, Model) else source.path
        export_settings = dict(export_settings or shipped_values(Exports))
        exporter = PictureExporter(exports, shown, rendering, export_settings)
        identity["exports"] = {"to": list(exports), "settings": export_settings}
    make_folder(output)
    common = {**identity, "version": __version__, "options": dataclasses.asdict(options)}
    outcome = Outcome()
    waiting, done = _sorted_out(outputs, common, again, outcome.failures)
    if done:
        logger.info("%d of %d pictures are done already", len(done), len(outputs))
    for picture in filter(done.__contains__, outputs):
        if outputs[picture].are_misplaced():
            _note_misplaced(outcome, picture)
        elif outputs[picture].are_misfit():
            logger.warning("%s: no material explains it, as was found before", picture)
            outcome.doubtful.append(picture)
    if waiting:
        with (
            PredictionSession(source, options, device, rendering) as session,
            exporter or nullcontext(),
        ):
            done |= _predict(session, exporter, waiting, outputs, outcome)
    outcome.records += [own.report for picture, own in outputs.items() if picture in done]
    return outcome


def _predict(
    session: PredictionSession,
    exporter: PictureExporter | None,
    waiting: Mapping[Path, dict],
    outputs: Mapping[Path, OutputFiles],
    outcome: Outcome,
) -> set[Path]:
    """Predict pictures and write what is found; those that are done. All else is noted."""
    if not session.calibrated:
        logger.info("%s", UNCALIBRATED)
    done = set()
    framed = _framed(session, waiting, outcome.failures)
    for picture, image, answer in _answered(session, framed):
        own = outputs[picture]
        try:
            prediction = session.predict(image, answer)
            origin = session.origin | {
                "picture": picture.name,
                "picture_sha256": waiting[picture]["picture"],
            }
            exported = exporter and exporter.files(own.material, prediction, origin)
            write_prediction(own, prediction, waiting[picture], origin, session.library, exported)
        except InputError as error:
            _note(outcome.failures, picture, error)
            continue
        done.add(picture)
        fit = prediction.estimate.fit
        if image.placement == MISPLACED:
            _note_misplaced(outcome, picture)
        elif fit is not None and not fit.explained:
            outcome.doubtful.append(picture)
        if fit is not None:
            level = logging.INFO if fit.explained else logging.WARNING
            logger.log(level, "%s: %s", picture.name, fit.sentence)
        logger.info(
            "%s: RMS %.2f levels of 255%s → %s",
            picture.name,
            prediction.difference.rms,
            ", not converged" if prediction.refined and not prediction.estimate.converged else "",
            own.material,
        )
    return done


def _source(
    model: str | Path | None,
    stage: str | Path | None,
    options: Options,
    settings: Mapping | None,
) -> tuple[Model | OwnStage, list[Path], dict]:
    """What finds the materials, the files of it, and what tells it from any other."""
    if model is not None:
        card = read_model_card(model)
        files = locate_files(model, card, stage)
        sealed = [Path(model) / CARD, *filter(None, vars(files).values())]
        return Model(card, files), sealed, {"card": read_seal(Path(model) / CARD)}
    if stage is None:
        raise InputError(
            "predict: found neither a model nor a stage, expected one. Give --model, or --stage and "
            "--refine."
        )
    if not options.refine:
        raise InputError(
            "predict: found a stage without --refine, expected a model or refinement. Give --refine, "
            "which needs no model, or --model."
        )
    read_given_stage(stage)
    card = read_stage_card(stage, settings)
    sealed = [Path(stage)]
    if card_path(stage).exists():
        sealed.append(card_path(stage))
    return OwnStage(card, Path(stage)), sealed, {"stage": card.model_dump()}


def _sorted_out(
    outputs: Mapping[Path, OutputFiles], common: Mapping, again: bool, failures: list[InputError]
) -> tuple[dict[Path, dict], set[Path]]:
    """Pictures to do, with what their outputs depend on, and those that are done; others are noted."""
    waiting, done = {}, set()
    for picture, own in outputs.items():
        try:
            identity = {"picture": _sha256(picture), **common}
            if not again and own.are_done(identity):
                done.add(picture)
                continue
            own.check_owned()
            waiting[picture] = identity
        except InputError as error:
            _note(failures, picture, error)
    return waiting, done


def _framed(
    session: PredictionSession, pictures: Collection[Path], failures: list[InputError]
) -> Iterator[tuple[Path, FramedPicture]]:
    """Read pictures one after the other, with progress; those that can't be used are noted."""
    for picture in progress(pictures, len(pictures), "picture"):
        try:
            framed = session.frame(picture)
        except InputError as error:
            _note(failures, picture, error)
            continue
        yield picture, framed


def _answered(
    session: PredictionSession, framed: Iterator[tuple[Path, FramedPicture]]
) -> Iterator[tuple[Path, FramedPicture, np.ndarray | None]]:
    """Let the network answer, a batch at a time; without one there is no answer."""
    while batch := list(itertools.islice(framed, session.batch_size)):
        answers = session.answer([image for _, image in batch])
        for (picture, image), answer in zip(batch, answers, strict=True):
            yield picture, image, answer


def _check_outputs(outputs: Mapping[Path, OutputFiles], sealed: Sequence[Path]) -> None:
    """Refuse pictures whose outputs would be one file, or a file that is to be read.

    Args:
        sealed: files of the model or stage, which lie beside their checksums.

    Raises:
        InputError: naming both.
    """
    read = {file: "a picture" for picture in outputs for file in _files(picture)}
    for path in (*sealed, *map(seal_path, sealed)):
        read |= dict.fromkeys(_files(path), "a file of the model or stage")
    writers: dict[Path, Path] = {}
    for picture, files in outputs.items():
        for path in files.every:
            if path in writers:
                raise InputError(
                    f"{picture}: found another picture whose material would be {path}, "
                    f"{writers[path]}. Rename one, or give them one at a time with another --output."
                )
            for file in _files(path) & read.keys():
                raise InputError(
                    f"{picture}: its output {path} would take the place of {read[file]} that is to be "
                    "read. Give another folder as --output."
                )
            writers[path] = picture


def _files(path: Path) -> set[tuple[int, int]]:
    """What a path names, by device and number: a file, and the link to it where there is one.

    The same file under another path is found too, through links, `..`, and on file systems that don't
    tell upper case from lower.
    """
    found = set()
    for look in (os.stat, os.lstat):
        with suppress(OSError):
            entry = look(path)
            found.add((entry.st_dev, entry.st_ino))
    return found


def _sha256(path: Path) -> str:
    regular_file(path, "a picture")
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}). Check the path.") from error


def _note_misplaced(outcome: Outcome, picture: Path) -> None:
    logger.warning("%s: the object wasn't found in it; its material may mean nothing", picture)
    outcome.doubtful.append(picture)


def _note(failures: list[InputError], picture: Path, error: InputError) -> None:
    """Log and keep an error, with the picture's name in it."""
    if str(picture) not in str(error):
        error = InputError(f"{picture}: {error}")
    logger.error("ERROR %s", error)
    failures.append(error)
