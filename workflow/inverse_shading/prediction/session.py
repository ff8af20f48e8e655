"""A network and a renderer in one process: from one picture to its material, again and again."""

import dataclasses
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import MaterialX as mx
import numpy as np

from inverse_shading import __version__
from inverse_shading.evaluation.image_difference import compare_images
from inverse_shading.inversion.refiner import Estimate, Refiner
from inverse_shading.material.document import standard_library
from inverse_shading.material.observable import guessed_materials
from inverse_shading.material.parameters import DECIMALS
from inverse_shading.pictures.framed_picture import FramedPicture
from inverse_shading.pictures.placement import frame_picture
from inverse_shading.prediction.model_card import ModelCard
from inverse_shading.prediction.model_files import ModelFiles
from inverse_shading.prediction.output_files import Prediction
from inverse_shading.prediction.trained_model import Predictor, validation_intervals
from inverse_shading.runtime.resources import Resources
from inverse_shading.scene.stage_file import read_stage


@dataclass(frozen=True)
class Options:
    """What the materials of a picture depend on beside it and the model.

    Attributes:
        refine: whether the network's guess is corrected by rendering.
        alternatives: how many further materials are wanted, which takes `refine`.
        encoding: of the pictures' values: auto, srgb or linear.
        any_silhouette: whether pictures are taken that don't show the object where it should be.
    """

    refine: bool = True
    alternatives: int = 0
    encoding: str = "auto"
    any_silhouette: bool = False


class PredictionSession:
    """A network and a renderer, ready for one picture after the other.

    Args:
        files, card: of the model.
        device: of the network: auto, cpu or cuda.
        rendering: where to render; no number depends on the threads.

    Attributes:
        library: of MaterialX, see `document.make_material`.
        origin: what makes the materials, by name.

    Raises:
        InputError: a file is damaged, or there is no such device.
    """

    def __init__(
        self,
        files: ModelFiles,
        card: ModelCard,
        options: Options,
        device: str,
        rendering: Resources,
    ):
        self._card, self._options = card, options
        self._stage = read_stage(files.stage)
        self._half_widths = validation_intervals(files.predictions, card.refinement.interval)
        # PyTorch's Triton and Mesa's llvmpipe bring an LLVM each. If an OpenGL context has loaded
        # Mesa's first, a late import of Triton ends the process by a segmentation fault. The other
        # order is harmless.
        if importlib.util.find_spec("triton") is not None:
            importlib.import_module("triton")
        self._predictor = Predictor(files, card, device, card.threads)
        self._refiner = Refiner(
            files.stage,
            card.framing.model_dump(),
            card.refinement.model_dump(),
            card.calibration.calibration(),
            rendering.device,
            rendering.threads,
        )
        self.library = standard_library()
        self.origin = _origin(card, self._refiner.driver)

    @property
    def batch_size(self) -> int:
        """How many pictures to answer at a time."""
        return self._predictor.batch_size

    def frame(self, path: Path) -> FramedPicture:
        """Read one picture.

        Raises:
            InputError: it can't be used.
        """
        return frame_picture(
            path,
            self._stage,
            self._card.framing.model_dump(),
            self._options.encoding,
            self._options.any_silhouette,
        )

    def answer(self, pictures: Sequence[FramedPicture]) -> np.ndarray:
        """What the network says of some pictures, float64 (n, 10)."""
        return self._predictor.predict(np.stack([picture.image for picture in pictures]))

    def predict(self, picture: FramedPicture, answer: np.ndarray) -> Prediction:
        """Find the material of one picture.

        Args:
            answer: (10,) what the network says of it.

        Raises:
            InputError: the driver failed.
        """
        estimate = _round(self._estimate(picture, answer))
        render = self._refiner.render(estimate.material)
        return Prediction(
            picture,
            estimate,
            render,
            compare_images(picture.image, render, picture.weights > 0),
            self._options.refine,
            self._card.refinement.interval,
        )

    def _estimate(self, picture: FramedPicture, answer: np.ndarray) -> Estimate:
        guess = guessed_materials(answer[None])[0]
        if self._options.refine:
            return self._refiner.refine(picture, guess, self._options.alternatives)
        low, high = (np.clip(answer + sign * self._half_widths, 0, 1) for sign in (-1, 1))
        return self._refiner.assess(picture, guess, answer, low, high)

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


def _origin(card: ModelCard, driver: str) -> dict[str, str]:
    return {
        "version": __version__,
        "model": card.model,
        "model_sha256": card.checksums.weights,
        "stage_sha256": card.checksums.stage,
        "renderer": f"MaterialX {mx.getVersionString()}, {driver}",
    }
