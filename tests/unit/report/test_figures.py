"""The figures: written, of sane size, not blank, of the same bytes each time, true to the data."""

import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inverse_shading.evaluation.comparison_table import ERRORS, PARAMETER_ERRORS
from inverse_shading.evaluation.paired_tests import write_paired_table
from inverse_shading.evaluation.predictions import read_predictions
from inverse_shading.material.labels import PARAMETER_LABELS
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.report.figures.error_by_parameter import draw_error_by_parameter
from inverse_shading.report.figures.examples import _columns, draw_examples
from inverse_shading.report.figures.learning_curves import draw_learning_curves
from inverse_shading.report.figures.paired_tests import draw_paired_tests
from inverse_shading.report.figures.predicted_against_true import draw_predicted_against_true
from inverse_shading.report.figures.search import draw_search
from inverse_shading.runtime.artefacts import write_array, write_csv
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import write_sealed_text
from inverse_shading.training.trials import COMPLETE, DIVERGED, PRUNED, Trial, write_trials
from tests.support.comparison_inputs import pair
from tests.support.tables import write_comparison, write_predictions


def drawn(draw, *arguments, again=False):
    """The picture that a function draws as an array, after the checks that every figure must pass.

    With `again` it is drawn twice, which must give the same bytes.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.png" for number in range(1 + again)]
        for path in paths:
            draw(path, *arguments)
        contents = [path.read_bytes() for path in paths]
    content = contents[0]
    assert contents[-1] == content
    assert len(content) < 1_200_000
    image = Image.open(io.BytesIO(content))
    # Nothing of the machine, the day or the library's version may be in the file.
    assert "Software" not in image.info
    pixels = np.asarray(image.convert("RGB"))
    assert 100 < pixels.shape[0] < 4000 and 400 < pixels.shape[1] < 2000
    assert pixels.std() > 5
    return pixels


def holds(pixels, tile):
    """Whether the picture shows the tile somewhere, pixel by pixel."""
    height, width = tile.shape[:2]
    corners = np.argwhere((pixels == tile[0, 0]).all(axis=2))
    return any(
        np.array_equal(pixels[row : row + height, column : column + width], tile)
        for row, column in corners
    )


@pytest.fixture
def images(tmp_path):
    """Two arrays of six images each, no two alike."""
    paths = []
    for first in (0, 6):
        path = tmp_path / f"{first:06d}-{first + 5:06d}.npy"
        write_array(path, np.random.default_rng(first).integers(0, 256, (6, 32, 32, 3), np.uint8))
        paths.append(path)
    return paths


def model_row(model, source="model", **values):
    errors = dict.fromkeys([*ERRORS, *PARAMETER_ERRORS], 0.02)
    return {"model": model, "source": source, **errors, **values}


def write_history(path, scale=1.0, epochs=5):
    epoch = np.arange(1, epochs + 1)
    mse = 0.02 + 0.05 / epoch
    table = {
        "epoch": epoch,
        "learning_rate": 0.001,
        "train_loss": 0.8 * mse * scale,
        "validation_loss": mse * scale,
        "validation_mse": mse,
    }
    write_csv(path, table)
    return path


SPACE = {
    "head.components": {"low": 50, "high": 400, "scale": "log", "kind": "integer"},
    "head.hidden_sizes": {"choices": [[8, 8], [16]]},
    "head.whitening": {"low": 0, "high": 1},
    "training.learning_rate": {"low": 1e-5, "high": 1e-2, "scale": "log"},
    "training.schedule": {"choices": ["cosine", "constant"]},
}


def write_search(path, keys, states):
    """A trials.csv with the ends of every key's space."""
    trials = []
    for index, state in enumerate(states):
        parts = {key: SPACE[key] for key in keys}
        values = {
            key: (part["choices"] if "choices" in part else [part["low"], part["high"]])[index % 2]
            for key, part in parts.items()
        }
        trials.append(Trial(state, values, [0.05, 0.02 + 0.01 * (index % 3)], 1.0))
    write_trials(path, keys, trials)
    return path


def test_every_parameter_has_a_label():
    assert list(PARAMETER_LABELS) == list(PARAMETERS)


def test_examples_shows_the_first_images(images):
    pixels = drawn(draw_examples, images, 8, again=True)
    first, second = (np.load(path) for path in images)
    assert all(holds(pixels, tile) for tile in [*first, *second[:2]])
    assert not holds(pixels, second[2])


def test_examples_shows_all_there_are(images):
    pixels = drawn(draw_examples, images[:1], 40)
    assert all(holds(pixels, tile) for tile in np.load(images[0]))


def test_examples_refuses_an_array_that_is_not_what_its_name_says(tmp_path, images):
    write_array(images[0], np.zeros((5, 32, 32, 3), np.uint8))
    with pytest.raises(InputError, match=r"000000-000005\.npy: found 5 images"):
        draw_examples(tmp_path / "f.png", images, 8)


@pytest.mark.parametrize("count", [1, 2, 7, 40, 41, 400])
def test_grid_of_examples_is_no_strip(count):
    columns = _columns(count)
    rows = -(-count // columns)
    assert columns * rows - count < columns
    assert rows <= columns <= 4 * rows


def test_forty_examples_fill_their_grid():
    assert _columns(40) == 8


def test_learning_curves(tmp_path):
    histories = {
        "regression": write_history(tmp_path / "a.csv"),
        "bins": write_history(tmp_path / "b.csv", scale=70),
        "one_epoch": write_history(tmp_path / "c.csv", epochs=1),
        "another": write_history(tmp_path / "d.csv"),
    }
    four = drawn(draw_learning_curves, histories)
    one = drawn(draw_learning_curves, {"regression": histories["regression"]}, again=True)
    assert one.shape[0] < four.shape[0]


def test_a_history_without_a_finite_loss_is_refused(tmp_path):
    path = tmp_path / "history.csv"
    write_sealed_text(path, "epoch,train_loss,validation_loss,validation_mse\n1,1,,1\n")
    with pytest.raises(InputError, match=r"history\.csv: found no finite loss"):
        draw_learning_curves(tmp_path / "f.png", {"m": path})


def test_predicted_against_true(tmp_path):
    generator = np.random.default_rng(0)
    true = generator.uniform(size=(50, 10))
    # A parameter that never varies has no R², and must not stop the others.
    true[:, 3] = 0.5
    good = write_predictions(tmp_path / "good.csv", true, true)
    bad = write_predictions(tmp_path / "bad.csv", true, generator.uniform(size=(50, 10)))
    pixels = drawn(draw_predicted_against_true, good, "model", again=True)
    assert not np.array_equal(pixels, drawn(draw_predicted_against_true, bad, "model"))


def test_predictions_are_read_by_split(tmp_path):
    true = np.arange(30).reshape(3, 10) / 30
    path = write_predictions(tmp_path / "p.csv", true, true + 0.01, ["train", "test", "test"])
    identifiers, read, predicted = read_predictions(path, "test")
    assert identifiers == ["000000001", "000000002"]
    np.testing.assert_allclose(read, true[1:])
    np.testing.assert_allclose(predicted, true[1:] + 0.01)


def test_predictions_without_an_image_of_the_split_are_refused(tmp_path):
    true = np.full((2, 10), 0.5)
    path = write_predictions(tmp_path / "p.csv", true, true)
    with pytest.raises(InputError, match=r"p\.csv: found no image of the split 'validation'"):
        read_predictions(path, "validation")


def test_error_by_parameter_has_a_line_a_row(tmp_path):
    rows = [
        model_row("one"),
        model_row("one + refinement", "refinement", train_mse=None, validation_mse=None),
        model_row("constant", "baseline", test_mse=0.0833),
        model_row("floor", "bound", train_mse=None, test_mse_metalness=0),
    ]
    published = {"model": "poster's", "source": "poster (published)", "test_mse": 0.1}
    more = [rows[0], model_row("one (ensemble of 2)", "ensemble"), *rows[1:], published]
    fewer = [rows[0], *rows[2:]]

    def draw(rows, again=False):
        table = write_comparison(tmp_path / "table.csv", rows)
        return drawn(draw_error_by_parameter, table, again=again)

    pixels = draw(rows, again=True)
    assert np.array_equal(pixels, draw(more))
    assert draw(fewer).shape[0] < pixels.shape[0]
    sampled = [rows[0], {**rows[1], "sample_images": 16}, *rows[2:]]
    assert not np.array_equal(pixels, draw(sampled)), "whose errors are of 16 images"
    assert draw(rows[:1]).shape[0] < pixels.shape[0]


def test_error_by_parameter_needs_errors_by_parameter(tmp_path):
    row = {"model": "poster's", "source": "poster (published)", "test_mse": 0.1}
    with pytest.raises(InputError, match=r"a\.csv: found no test error by parameter"):
        draw_error_by_parameter(tmp_path / "f.png", write_comparison(tmp_path / "a.csv", [row]))


def test_paired_tests_has_a_row_for_every_other_predictor(tmp_path):
    models = [model_row("best", validation_mse=0.01), model_row("other")]
    table = write_comparison(tmp_path / "t.csv", models)
    pairs = [
        ("best", "other", -0.004, 0.01),
        ("best", "ridge", 0.0005, 0.4),
        ("other", "ridge", 0.0045, 0.01),
    ]

    def draw(pairs, again=False):
        rows = [pair(*each, images=9) for each in pairs]
        write_paired_table(tmp_path / "p.csv", rows)
        return drawn(draw_paired_tests, tmp_path / "p.csv", table, again=again)

    pixels = draw(pairs, again=True)
    # The others' pairs with each other aren't drawn.
    assert np.array_equal(draw(pairs[:2]), pixels)
    # Which of the two stands first in the table makes no difference to what is drawn.
    assert np.array_equal(draw([("other", "best", 0.004, 0.01), pairs[1]]), pixels)
    # Filled where a difference was shown, empty where none was.
    assert not np.array_equal(draw([("best", "other", -0.004, 0.05), pairs[1]]), pixels)
    assert draw(pairs[:1]).shape[0] < pixels.shape[0]
    with pytest.raises(InputError, match=r"p\.csv: found no row of best"):
        draw(pairs[2:])


ALL, ENDED, ONE = (
    (COMPLETE, PRUNED, DIVERGED, COMPLETE),
    (COMPLETE, COMPLETE, DIVERGED, COMPLETE),
    (COMPLETE,),
)


@pytest.mark.parametrize(("count", "other"), [(1, ONE), (2, ENDED), (4, ONE), (5, ENDED)])
def test_search_has_a_panel_for_every_key_and_a_mark_for_every_state(tmp_path, count, other):
    keys = list(SPACE)[:count]
    space = {key: SPACE[key] for key in keys}

    def draw(states, again=False):
        trials = write_search(tmp_path / "t.csv", keys, states)
        return drawn(draw_search, "m", space, trials, again=again)

    assert not np.array_equal(draw(ALL, again=count == 5), draw(other))


def test_trials_of_which_none_is_complete_are_refused(tmp_path):
    keys = ["head.whitening"]
    space = {key: SPACE[key] for key in keys}
    path = write_search(tmp_path / "t.csv", keys, (DIVERGED, PRUNED))
    with pytest.raises(InputError, match=r"t\.csv: found no complete trial"):
        draw_search(tmp_path / "f.png", "m", space, path)
