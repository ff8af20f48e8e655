"""A trained model at work: from framed images to ten numbers each, as its evaluation has it."""

from pathlib import Path

import numpy as np
import torch

from inverse_shading.evaluation.conformal import conformal_quantile
from inverse_shading.evaluation.predictions import read_ends, read_predictions
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.network.devices import in_batches, place_rows, set_up
from inverse_shading.network.fast_trunk import make_fast
from inverse_shading.network.features import compute_features, load_extractor
from inverse_shading.network.objectives.objective import answers, load_objective
from inverse_shading.network.whole_network import FineTuned, load_network
from inverse_shading.prediction.model_card import CARD, ModelCard, remake
from inverse_shading.prediction.model_files import ModelFiles
from inverse_shading.runtime.artefacts import read_description
from inverse_shading.runtime.errors import InputError


class Predictor:
    """A model of results/models, trunk and head.

    Args:
        files: of the model, from `model_files.locate_files`.
        card: of the model, from `model_card.read_model_card`.
        device: auto, cpu or cuda.
        threads: of the CPU; the card's give the very numbers of the evaluation.

    Raises:
        InputError: a file is missing, damaged or not the card's, or there is no such device.
    """

    def __init__(self, files: ModelFiles, card: ModelCard, device: str, threads: int):
        self._card = card
        self._device = set_up(device, threads, lenient=bool(card.trainable_stages))
        network, description = load_network(files.weights)
        self._network = network.to(self._device)
        if isinstance(network, FineTuned):
            make_fast(network.frozen, self._device, network.precision)
        self._objective = load_objective(description["objective"], len(PARAMETERS))
        self._folder = files.weights.parent
        if self._objective.outputs != description["outputs"]:
            raise self._unfit(
                f"its weights have {description['outputs']} outputs, and their objective "
                f"{self._objective.outputs}"
            )
        self._extractor = None
        if files.trunk is not None:
            found = read_description(files.trunk).get("architecture")
            if found != card.architecture:
                raise self._unfit(f"found a trunk of {found}, expected {card.architecture}")
            self._extractor, self._dtype = load_extractor(
                files.trunk, card.architecture, card.depths, self._device, card.precision
            )

    @property
    def batch_size(self) -> int:
        """How many images to give at a time.

        On a CPU one, so that no rounding depends on the company; a GPU is idle without more.
        """
        return self._card.batch_size if self._device.type == "cuda" else 1

    def answer(self, images: np.ndarray) -> np.ndarray:
        """Predict the inputs of some images, and how sure that is.

        Args:
            images: uint8 (n, size, size, 3), framed as the card says.

        Returns:
            float64 (n, 3, 10) in [0, 1]: values, lower and upper ends, in the order of
            `parameters.PARAMETERS`. A network without intervals has the values themselves as ends;
            `validation_intervals` widens both kinds.

        Raises:
            InputError: the card and the files of the model don't fit each other.
        """
        batches = in_batches(
            len(images),
            self._card.batch_size,
            lambda first, last: self._compute(images[first:last]),
        )
        answer = np.concatenate(list(batches)).astype(np.float64).clip(0, 1)
        return answer if self.has_intervals else np.repeat(answer, 3, axis=1)

    @property
    def has_intervals(self) -> bool:
        """Whether the network gives intervals of its own."""
        return hasattr(self._objective, "intervals")

    def _compute(self, images: np.ndarray) -> np.ndarray:
        try:
            rows = images
            if self._extractor is not None:
                rows = compute_features(
                    self._extractor, images, self._device, self._card.precision, self._dtype
                )
            with torch.inference_mode():
                outputs = self._network(place_rows(rows, self._device))
                values = answers(self._objective, outputs).cpu().numpy()
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            # Images, trunk and head of another shape than the next one takes.
            raise self._unfit(str(error).splitlines()[0]) from error
        if not np.isfinite(values).all():
            raise self._unfit("its answer is not a finite number")
        return values

    def _unfit(self, problem: str) -> InputError:
        card = self._folder / CARD
        return InputError(
            f"{card}: the card and the files of the model don't fit each other ({problem}). "
            f"{remake(card)}"
        )


def validation_intervals(
    predictions: str | Path, level: float, has_intervals: bool = False
) -> np.ndarray:
    """By how much ends are widened, so that they hold the truth with a given probability.

    They are conformal quantiles of how far validation images' truths lie outside their ends (Romano
    et al. 2019, https://arxiv.org/abs/1905.03222), and hold for images of materials drawn as the data
    set's are. Ends that are the value itself become an interval about it; those that a network learnt
    may be too wide, and are drawn in.

    Args:
        predictions: the model's predictions.csv.
        level: share of truths within, below 1.
        has_intervals: whether the table has ends that the network gave.

    Returns:
        float64 (10,), one a parameter; 1, which is all there is, where so few images tell nothing.

    Raises:
        InputError: the file is damaged or has no validation image.
    """
    _, true, predicted = read_predictions(predictions, "validation")
    low = high = predicted
    if has_intervals:
        low, high = np.moveaxis(read_ends(predictions, "validation"), 1, 0)
    outside = np.maximum(low - true, true - high)
    return np.minimum(conformal_quantile(outside, level), 1.0)
