"""What is written for one picture: its material, a report of it, and a picture to compare by eye."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import MaterialX as mx
import numpy as np

from inverse_shading.evaluation.image_difference import ImageDifference
from inverse_shading.inversion.reasons import EXPLANATIONS
from inverse_shading.inversion.refiner import Estimate
from inverse_shading.material.parameters import DECIMALS, PARAMETERS
from inverse_shading.pictures.framed_picture import FramedPicture
from inverse_shading.prediction.material_file import write_material_file
from inverse_shading.prediction.picture_beside_render import draw_prediction
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import write_text


@dataclass(frozen=True)
class OutputFiles:
    """Where the outputs of one picture lie.

    Attributes:
        material: NAME.mtlx.
        alternatives: NAME_alternative_1.mtlx and so on, as many as are wanted; a picture that leaves
            room for fewer has fewer.
        picture: NAME.png.
        report: NAME.json, written last: where it lies, all do.
    """

    material: Path
    alternatives: tuple[Path, ...]
    picture: Path
    report: Path

    @classmethod
    def of(cls, picture: Path, folder: Path, alternatives: int) -> "OutputFiles":
        """Those of a picture's name, without its suffix, in a folder."""
        name = picture.stem
        return cls(
            folder / f"{name}.mtlx",
            tuple(folder / f"{name}_alternative_{i}.mtlx" for i in range(1, alternatives + 1)),
            folder / f"{name}.png",
            folder / f"{name}.json",
        )

    @property
    def every(self) -> tuple[Path, ...]:
        """All that may be written, in that order."""
        return (self.material, *self.alternatives, self.picture, self.report)

    def are_done(self, identity: Mapping) -> bool:
        """Whether all are there, and made of what this identity says."""
        try:
            report = json.loads(self.report.read_text(encoding="utf-8"))
            found = self.alternatives[: len(report["alternatives"])]
            same = report["identity"] == identity
        except (OSError, ValueError, LookupError, TypeError):
            return False
        return same and all(path.is_file() for path in (self.material, *found, self.picture))

    def remove_former(self) -> None:
        """Remove what an earlier run left and this one may not write again.

        The report first, which would vouch for files that are made anew; then all alternatives.

        Raises:
            InputError: a file can't be removed.
        """
        prefix = f"{self.material.stem}_alternative_"
        former = [
            path
            for path in self.material.parent.glob("*.mtlx")
            if path.stem.startswith(prefix) and path.stem.removeprefix(prefix).isdecimal()
        ]
        for path in (self.report, *former):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise InputError(f"{path}: can't be written anew ({error.strerror}).") from error


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
    """

    picture: FramedPicture
    estimate: Estimate
    render: np.ndarray
    difference: ImageDifference
    refined: bool
    level: float


def write_prediction(
    files: OutputFiles,
    prediction: Prediction,
    identity: Mapping,
    origin: Mapping[str, str],
    library: mx.Document,
) -> None:
    """Write all files of one picture.

    Args:
        files: where.
        identity: what they depend on, as `OutputFiles.are_done` compares it.
        origin: who made them of what, by name: attributes of the materials and part of the report.
        library: of MaterialX, see `document.make_material`.

    Raises:
        InputError: a file can't be written.
    """
    files.remove_former()
    estimate = prediction.estimate
    write_material_file(files.material, estimate.material, origin, library)
    for number, values in enumerate(estimate.alternatives, start=1):
        path = files.alternatives[number - 1]
        write_material_file(path, values, {**origin, "alternative": str(number)}, library)
    draw_prediction(
        files.picture,
        prediction.picture.image,
        prediction.render,
        prediction.difference,
        [name for name in PARAMETERS if estimate.reasons[name] is not None],
    )
    report = _report(prediction) | {"made_by": dict(origin), "identity": dict(identity)}
    write_text(files.report, json.dumps(report, indent=2, allow_nan=False) + "\n")


def _report(prediction: Prediction) -> dict:
    picture, estimate = prediction.picture, prediction.estimate
    return {
        "parameters": {
            name: {
                "value": float(estimate.material[i]),
                "expected": _rounded(estimate.expected[i]),
                "low": _rounded(estimate.low[i]),
                "high": _rounded(estimate.high[i]),
                "determined": estimate.reasons[name] is None,
                "reason": estimate.reasons[name],
                "explanation": EXPLANATIONS[estimate.reasons[name]],
            }
            for i, name in enumerate(PARAMETERS)
        },
        "interval": prediction.level,
        "difference": {
            name: _rounded(value) for name, value in asdict(prediction.difference).items()
        },
        "refinement": {
            "refined": prediction.refined,
            "converged": bool(estimate.converged),
            "rms": _rounded(estimate.rms),
            "guess_rms": _rounded(estimate.guess_rms),
            "renders": _rounded(estimate.renders),
            "starts": int(estimate.starts),
        },
        "alternatives": [
            {name: float(values[i]) for i, name in enumerate(PARAMETERS)}
            for values in estimate.alternatives
        ],
        "picture": {
            "encoding": picture.encoding,
            "placement": picture.placement,
            "silhouette": _rounded(picture.silhouette),
        },
    }


def _rounded(value: float) -> float:
    return round(float(value), DECIMALS)
