"""A model outside the workflow: the numbers of its evaluation, and intervals that hold what they say."""

import numpy as np
import pytest

from inverse_shading.evaluation.predictions import read_all_predictions, read_ends
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.prediction.model_card import read_model_card
from inverse_shading.prediction.model_files import locate_files
from inverse_shading.prediction.trained_model import Predictor, validation_intervals
from inverse_shading.runtime.artefacts import write_csv
from inverse_shading.runtime.errors import InputError
from tests.support.small_model import SmallModel
from tests.support.tables import write_predictions

DENSE = {"type": "dense", "grid": 1}
KINDS = {
    "depths": {"objective": "canonical"},
    "quantiles": {"objective": "canonical_quantiles"},
    "frozen bins": {"objective": "bins", "architecture": "vgg16", "depths": None, "head": DENSE},
    "fine-tuned": {"architecture": "vgg16", "depths": None, "head": DENSE, "stages": 1},
    "fine-tuned ResNet50": {"architecture": "resnet50", "depths": None, "head": DENSE, "stages": 1},
}


@pytest.fixture(scope="module", params=KINDS)
def model(request, tmp_path_factory):
    return SmallModel(tmp_path_factory.mktemp("results"), **KINDS[request.param])


def predictor(model, **changes):
    card = read_model_card(model.folder).model_copy(update=changes)
    return Predictor(locate_files(model.folder, card), card, "cpu", card.threads)


def test_it_gives_the_numbers_of_the_evaluation(model):
    images = np.concatenate([np.load(path) for path in model.data.images])
    expected = read_all_predictions(model.folder / "predictions.csv").predicted
    found = predictor(model).answer(images)[:, 0]
    assert found.dtype == np.float64 and found.shape == (40, 10)
    assert ((found >= 0) & (found <= 1)).all()
    # A random ResNet50 amplifies the rounding of another batch.
    tolerance = 1e-4 if "resnet50" in model.trunk.name else 1e-5
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    # The images are told apart, so that the comparison says something.
    assert np.ptp(expected, axis=0).max() > 1e-3
    one = predictor(model).answer(images[:1])[:, 0]
    np.testing.assert_allclose(one, expected[:1], rtol=0, atol=1e-4)


def test_its_ends_are_those_of_the_evaluation_or_the_values_themselves(model):
    images = np.concatenate([np.load(path) for path in model.data.images])
    one = predictor(model)
    answer = one.answer(images)
    assert answer.shape == (40, 3, 10)
    if one.has_intervals:
        validation = read_all_predictions(model.folder / "predictions.csv").split == "validation"
        ends = read_ends(model.folder / "predictions.csv", "validation")
        np.testing.assert_allclose(answer[validation, 1:], ends, rtol=0, atol=1e-5)
        assert (ends[:, 0] < ends[:, 1]).all()
    else:
        np.testing.assert_array_equal(answer, np.repeat(answer[:, :1], 3, axis=1))


UNFIT = {
    "depths": [{"depths": {"image": 8, "radiance": 2}}],
    "frozen bins": [{"depths": {"image": 4}}],
}


@pytest.mark.parametrize(
    "model, changes",
    [(kind, changes) for kind, several in UNFIT.items() for changes in several],
    indirect=["model"],
    scope="module",
)
def test_a_card_that_its_files_don_t_fit_is_refused(model, changes):
    images = np.load(model.data.images[0])[:1]
    with pytest.raises(
        InputError,
        match=r"model\.json: the card and the files of the model don't fit .*makes it anew",
    ):
        predictor(model, **changes).answer(images)[:, 0]


def predictions_with(tmp_path, errors):
    """A predictions.csv whose validation errors of `base` are these, and of all others 0."""
    predicted = np.full((len(errors) + 1, 10), 0.5)
    predicted[:, PARAMETERS.index("base")] += [0.5, *errors]
    return write_predictions(
        tmp_path / "predictions.csv",
        np.full(predicted.shape, 0.5),
        predicted,
        ["test"] + ["validation"] * len(errors),
    )


def test_intervals_are_the_conformal_quantile_of_validation_errors(tmp_path):
    errors = np.array([0.03, -0.01, 0.02, -0.04])
    path = predictions_with(tmp_path, errors)
    # The third and the fourth of four: 5 · 0.6 = 3, and 5 · 0.7 = 3.5, rounded up.
    for level, expected in ((0.6, 0.03), (0.7, 0.04), (0.8, 0.04)):
        found = validation_intervals(path, level)
        np.testing.assert_allclose(found, [expected] + [0] * 9, atol=1e-12)


def test_ends_of_a_network_are_widened_or_drawn_in(tmp_path):
    """One truth of four is outside by 0.05 at the most; without it all are inside by 0.1 or more."""
    path = tmp_path / "predictions.csv"
    values = {f"{name}_{kind}": 0.5 for name in PARAMETERS for kind in ("true", "predicted")}
    rows = [
        {"id": str(n), "split": "validation"}
        | values
        | {f"{name}_low": low for name in PARAMETERS}
        | {f"{name}_high": 0.9 for name in PARAMETERS}
        for n, low in enumerate([0.55, 0.4, 0.4, 0.3])
    ]
    write_csv(path, rows)
    np.testing.assert_allclose(validation_intervals(path, 0.8, has_intervals=True), 0.05)
    np.testing.assert_allclose(validation_intervals(path, 0.6, has_intervals=True), -0.1)
    with pytest.raises(InputError, match="found no column base_low"):
        validation_intervals(predictions_with(tmp_path, [0.1] * 4), 0.8, has_intervals=True)


def test_too_few_images_for_a_level_give_the_whole_range(tmp_path):
    np.testing.assert_array_equal(
        validation_intervals(predictions_with(tmp_path, [0.1, 0.2]), 0.8), np.ones(10)
    )


def test_intervals_hold_the_truth_as_often_as_they_say(tmp_path):
    """Over many draws of validation errors, as the theorem has it: at least 0.8, and not by far."""
    generator = np.random.default_rng(5)
    held = []
    for _ in range(15):
        path = predictions_with(tmp_path, generator.normal(0, 0.05, 199))
        held += list(np.abs(generator.normal(0, 0.05, 999)) <= validation_intervals(path, 0.8)[0])
    assert np.mean(held) == pytest.approx(0.8, abs=0.03)
