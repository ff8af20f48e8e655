"""A renderer and perhaps a network in one process: from one picture to its material, again and again.

The network's modules are imported where there is one, since PyTorch takes seconds to load.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import MaterialX as mx
import numpy as np

from inverse_shading import __version__
from inverse_shading.inversion.calibration import Calibration
from inverse_shading.inversion.refiner import Estimate, Refiner
from inverse_shading.material.document import standard_library
from inverse_shading.material.observable import guessed_materials
from inverse_shading.material.parameters import DECIMALS
from inverse_shading.pictures.framed_picture import FramedPicture
from inverse_shading.pictures.placement import frame_picture
from inverse_shading.pictures.settings import Placement
from inverse_shading.prediction.model_card import ModelCard
from inverse_shading.prediction.model_files import ModelFiles
from inverse_shading.prediction.output_files import Prediction
from inverse_shading.prediction.stage_card import StageCard
from inverse_shading.runtime.resources import Resources
from inverse_shading.runtime.shipped import shipped_values
from inverse_shading.runtime.triton import load_triton
from inverse_shading.scene.stage_file import read_stage


@dataclass(frozen=True)
class Model:
    """A trained model: its card, and where its files lie."""

    card: ModelCard
    files: ModelFiles


@dataclass(frozen=True)
class OwnStage:
    """A stage without a model: the file, and how its pictures are framed and refined."""

    card: StageCard
    path: Path


@dataclass(frozen=True)
class Options:
    """What the materials of a picture depend on beside it and the model.

    Attributes:
        refine: whether the network's guess is corrected by rendering.
        alternatives: how many further materials are wanted, which takes `refine`.
        encoding: of the pictures' values: auto, srgb or linear.
        any_silhouette: whether pictures are taken that don't show the object where it should be.
        layer: of OpenEXR pictures, see `exr_file.read_exr`.
        fit_exposure: whether exposure and white balance are fitted along.
        placement: the config's section `predictions.placement`.
    """

    refine: bool = True
    alternatives: int = 0
    encoding: str = "auto"
    any_silhouette: bool = False
    layer: str | None = None
    fit_exposure: bool = False
    placement: Mapping = dataclasses.field(default_factory=lambda: shipped_values(Placement))


class PredictionSession:
    """A renderer, and a network where there is a model, ready for one picture after the other.

    Args:
        source: a model, or a stage without one.
        device: of the network: auto, cpu or cuda.
        rendering: where to render; no number depends on the threads.

    Attributes:
        library: of MaterialX, see `document.make_material`.
        origin: what makes the materials, by name.
        calibrated: whether the intervals were held against known materials.

    Raises:
        InputError: a file is damaged, or there is no such device.
    """

    def __init__(
        self,
        source: Model | OwnStage,
        options: Options,
        device: str,
        rendering: Resources,
    ):
        self._options = options
        card, calibration = source.card, _calibration(source)
        self._framing, self._interval = card.framing.model_dump(), card.refinement.interval
        self.calibrated = calibration.images > 0 or not options.refine
        path = source.files.stage if isinstance(source, Model) else source.path
        self._stage = read_stage(path)
        self._predictor = None
        if isinstance(source, Model):
            self._load_network(source, device)
        self._refiner = Refiner(
            path,
            self._framing,
            card.refinement.model_dump(),
            calibration,
            rendering.device,
            rendering.threads,
        )
        self.library = standard_library()
        self.origin = _origin(source, self._refiner.driver)

    def _load_network(self, model: Model, device: str) -> None:
        load_triton()
        from inverse_shading.prediction.trained_model import Predictor, validation_intervals

        self._predictor = Predictor(model.files, model.card, device, model.card.threads)
        self._widening = validation_intervals(
            model.files.predictions, self._interval, self._predictor.has_intervals
        )

    @property
    def batch_size(self) -> int:
        """How many pictures to answer at a time."""
        return 1 if self._predictor is None else self._predictor.batch_size

    def frame(self, path: Path) -> FramedPicture:
        """Read one picture.

        Raises:
            InputError: it can't be used.
        """
        return frame_picture(
            path,
            self._stage,
            self._framing,
            self._options.encoding,
            self._options.any_silhouette,
            self._options.layer,
            self._options.placement,
        )

    def answer(self, pictures: Sequence[FramedPicture]) -> np.ndarray | list[None]:
        """What the network says of some pictures, float64 (n, 3, 10), see `Predictor.answer`.

        Nothing without a network.
        """
        if self._predictor is None:
            return [None] * len(pictures)
        return self._predictor.answer(np.stack([picture.image for picture in pictures]))

    def predict(self, picture: FramedPicture, answer: np.ndarray | None) -> Prediction:
        """Find the material of one picture.

        Args:
            answer: (3, 10) what the network says of it.

        Raises:
            InputError: the driver failed.
        """
        # Here, since its libraries take long to load and are wanted last.
        from inverse_shading.evaluation.image_difference import compare_images

        estimate = _round(self._estimate(picture, answer))
        render = self._refiner.render(estimate.material, estimate.gains)
        return Prediction(
            picture,
            estimate,
            render,
            compare_images(picture.image, render, picture.weights > 0),
            self._options.refine,
            self._interval,
            self.calibrated,
        )

    def _estimate(self, picture: FramedPicture, answer: np.ndarray | None) -> Estimate:
        guess = None if answer is None else guessed_materials(answer[:1])[0]
        if self._options.refine:
            return self._refiner.refine(
                picture, guess, self._options.alternatives, self._options.fit_exposure
            )
        value = answer[0]
        low = np.clip(np.minimum(answer[1] - self._widening, value), 0, 1)
        high = np.clip(np.maximum(answer[2] + self._widening, value), 0, 1)
        return self._refiner.assess(picture, guess, value, low, high)

    def __enter__(self) -> "PredictionSession":
        self._refiner.__enter__()
        return self

    def __exit__(self, *error) -> None:
        self._refiner.__exit__(*error)


def _round(estimate: Estimate) -> Estimate:
    """The materials as the files hold them, so that what is written is what is rendered."""
    return dataclasses.replace(
        estimate,
        material=estimate.material.round(DECIMALS),
        alternatives=[values.round(DECIMALS) for values in estimate.alternatives],
    )


def _calibration(source: Model | OwnStage) -> Calibration:
    if isinstance(source, Model):
        return source.card.calibration.calibration()
    return source.card.measured


def _origin(source: Model | OwnStage, driver: str) -> dict[str, str]:
    if isinstance(source, Model):
        card = source.card
        made_with = {
            "model": card.model,
            "model_sha256": card.checksums.weights,
            "stage_sha256": card.checksums.stage,
        }
    else:
        made_with = {"stage_sha256": source.card.stage}
    renderer = f"MaterialX {mx.getVersionString()}, {driver}"
    return {"version": __version__, **made_with, "renderer": renderer}
