"""What is written for one picture: its material, a report of it, and a picture to compare by eye."""

import base64
import io
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import MaterialX as mx
import numpy as np
from PIL import Image

from inverse_shading.export.file_names import ENDINGS, endings
from inverse_shading.inversion.misfit import EXPLAINED
from inverse_shading.inversion.reasons import EXPLANATIONS, MISFIT_REASON, UNSURE
from inverse_shading.inversion.refiner import Estimate
from inverse_shading.material.parameters import DECIMALS, PARAMETERS
from inverse_shading.pictures.framed_picture import FramedPicture
from inverse_shading.prediction.material_file import material_text
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import atomic_path

if TYPE_CHECKING:
    from inverse_shading.evaluation.image_difference import ImageDifference

# The placement of a picture that was taken although it doesn't show the object.
MISPLACED = "given"

# Bytes; a report of a hundred alternatives takes a hundredth of them.
LARGEST_REPORT = 2**24


@dataclass(frozen=True)
class OutputFiles:
    """Where the outputs of one picture lie.

    Attributes:
        material: NAME.mtlx.
        alternatives: NAME_alternative_1.mtlx and so on, as many as are wanted; a picture that leaves
            room for fewer has fewer.
        picture: NAME.png.
        exported: files of other platforms and their certificate, as many as are wanted.
        report: NAME.json. It names the others: what it doesn't name is somebody else's, and is
            neither overwritten nor removed.
    """

    material: Path
    alternatives: tuple[Path, ...]
    picture: Path
    report: Path
    exported: tuple[Path, ...] = ()

    @classmethod
    def of(
        cls, picture: Path, folder: Path, alternatives: int, targets: Sequence[str] = ()
    ) -> "OutputFiles":
        """Those of a picture's name, without its suffix, in a folder.

        Args:
            targets: platforms that the material is exported to.
        """
        name = picture.stem
        return cls(
            folder / f"{name}.mtlx",
            tuple(folder / f"{name}_alternative_{i}.mtlx" for i in range(1, alternatives + 1)),
            folder / f"{name}.png",
            folder / f"{name}.json",
            tuple(folder / f"{name}{ending}" for ending in endings(targets)),
        )

    @property
    def every(self) -> tuple[Path, ...]:
        """All that may be written, in that order."""
        return (self.material, *self.alternatives, *self.exported, self.picture, self.report)

    def are_done(self, identity: Mapping) -> bool:
        """Whether all are there, and made of what this identity says."""
        report = self._report() or {}
        named = {self.material, self.picture, *self._named(report)}
        return report.get("identity") == identity and all(map(os.path.isfile, named))

    def are_misplaced(self) -> bool:
        """Whether the report says that the object wasn't found in the picture."""
        picture = (self._report() or {}).get("picture")
        return isinstance(picture, dict) and picture.get("placement") == MISPLACED

    def are_misfit(self) -> bool:
        """Whether the report says that the material doesn't explain the picture."""
        fit = (self._report() or {}).get("fit")
        return isinstance(fit, dict) and fit.get("verdict") != EXPLAINED

    def check_owned(self) -> None:
        """Check that nothing would be overwritten but what a former run wrote for this picture.

        Raises:
            InputError: there is a file that no report of this picture names, or a name is longer
                than the file system allows.
        """
        longest = os.pathconf(self.report.parent, "PC_NAME_MAX")
        for path in self.every:
            size = len(os.fsencode(path.name))
            if size > longest:
                raise InputError(
                    f"{path}: found a name of {size} bytes, expected at most {longest}. Give the "
                    "picture a shorter name."
                )
        # Looked for before the report is read: another process may be putting them there, report first.
        there = [path for path in self.every if os.path.lexists(path)]
        report = self._report()
        own = {self.report, *self._named(report)} if report else set()
        for path in there:
            if path not in own:
                raise InputError(
                    f"{path}: found a file that no record of this picture names, so it isn't "
                    "overwritten. Move or delete it, or give another folder as --output."
                )

    def publish(self, contents: Mapping[Path, bytes], report: Mapping, identity: Mapping) -> None:
        """Put all files of the picture in place, once all are written under temporary names.

        At any moment a report names all of them. While they are changed it is one without an
        identity, so that a killed run is noticed and its files are known for the picture's own.

        Args:
            contents: of each file but the report.
            report: what it says beside the identity and the files' names.
            identity: what they depend on, as `are_done` compares it.

        Raises:
            InputError: a file can't be written or removed, or isn't the picture's own.
        """
        self.check_owned()
        left = [path for path in self._named(self._report() or {}) if path not in contents]
        names = [path.name for path in contents]
        every = names + [path.name for path in left]
        whole = _json({**report, "files": names, "identity": identity})
        unfinished = _json({"made_by": report["made_by"], "files": every, "identity": None})
        # What is entered last is put in place first.
        with ExitStack() as stack:
            for path, content in {self.report: whole, **contents}.items():
                _write(stack.enter_context(atomic_path(path)), content)
            for path in left:
                stack.enter_context(_removing(path))
            _write(stack.enter_context(atomic_path(self.report)), unfinished)

    def _report(self) -> dict | None:
        """What the report says that is there; None for another file, or none."""
        try:
            # Neither a pipe nor a device, nor a large file of somebody else.
            if not self.report.is_file() or self.report.stat().st_size > LARGEST_REPORT:
                return None
            report = json.loads(self.report.read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        ours = isinstance(report, dict) and isinstance(report.get("made_by"), dict)
        return report if ours and "identity" in report else None

    def _named(self, report: Mapping) -> list[Path]:
        """The files that a report names, as far as they can be this picture's."""
        names, alternatives = report.get("files"), report.get("alternatives")
        if names is None and isinstance(alternatives, list):
            # Earlier versions list the alternatives and name no files.
            found = OutputFiles.of(self.material, self.material.parent, len(alternatives))
            names = [path.name for path in found.every if path != found.report]
        name = re.escape(self.material.stem)
        exported = "|".join(map(re.escape, endings(ENDINGS)))
        own = re.compile(rf"{name}(\.png|\.mtlx|_alternative_[1-9][0-9]*\.mtlx|{exported})")
        return [
            self.report.with_name(file)
            for file in (names if isinstance(names, list) else [])
            if isinstance(file, str) and own.fullmatch(file)
        ]


def _json(content: Mapping) -> bytes:
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    """Write a file down to the disk, which some file systems find to be full only then."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _removing(path: Path) -> Iterator[None]:
    """Remove a file when the block ends well."""
    yield
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path}: can't be removed ({error.strerror}).") from error


@dataclass(frozen=True)
class Prediction:
    """What was found for one picture.

    Attributes:
        picture: as it was compared.
        estimate: its materials of at most `parameters.DECIMALS` decimals.
        render: of the estimate's material, framed, uint8 (size, size, 3).
        difference: of the render from the picture, over the pixels that count.
        refined: whether the network's guess was corrected by rendering.
        level: share of truths that the intervals are to hold.
        calibrated: whether the intervals were held against known materials.
    """

    picture: FramedPicture
    estimate: Estimate
    render: np.ndarray
    difference: "ImageDifference"
    refined: bool
    level: float
    calibrated: bool

    @property
    def reasons(self) -> dict[str, str | None]:
        """As the estimate's, by parameter; what doesn't explain the picture determines nothing."""
        fit = self.estimate.fit
        if self.refined and not (self.estimate.converged and (fit is None or fit.explained)):
            return dict.fromkeys(PARAMETERS, MISFIT_REASON)
        return self.estimate.reasons

    @property
    def intervals(self) -> str:
        """What the intervals are, in words."""
        return f"{100 * self.level:g} %, {'calibrated' if self.calibrated else 'not calibrated'}"


def write_prediction(
    files: OutputFiles,
    prediction: Prediction,
    identity: Mapping,
    origin: Mapping[str, str],
    library: mx.Document,
    exported: Mapping[str, bytes] | None = None,
) -> None:
    """Write all files of one picture.

    Args:
        files: where.
        identity: what they depend on, as `OutputFiles.are_done` compares it.
        origin: who made them of what, by name: attributes of the materials and part of the report.
        library: of MaterialX, see `document.make_material`.
        exported: contents of files of other platforms, by name.

    Raises:
        InputError: a file can't be written, or isn't the picture's own.
    """
    # Here, since Matplotlib takes long to load and is wanted last.
    from inverse_shading.prediction.picture_beside_render import draw_prediction

    estimate = prediction.estimate
    origin = {**origin, "intervals": prediction.intervals}
    if estimate.fit is not None:
        origin["fit"] = estimate.fit.sentence
    contents = {files.material: material_text(estimate.material, origin, library)}
    for number, values in enumerate(estimate.alternatives, start=1):
        numbered = {**origin, "alternative": str(number)}
        contents[files.alternatives[number - 1]] = material_text(values, numbered, library)
    contents = {path: text.encode() for path, text in contents.items()}
    contents |= {files.report.with_name(name): file for name, file in (exported or {}).items()}
    contents[files.picture] = draw_prediction(
        prediction.picture.image,
        prediction.render,
        prediction.difference,
        [name for name in PARAMETERS if prediction.reasons[name] is not None],
        prediction.intervals,
        None if estimate.fit is None else estimate.fit.sentence,
    )
    files.publish(contents, _report(prediction) | {"made_by": dict(origin)}, identity)


def _report(prediction: Prediction) -> dict:
    picture, estimate = prediction.picture, prediction.estimate
    return {
        "parameters": {
            name: {
                "value": float(estimate.material[i]),
                "expected": _rounded(estimate.expected[i]),
                "low": _rounded(estimate.low[i]),
                "high": _rounded(estimate.high[i]),
                "determined": prediction.reasons[name] is None,
                "reason": prediction.reasons[name],
                "explanation": _explanation(prediction.reasons[name], prediction.calibrated),
            }
            for i, name in enumerate(PARAMETERS)
        },
        "interval": prediction.level,
        "calibrated": prediction.calibrated,
        "difference": {
            name: _rounded(value) for name, value in asdict(prediction.difference).items()
        },
        "refinement": {
            "refined": prediction.refined,
            "converged": bool(estimate.converged),
            "rms": _rounded(estimate.rms),
            "guess_rms": None if estimate.guess_rms is None else _rounded(estimate.guess_rms),
            "renders": _rounded(estimate.renders),
            "starts": int(estimate.starts),
        },
        "fit": _fit(estimate),
        "alternatives": [
            {name: float(values[i]) for i, name in enumerate(PARAMETERS)}
            for values in estimate.alternatives
        ],
        "picture": {
            "encoding": picture.encoding,
            "placement": picture.placement,
            "silhouette": _rounded(picture.silhouette),
            # For a page, which has to show it long after the file has gone.
            "framed": base64.b64encode(_png(picture.image)).decode(),
        },
    }


def _fit(estimate: Estimate) -> dict | None:
    fit, gains = estimate.fit, estimate.gains
    if fit is None:
        return None
    return {
        "verdict": fit.verdict,
        "p_value": fit.p_value,
        "calibrated": fit.calibrated,
        "reasons": list(fit.reasons),
        "explanation": fit.sentence,
        "file": fit.file,
        "left": _rounded(fit.left),
        "expected": _rounded(fit.expected),
        "gains": None if gains is None else [_rounded(gain) for gain in gains],
    }


def _explanation(reason: str | None, calibrated: bool) -> str:
    return UNSURE if reason is None and not calibrated else EXPLANATIONS[reason]


def _png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", optimize=True)
    return file.getvalue()


def _rounded(value: float) -> float:
    return round(float(value), DECIMALS)
