"""Predictions of others: scored as the tables score, refused by name where they can't be."""

import json

import numpy as np
import pytest

from inverse_shading.command import main
from inverse_shading.dataset.splits import SPLITS
from inverse_shading.evaluation.metrics import score
from inverse_shading.evaluation.paired_tests import read_paired_table, write_paired_tests
from inverse_shading.evaluation.score_predictions import COLUMNS, LARGEST_ROW, score_predictions
from inverse_shading.material.floor import posterior_means
from inverse_shading.report.score_file import format_score, write_score
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import write_sealed_text
from tests.support.comparison_inputs import metrics_of, write_table
from tests.support.tables import write_predictions

SPLIT = np.array(["test", "train", "test", "test", "validation", "test", "test"])
TEST = SPLIT == "test"
IDS = [f"{index:09d}" for index in range(len(SPLIT))]
GENERATOR = np.random.default_rng(5)
TRUE = GENERATOR.uniform(size=(len(SPLIT), 10)).round(6)
# Of a ridge regression, of the best model's two seeds, and of somebody.
RIDGE, FIRST, SECOND, MINE = (
    np.clip(TRUE + GENERATOR.normal(0, spread, TRUE.shape), 0, 1).round(6)
    for spread in (0.3, 0.1, 0.1, 0.2)
)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What a whole run leaves: baselines, a model of two seeds, the comparison."""
    folder = tmp_path_factory.mktemp("results")
    write_predictions(
        folder / "baselines/floor/predictions.csv", TRUE, posterior_means(TRUE), SPLIT
    )
    write_predictions(folder / "baselines/ridge/predictions.csv", TRUE, RIDGE, SPLIT)
    for seed, predicted in ((5, FIRST), (6, SECOND)):
        path = folder / f"models/one/seeds/{seed}/predictions.csv"
        write_predictions(path, TRUE, predicted, SPLIT)
    intervals = {split: {"mse": 0.001, "mae": 0.002} for split in SPLITS}
    seeds = [{"seed": 5}, {"seed": 6}]
    metrics = metrics_of("one", 0.01, 0.01, seeds=seeds, intervals=intervals)
    write_sealed_text(folder / "models/one/metrics.json", json.dumps(metrics))
    write_table(folder, [metrics])
    return folder


def rows(values=MINE, chosen=TEST):
    """A header and a line an image."""
    lines = [
        ",".join([name, *map(str, row)])
        for name, row, taken in zip(IDS, values, chosen, strict=True)
        if taken
    ]
    return [",".join(COLUMNS), *lines]


@pytest.fixture
def given(tmp_path):
    """A function of lines: the CSV of them."""

    def write(lines, name="mine.csv"):
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return write


def test_the_measures_are_those_of_the_tables(results, given, tmp_path):
    found = score_predictions(given(rows()), results)
    assert found.errors == score(TRUE[TEST], MINE[TEST])
    squared = np.square(MINE - TRUE).mean(axis=1)[TEST]
    # The 97.5 % quantile of Student's t with 4 degrees of freedom.
    half = 2.776445 * squared.std(ddof=1) / np.sqrt(5)
    assert found.intervals["mse"] == pytest.approx(half, rel=1e-6)
    floor = score(TRUE[TEST], posterior_means(TRUE)[TEST])["mse"]
    assert found.references["floor"] == pytest.approx(floor, rel=1e-5)
    assert found.references["ridge"] == score(TRUE[TEST], RIDGE[TEST])["mse"]
    # As the workflow's own table would have it, with these predictions as a further model.
    mine = write_predictions(tmp_path / "p.csv", TRUE, MINE, SPLIT)
    seeds = [("one", results / f"models/one/seeds/{seed}/predictions.csv") for seed in (5, 6)]
    write_paired_tests(tmp_path / "paired.csv", [("mine", mine), *seeds])
    (expected,) = read_paired_table(tmp_path / "paired.csv").to_dict("records")
    assert (found.against["model"], found.against["seeds"]) == ("one", 2)
    for key in ("images", "mse_a", "mse_b", "difference", "low", "high", "p", "p_wilcoxon"):
        assert found.against[key] == pytest.approx(expected[key], rel=1e-4, abs=1e-6)


def test_neither_order_nor_other_images_nor_a_byte_order_mark_count(results, given):
    header, *lines = rows(chosen=TEST | True)
    other = given(["\ufeff" + header, *reversed(lines)], "other.csv")
    assert score_predictions(other, results) == score_predictions(given(rows()), results)


def change(line, name, text):
    cells = line.split(",")
    cells[COLUMNS.index(name)] = text
    return ",".join(cells)


HEADER, *LINES = rows()
UNKNOWN, OTHER_FORM = (change(LINES[0], "id", name) for name in ("000000099", "2"))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            [HEADER, *LINES[2:]],
            r"2 ids of test images missing \(000000000, 000000002\)\. Expected one row for each of "
            r"the 5 test images, from 000000000 to 000000006",
        ),
        ([HEADER, *LINES, LINES[1], LINES[1]], r"1 ids that occur again \(000000002\)"),
        (
            [HEADER, *LINES, UNKNOWN, OTHER_FORM],
            r"2 ids of no image of these results \('000000099', '2'\)",
        ),
        ([HEADER], r"5 ids of test images missing"),
        *(
            (
                [HEADER, change(LINES[0], "metalness", text), *LINES[1:]],
                rf"1 values that are no number from 0 to 1 \(000000000 metalness '{text}'\)",
            )
            for text in ("1.000001", "-0.1", "nan", "inf", "1e999", "", "half", "0_1", "１")
        ),
        ([HEADER.replace("metalness", "metal"), *LINES], "found the columns .*, metal\\)"),
        ([f"{HEADER},more", *LINES], "found the columns "),
        ([HEADER.replace("id,base,", "base,id,"), *LINES], "found the columns base, id"),
        ([], r"found the columns \)"),
        ([HEADER, LINES[0], f"{LINES[1]},1"], "found 12 cells in line 3"),
        ([HEADER, "000000000,0.5"], "found 2 cells in line 2"),
        ([HEADER, '000000000,"0.5'], "can't be read as a CSV of predictions"),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_is_refused_by_name(results, given, lines, message):
    with pytest.raises(InputError, match=rf"mine\.csv: .*{message}"):
        score_predictions(given(lines), results)


def test_every_kind_of_mistake_is_told_at_once_and_five_of_each(results, given):
    wrong = [change(line, "base", "2") for line in LINES[1:]]
    wrong = [change(line, "specular", "2") for line in wrong]
    with pytest.raises(InputError) as refusal:
        score_predictions(given([HEADER, *wrong, UNKNOWN]), results)
    told = str(refusal.value)
    assert "found 1 ids of test images missing (000000000); 1 ids of no image" in told
    assert "8 values that are no number from 0 to 1 (000000002 base '2', " in told
    assert told.count("'2'") == 5 and "'2', …)" in told


def test_files_that_are_no_text_or_have_no_end_are_refused(results, tmp_path):
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large.csv").write_bytes(b" " * (LARGEST_ROW * (len(IDS) + 1) + 1))
    for name, message in (
        ("bytes.csv", "can't be read as a CSV"),
        ("large.csv", "found 8001 bytes, expected at most 8000 for the 7 images"),
        ("none.csv", "can't be read"),
        (".", "found a folder"),
    ):
        with pytest.raises(InputError, match=message):
            score_predictions(tmp_path / name, results)


def test_results_that_are_none_or_of_other_images_are_refused(results, given, tmp_path):
    with pytest.raises(InputError, match=r"found no baselines/floor/predictions\.csv"):
        score_predictions(given(rows()), tmp_path)
    floor, ridge = (tmp_path / f"baselines/{name}/predictions.csv" for name in ("floor", "ridge"))
    write_predictions(floor, TRUE, TRUE, SPLIT)
    write_predictions(ridge, TRUE[::-1], TRUE, SPLIT)
    with pytest.raises(InputError, match=r"ridge/.*: found other test images than in .*floor/"):
        score_predictions(given(rows()), tmp_path)
    write_predictions(floor, TRUE, TRUE, np.where(np.arange(len(SPLIT)), "train", "test"))
    with pytest.raises(InputError, match="found 1 test images, expected two at least"):
        score_predictions(given(rows()), tmp_path)


def test_without_a_model_s_predictions_there_is_no_paired_test(results, given, tmp_path):
    for name in ("floor", "ridge"):
        path = tmp_path / f"baselines/{name}/predictions.csv"
        write_predictions(path, TRUE, RIDGE, SPLIT)
    found = score_predictions(given(rows()), tmp_path)
    assert found.against is None
    assert format_score(found).endswith("hold no predictions of their best model's seeds")


def test_the_command_prints_a_table_and_writes_a_score_twice_the_same(results, given, capsys):
    path = given(rows())
    output = path.with_name("score.json")
    arguments = ["score", str(path), "--results", str(results), "--output", str(output)]
    assert main(arguments) == 0
    first, written = capsys.readouterr().out, output.read_bytes()
    assert main(arguments) == 0
    assert (capsys.readouterr().out, output.read_bytes()) == (first, written)
    found = score_predictions(path, results)
    assert json.loads(written) == json.loads(json.dumps(found.content()))
    lines = first.splitlines()
    mse, multiple = found.errors["mse"], found.errors["mse"] / found.references["ridge"]
    assert lines[2].split()[:4] == ["all", "inputs", f"{mse:.4f}", f"±{found.intervals['mse']:.4f}"]
    assert [line.split()[0] for line in lines[3:13]] == list(COLUMNS[1:])
    assert f"{multiple:.2f} times the MSE of ridge" in first
    assert "from the MSE of one, the best model (2 seeds): " in first


def test_a_file_that_is_no_score_is_not_overwritten(results, given):
    path = given(rows())
    found, before = score_predictions(path, results), path.read_bytes()
    with pytest.raises(InputError, match=r"mine\.csv: found a file that is no score"):
        write_score(path, found)
    assert path.read_bytes() == before
    assert main(["score", str(path), "--results", str(results), "--output", str(path)]) == 2
