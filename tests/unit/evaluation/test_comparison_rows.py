"""The comparison's table: rows, ratios, intervals, the choice of the best model, what is refused."""

import csv
import re

import pytest

from inverse_shading.evaluation.comparison_table import COLUMNS, best_model, read_comparison
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import write_sealed_text
from tests.support.comparison_inputs import (
    ONE,
    REFINEMENT,
    RIDGE,
    appearance_of,
    metrics_of,
    of_three_seeds,
    tuning_of,
    write_plain_table,
    write_refined_table,
    write_table,
)
from tests.support.tables import write_comparison


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_plain_table(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def rows(table):
    return {row["model"]: row for row in rows_of(table)}


@pytest.fixture(scope="module")
def refined(tmp_path_factory):
    return write_refined_table(tmp_path_factory.mktemp("refined"))


@pytest.fixture(scope="module")
def of_seeds(tmp_path_factory):
    models = [of_three_seeds("several", 0.03, 0.01, 0.008), metrics_of("alone", 0.02, 0.02)]
    return write_table(tmp_path_factory.mktemp("seeds"), models)


def test_rows_stand_in_order_and_say_where_they_come_from(rows):
    assert {model: row["source"] for model, row in rows.items()} == {
        "one": "model",
        "bins": "model",
        "constant": "baseline",
        "ridge": "baseline",
        "floor": "bound",
        "Good": "poster (published)",
        "Flat": "poster (published)",
        "Chance": "poster (published)",
    }
    assert list(rows) == ["one", "bins", "constant", "ridge", "floor", "Good", "Flat", "Chance"]


def test_columns_and_values(rows):
    row = rows["bins"]
    assert list(row) == COLUMNS
    assert row["test_mse"] == "0.022000"
    assert row["test_mse_metalness"] == "0.031000"
    assert (row["epochs"], row["best_epoch"], row["seconds"]) == ("7", "5", "12.3")
    assert row["weights"] == "random (seed 1, untrained)"
    assert row["decoding"] == "expected"


def test_seeds_and_intervals(of_seeds):
    several, ensemble, alone = rows_of(of_seeds)
    assert (several["test_mse_interval"], several["test_mae_interval"]) == ("0.001200", "0.003400")
    assert several["test_mse_image_interval"] == "0.002000"
    assert (several["seeds"], several["chosen_seed"]) == ("3", "5")
    assert (several["epochs"], several["best_epoch"]) == ("7.5", "6")
    assert (alone["seeds"], alone["test_mse_interval"], alone["epochs"]) == ("1", "", "7")
    assert "seed" not in alone
    assert (ensemble["model"], ensemble["source"]) == ("several (ensemble of 3)", "ensemble")
    assert (ensemble["test_mse"], ensemble["test_mse_metalness"]) == ("0.008000", "0.017000")
    assert (ensemble["seeds"], ensemble["trunk"]) == ("3", "vgg16")
    assert (ensemble["test_mse_interval"], ensemble["test_mse_image_interval"]) == ("", "0.002000")
    assert (ensemble["epochs"], ensemble["parameter_count"]) == ("", "")


def test_trials_and_what_they_chose(rows, tmp_path):
    values = {"training.weight_decay": 3.0, "training.learning_rate": 0.000212345678}
    values["head.hidden_sizes"] = [8, 8]
    models = [
        of_three_seeds("tuned", 0.03, 0.01, 0.008, tuning=tuning_of("tuned", **values)),
        metrics_of("derived", 0.02, 0.02, tuning=tuning_of("tuned", **{"head.channels": 4})),
    ]
    tuned, ensemble, derived = rows_of(write_table(tmp_path, models))
    text = "hidden_sizes [8, 8], learning_rate 0.000212346, weight_decay 3"
    assert (tuned["trials"], tuned["tuned"]) == ("8", text)
    assert (ensemble["trials"], ensemble["tuned"]) == ("8", text)
    assert (derived["trials"], derived["tuned"]) == ("8", "channels 4 (of tuned)")
    assert (rows["one"]["trials"], rows["one"]["tuned"]) == ("0", "")
    assert (rows["ridge"]["trials"], rows["ridge"]["tuned"]) == ("8", "penalty 0.1")
    # There is nothing to tune in these.
    for name in ("constant", "floor", "Good"):
        assert rows[name]["trials"] == rows[name]["tuned"] == ""


@pytest.mark.parametrize(
    ("of", "best"),
    [("table", "bins"), ("of_seeds", "alone"), ("refined", "bins")],
    ids=["validation chooses, not test", "no ensemble", "no refinement"],
)
def test_the_best_model(request, of, best):
    assert best_model(request.getfixturevalue(of)) == best


def test_a_baseline_is_never_the_best_model(tmp_path):
    better = metrics_of("ridge", 0.01, 0.01)
    assert best_model(write_table(tmp_path, [ONE], [better])) == "one"
    with pytest.raises(InputError, match=r"comparison\.csv: found no model"):
        best_model(write_table(tmp_path, [], [better]))


def test_ratio_to_ridge(rows, tmp_path):
    ratios = {model: row["test_mse_vs_ridge"] for model, row in rows.items()}
    assert (ratios["one"], ratios["ridge"], ratios["constant"]) == ("0.2500", "1.0000", "2.1000")
    # The poster's models saw other images.
    assert ratios["Good"] == ""
    (row,) = rows_of(write_table(tmp_path, [ONE]))
    assert row["test_mse_vs_ridge"] == ""


def test_rows_leave_out_what_does_not_exist(rows):
    assert rows["Good"]["validation_mse"] == rows["Good"]["validation_mae"] == ""
    assert rows["Good"]["weights"] == rows["Good"]["test_r2"] == ""
    assert rows["floor"]["train_mse"] == rows["floor"]["validation_mse"] == ""
    assert rows["floor"]["test_mse"] == "0.007000"
    assert rows["ridge"]["epochs"] == rows["one"]["decoding"] == ""


def test_every_predictor_has_what_its_predictions_look_like(refined):
    rows = {row["model"]: row for row in rows_of(refined)}
    looks = {
        "image_rms": "5.0000",
        "image_psnr": "34.0000",
        "image_ssim": "0.980000",
        "image_flip": "0.100000",
        "novel_rms": "7.5000",
        "novel_flip": "0.150000",
    }
    assert {name: rows["one"][name] for name in looks} == looks
    errors = ["mse_base_times_color", "mse_specular_times_color", "sample_mse", "sample_images"]
    assert [rows["ridge"][name] for name in errors] == ["0.002", "0.006", "0.040000", "2"]
    for name in ("one (ensemble of 3)", "floor", "Good"):
        assert {rows[name][column] for column in [*looks, *errors]} == {""}


def test_refinement_stands_between_models_and_baselines_with_test_errors_only(refined, table):
    rows = rows_of(refined)
    sources = ["model", "ensemble", "model", "refinement", "baseline", "bound"]
    assert [row["source"] for row in rows][:6] == sources
    row = rows[3]
    assert (row["model"], row["test_mse"]) == ("bins + refinement", "0.003000")
    assert row["test_mse_metalness"] == "0.012000"
    assert row["train_mse"] == row["validation_mse"] == row["weights"] == row["seeds"] == ""
    # Its own best guess at the numbers, and the look of the material that it found.
    assert (row["sample_mse"], row["image_flip"]) == ("0.003000", "0.010000")
    # The ridge regression's error on the same images, not on all of them.
    assert row["test_mse_vs_ridge"] == "0.0750"
    assert "refinement" not in table.read_text()


def test_the_same_metrics_give_the_same_bytes(table, tmp_path):
    assert write_plain_table(tmp_path).read_bytes() == table.read_bytes()


def without(content, *keys):
    part = content
    for key in keys[:-1]:
        part = part[key]
    del part[keys[-1]]
    return content


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (without(metrics_of("m", 0.1, 0.1), "weights"), "null at weights"),
        (without(metrics_of("m", 0.1, 0.1), "splits"), "null at splits.train.mse"),
        (
            without(metrics_of("m", 0.1, 0.1), "splits", "test", "parameters", "base"),
            "null at splits.test.parameters.base.mse",
        ),
        (without(metrics_of("m", 0.1, 0.1), "precision"), "null at precision"),
        (metrics_of("m", float("nan"), 0.1), "NaN at splits.train.mse"),
        (metrics_of("m", 0.1, float("inf")), "Infinity at splits.test.mse"),
        (metrics_of("m", 0.1, 0.1, seconds="long"), '"long" at seconds, expected a finite number'),
        (metrics_of("m", 0.1, 0.1, chosen_seed=True), "true at chosen_seed, expected a whole"),
        (metrics_of("m", 0.1, 0.1, seeds=None), "null at seeds, expected a whole number"),
        (
            of_three_seeds("m", 0.1, 0.1, 0.1, intervals={}),
            "null at intervals.test.mse, expected a finite number",
        ),
        (
            metrics_of("m", 0.1, 0.1, parameter_count=2.5),
            "2.5 at parameter_count, expected a whole",
        ),
        (of_three_seeds("m", 0.1, 0.1, float("nan")), "NaN at splits.train.mse"),
        (metrics_of("m", 0.1, 0.1, trunk=16), "16 at trunk, expected a text"),
        (metrics_of("m", 0.1, 0.1, tuning={"trials": 8}), "null at tuning.values, expected a text"),
        (metrics_of("m", 0.1, 0.1, tuning="yes"), "null at tuning.trials, expected a whole number"),
    ],
)
def test_incomplete_metrics_are_refused(tmp_path, content, found):
    with pytest.raises(InputError, match=rf"{tmp_path / 'm.json'}.*{re.escape(found)}.*Delete"):
        write_table(tmp_path, [content])
    assert not (tmp_path / "comparison.csv").exists()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (appearance_of("p", 1.0, novel=None), "null at novel.rms, expected a finite"),
        (appearance_of("p", float("nan")), "NaN at stage.rms"),
        (appearance_of(5, 1.0), "5 at predictor, expected a text"),
        (appearance_of("p", 1.0, images=2.5), "2.5 at images, expected a whole number"),
    ],
)
def test_incomplete_appearance_is_refused(tmp_path, content, found):
    path = tmp_path / f"{content['predictor']}_appearance.json"
    with pytest.raises(InputError, match=f"{path}.*{re.escape(found)}"):
        write_table(tmp_path, [ONE], looks=[content])


def test_refinement_without_an_error_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"null at splits\.test\.mse"):
        write_table(tmp_path, [], [RIDGE], refinement=REFINEMENT | {"splits": {}})


def test_a_table_of_a_model_without_an_error_is_refused(table, tmp_path):
    text = table.read_text()
    assert "one,model,0.015000" in text
    path = tmp_path / "comparison.csv"
    write_sealed_text(path, text.replace("one,model,0.015000", "one,model,"))
    with pytest.raises(InputError, match=r"found a model without .*Delete"):
        read_comparison(path)


def test_a_table_of_a_model_without_its_seeds_is_refused(of_seeds, tmp_path):
    rows = rows_of(of_seeds)
    rows[0]["seeds"] = ""
    path = write_comparison(tmp_path / "comparison.csv", rows)
    with pytest.raises(InputError, match=r"found a model without the number of seeds .*Delete"):
        read_comparison(path)


def test_a_mix_of_precisions_is_refused(tmp_path):
    mixed = [
        metrics_of("exact", 0.1, 0.1),
        metrics_of("coarse", 0.1, 0.1, precision="bfloat16"),
    ]
    with pytest.raises(InputError, match=r"coarse\.json.*bfloat16, and float32 in exact"):
        write_table(tmp_path, mixed)
