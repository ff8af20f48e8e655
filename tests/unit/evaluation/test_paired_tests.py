"""Paired tests, against figures worked out by hand and by exhaustion, and what is refused."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from inverse_shading.dataset.labels import Labels
from inverse_shading.evaluation.paired_tests import (
    COLUMNS,
    compare,
    differences_from,
    holm,
    read_paired_table,
    write_paired_tests,
)
from inverse_shading.evaluation.predictions import write_predictions
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import write_sealed_text

SPLIT = np.array(["test", "train", "test", "test", "validation", "test"])
TEST = SPLIT == "test"
TRUE = np.random.default_rng(0).uniform(size=(len(SPLIT), 10)).round(6)


def write(path, offsets, true=TRUE, first=0):
    """Predictions that miss each image's parameters by its offset."""
    index = [f"{first + number:09d}" for number in range(len(SPLIT))]
    table = Labels(pd.DataFrame(true, index=index, columns=list(PARAMETERS)), SPLIT)
    write_predictions(path, table, true + np.asarray(offsets, float)[:, None])
    return path


# Student's own data: hours of sleep that each of two drugs gave ten patients (Biometrika 6, 1908). Its
# paired t is 4.0621 with 9 degrees of freedom, p 0.00283, the interval of the mean 0.70 to 2.46.
DRUG_1 = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
DRUG_2 = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])


def test_student_s_sleep_data():
    found = compare(DRUG_2, DRUG_1)
    assert found["images"] == 10
    assert (found["mse_a"], found["mse_b"]) == (pytest.approx(2.33), pytest.approx(0.75))
    assert found["difference"] == pytest.approx(1.58)
    assert found["low"] == pytest.approx(0.7001142, abs=1e-6)
    assert found["high"] == pytest.approx(2.4598858, abs=1e-6)
    assert found["p"] == pytest.approx(0.00283289, rel=1e-5)


def test_signed_ranks_by_exhaustion():
    differences = np.array([0.5, -0.1, 0.9, 0.3, 1.2, -0.4, 0.7])
    ranks = np.argsort(np.argsort(np.abs(differences))) + 1
    sums = [sum(r for r, s in zip(ranks, signs, strict=True) if s) for signs in itertools.product((0, 1), repeat=7)]  # fmt: skip
    smaller = min(ranks[differences > 0].sum(), ranks[differences < 0].sum())
    expected = 2 * np.mean(np.array(sums) <= smaller)
    found = compare(differences + 5, np.full(7, 5.0))
    assert found["p_wilcoxon"] == pytest.approx(expected)


def test_p_and_interval_agree():
    generator = np.random.default_rng(3)
    for shift in np.linspace(0, 1, 20):
        a = generator.normal(shift, 1, size=25)
        found = compare(a, np.zeros(25))
        assert (found["p"] < 0.05) == (found["low"] > 0 or found["high"] < 0)


def test_predictors_that_are_alike_in_every_image():
    found = compare(DRUG_1, DRUG_1)
    assert (found["difference"], found["low"], found["high"]) == (0, 0, 0)
    assert (found["p"], found["p_wilcoxon"]) == (1, 1)


def test_holm_by_hand():
    # Sorted: 0.005 · 4, 0.01 · 3, 0.03 · 2, 0.04 · 1, of which the last may not be below the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.4, 0.6, 0.5]) == [1, 1, 1]
    assert holm([0.2]) == [0.2]


@pytest.fixture
def table(tmp_path):
    """Two seeds of one model, a model that is better in every image, and a baseline."""
    predictions = [
        ("worse", write(tmp_path / "w1.csv", [0.2, 9, 0.3, 0.2, 9, 0.3])),
        ("worse", write(tmp_path / "w2.csv", [0.4, 9, 0.3, 0.2, 9, 0.1])),
        ("better", write(tmp_path / "b.csv", [0.1, 5, 0.2, 0.1, 5, 0.1])),
        ("ridge", write(tmp_path / "r.csv", [0.1, 3, 0.2, 0.1, 3, 0.1])),
    ]
    write_paired_tests(tmp_path / "paired.csv", predictions)
    return tmp_path / "paired.csv"


def test_every_pair_once_on_the_test_images(table):
    rows = read_paired_table(table)
    assert list(rows.columns) == COLUMNS
    assert list(zip(rows["a"], rows["b"], strict=True)) == [
        ("worse", "better"),
        ("worse", "ridge"),
        ("better", "ridge"),
    ]
    assert set(rows["images"]) == {4}
    # Squared errors by image, means over both seeds: 0.10, 0.09, 0.04, 0.05; of the other 0.01, 0.04, …
    first = rows.iloc[0]
    assert first["mse_a"] == pytest.approx(0.07, abs=1e-5)
    assert first["mse_b"] == pytest.approx(0.0175, abs=1e-5)
    differences = np.array([0.09, 0.05, 0.03, 0.04])
    half = 3.182446 * differences.std(ddof=1) / 2
    assert first["difference"] == pytest.approx(0.0525, abs=1e-5)
    assert first["low"] == pytest.approx(0.0525 - half, abs=1e-5)
    assert first["high"] == pytest.approx(0.0525 + half, abs=1e-5)
    # Of four images the signed ranks can't say more: 2 / 2⁴.
    assert first["p_wilcoxon"] == pytest.approx(0.125)
    assert list(rows["p_holm"]) == pytest.approx([3 * rows["p"][0], 3 * rows["p"][0], 1], rel=1e-3)
    # What they make of other splits has no say.
    assert (rows.iloc[2]["difference"], rows.iloc[2]["p"]) == (0, 1)


def test_differences_from_one_predictor(table):
    against_better, against_worse = (differences_from(table, name) for name in ("better", "worse"))
    assert [each.name for each in against_better] == ["worse", "ridge"]
    assert [each.name for each in against_worse] == ["better", "ridge"]
    mine, other = against_better[0], against_worse[0]
    assert mine.difference == -other.difference > 0
    assert (mine.low, mine.high) == (-other.high, -other.low)
    assert mine.verdict == "no difference shown" and mine.p_holm > 0.05
    with pytest.raises(InputError, match=r"paired\.csv: found no row of unknown"):
        differences_from(table, "unknown")


@pytest.mark.parametrize(
    ("difference", "p", "verdict", "text"),
    [
        (0.01, 0.0499, "worse", "0.050"),
        (-0.01, 1e-9, "better", "< 0.001"),
        (0.01, 0.05, "no difference shown", "0.050"),
    ],
)
def test_verdicts_in_words(table, difference, p, verdict, text):
    row = f"x,y,4,0.1,0.1,{difference},-0.02,0.02,{p},{p},{p}"
    write_sealed_text(table, f"{','.join(COLUMNS)}\n{row}\n")
    (found,) = differences_from(table, "y")
    assert (found.verdict, found.p_text, found.interval) == (verdict, text, "[−0.0200, +0.0200]")


def test_the_same_predictions_give_the_same_bytes(table, tmp_path):
    names = {"w1.csv": "worse", "w2.csv": "worse", "b.csv": "better", "r.csv": "ridge"}
    again = tmp_path / "again.csv"
    write_paired_tests(again, [(name, tmp_path / file) for file, name in names.items()])
    assert again.read_bytes() == table.read_bytes()


@pytest.mark.parametrize(
    "changes", [{"first": 1}, {"true": TRUE[::-1]}], ids=["ids", "true values"]
)
def test_predictions_of_other_images_are_refused(tmp_path, changes):
    offsets = [0.1] * len(SPLIT)
    one, other = write(tmp_path / "a.csv", offsets), write(tmp_path / "b.csv", offsets, **changes)
    with pytest.raises(InputError, match=r"b\.csv: found other test images than in .*a\.csv"):
        write_paired_tests(tmp_path / "t.csv", [("a", one), ("b", other)])
    assert not (tmp_path / "t.csv").exists()


def test_one_predictor_is_no_pair(tmp_path):
    path = write(tmp_path / "a.csv", [0.1] * len(SPLIT))
    with pytest.raises(InputError, match="Found 1 predictors and 4 test images"):
        write_paired_tests(tmp_path / "t.csv", [("a", path), ("a", path)])


@pytest.mark.filterwarnings("ignore:Precision loss")
def test_a_t_of_zero_spread_is_no_nan():
    found = compare(np.array([0.5, 0.5, 0.5]), np.array([0.25, 0.25, 0.25]))
    assert not any(math.isnan(value) for value in found.values())
    assert found["p"] == 0
