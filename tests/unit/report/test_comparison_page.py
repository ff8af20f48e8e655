"""The comparison: rows, ratios, intervals, the choice of the best model, and what is refused."""

import csv
import json
import re

import pytest

from inverse_shading.dataset.splits import SPLITS
from inverse_shading.evaluation.comparison_rows import write_comparison
from inverse_shading.evaluation.comparison_table import COLUMNS, best_model, read_comparison
from inverse_shading.evaluation.paired_tests import write_paired_table
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.report.comparison_page import write_markdown
from inverse_shading.report.comparison_summary import format_summary
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import write_sealed_text


def pair(a, b, difference, p):
    """A row of paired_tests.csv."""
    row = {"a": a, "b": b, "images": 4, "mse_a": 0.05, "mse_b": 0.05 - difference}
    row |= {"difference": difference, "low": difference - 0.002, "high": difference + 0.002}
    return row | {"p": p / 10, "p_wilcoxon": p / 10, "p_holm": p}


PAIRS = [
    pair("one", "bins", 0.0101, 0.0004),
    pair("one", "ridge", -0.01, 0.2),
    pair("bins", "ridge", 0.001, 0.3),
]


def write_both(
    table, markdown, metrics, baselines, published, pairs=PAIRS, appearance=(), refinement=None
):
    """The files as the workflow's rules make them."""
    write_comparison(table, metrics, baselines, published, appearance, refinement)
    paired = table.with_name("paired_tests.csv")
    write_paired_table(paired, pairs)
    write_markdown(markdown, table, paired)


PUBLISHED = [
    {"model": "Good", "train_mse": 0.02, "train_mae": 0.1, "test_mse": 0.04, "test_mae": 0.15},
    {"model": "Flat", "train_mse": 0.04, "train_mae": 0.16, "test_mse": 0.09, "test_mae": 0.26},
    {
        "model": "Chance",
        "train_mse": 0.16,
        "train_mae": 0.4,
        "test_mse": 0.1742,
        "test_mae": 0.4174,
    },
]


def metrics_of(model, validation, test, **changes):
    errors = {"train": 0.5 * validation, "validation": validation, "test": test}
    content = {
        "model": model,
        "trunk": "vgg16",
        "weights": "random (seed 1, untrained)",
        "splits": {
            split: {
                "images": 4,
                "mse": errors[split],
                "mae": 2 * errors[split],
                "r2": 1 - 12 * errors[split],
                "parameters": {
                    name: {"mse": errors[split] + index / 1000, "mae": 0.1, "r2": 0.5}
                    for index, name in enumerate(PARAMETERS)
                },
            }
            for split in SPLITS
        },
        "parameter_count": 1000,
        "epochs": 7,
        "best_epoch": 5,
        "seconds": 12.34,
        "device": "cpu",
        "batch_size": 64,
        "threads": 2,
        "chosen_seed": 5,
        "seeds": [{"seed": 5}],
        "intervals": {split: {"mse": None, "mae": None} for split in SPLITS},
        "image_intervals": {split: {"mse": 0.002, "mae": 0.004} for split in SPLITS},
    }
    return content | changes


def of_three_seeds(model, validation, test, ensemble, **changes):
    """Metrics as means over three seeds, with the errors of their ensemble."""
    several = {
        "epochs": 7.5,
        "best_epoch": 6.0,
        "seeds": [{"seed": seed} for seed in (5, 6, 7)],
        "intervals": {split: {"mse": 0.0012, "mae": 0.0034} for split in SPLITS},
        "ensemble": {
            key: metrics_of(model, ensemble, ensemble)[key] for key in ("splits", "image_intervals")
        },
    }
    return metrics_of(model, validation, test, **several | changes)


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / f"{content['model']}.json"
        write_sealed_text(path, json.dumps(content))
        return path

    return write


@pytest.fixture
def table(tmp_path, write):
    """Two models, of which the second is worse on test and better on validation, and baselines."""
    decodings = {
        "argmax": {"test": {"mse": 0.031, "mae": 0.1, "r2": 0.6}},
        "expected": {"test": {"mse": 0.022, "mae": 0.1, "r2": 0.7}},
    }
    models = [
        write(metrics_of("one", 0.030, 0.010)),
        write(metrics_of("bins", 0.020, 0.022, decoding="expected", decodings=decodings)),
    ]
    names = ["trunk", "epochs", "best_epoch", "seconds", "device", "chosen_seed", "seeds"]
    nothing = dict.fromkeys([*names, "intervals", "image_intervals"])
    floor = metrics_of("floor", 0.007, 0.007, weights="none", **nothing)
    floor["splits"]["validation"] = None
    del floor["splits"]["train"]
    baselines = [
        write(metrics_of("constant", 0.083, 0.084, weights="none", **nothing)),
        write(metrics_of("ridge", 0.04, 0.04, weights="none", **nothing, penalty=0.1)),
        write(floor),
    ]
    path = tmp_path / "comparison.csv"
    write_both(path, tmp_path / "comparison.md", models, baselines, PUBLISHED)
    return path


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_rows_stand_in_order_and_say_where_they_come_from(table):
    assert [(row["model"], row["source"]) for row in rows_of(table)] == [
        ("one", "model"),
        ("bins", "model"),
        ("constant", "baseline"),
        ("ridge", "baseline"),
        ("floor", "bound"),
        ("Good", "poster (published)"),
        ("Flat", "poster (published)"),
        ("Chance", "poster (published)"),
    ]


def test_columns_and_values(table):
    row = rows_of(table)[1]
    assert list(row) == COLUMNS
    assert row["test_mse"] == "0.022000"
    assert row["test_mse_metalness"] == "0.031000"
    assert (row["epochs"], row["best_epoch"], row["seconds"]) == ("7", "5", "12.3")
    assert row["weights"] == "random (seed 1, untrained)"
    assert row["decoding"] == "expected"
    assert (row["test_mse_argmax"], row["test_mse_expected"]) == ("0.031000", "0.022000")


def test_seeds_and_intervals(tmp_path, write):
    models = [write(of_three_seeds("several", 0.03, 0.01, 0.008)), write(metrics_of("alone", 0.02, 0.02))]  # fmt: skip
    write_comparison(tmp_path / "t.csv", models, [], [])
    several, ensemble, alone = rows_of(tmp_path / "t.csv")
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


def test_an_ensemble_is_never_the_best_model(tmp_path, write):
    models = [write(of_three_seeds("several", 0.03, 0.01, 0.008)), write(metrics_of("alone", 0.02, 0.02))]  # fmt: skip
    write_comparison(tmp_path / "t.csv", models, [], [])
    assert best_model(tmp_path / "t.csv") == "alone"


def test_ratio_to_ridge(table):
    ratios = {row["model"]: row["test_mse_vs_ridge"] for row in rows_of(table)}
    assert (ratios["one"], ratios["ridge"], ratios["constant"]) == ("0.2500", "1.0000", "2.1000")
    # The poster's models saw other images.
    assert ratios["Good"] == ""


def test_without_ridge_there_is_no_ratio(tmp_path, write):
    path = tmp_path / "t.csv"
    write_both(path, tmp_path / "t.md", [write(metrics_of("one", 0.03, 0.01))], [], [])
    assert [row["test_mse_vs_ridge"] for row in rows_of(path)] == [""]
    assert "Poster" not in (tmp_path / "t.md").read_text()


def test_rows_leave_out_what_does_not_exist(table):
    rows = {row["model"]: row for row in rows_of(table)}
    assert rows["Good"]["validation_mse"] == rows["Good"]["validation_mae"] == ""
    assert rows["Good"]["weights"] == rows["Good"]["test_r2"] == ""
    assert rows["floor"]["train_mse"] == rows["floor"]["validation_mse"] == ""
    assert rows["floor"]["test_mse"] == "0.007000"
    assert rows["ridge"]["epochs"] == rows["one"]["decoding"] == ""


def test_validation_chooses_the_best_model_not_test(table):
    assert best_model(table) == "bins"


def test_a_baseline_is_never_the_best_model(tmp_path, write):
    path = tmp_path / "t.csv"
    models = [write(metrics_of("one", 0.03, 0.01))]
    write_both(path, tmp_path / "t.md", models, [write(metrics_of("ridge", 0.01, 0.01))], [])
    assert best_model(path) == "one"


def test_no_model_to_choose(tmp_path, write):
    path = tmp_path / "t.csv"
    write_comparison(path, [], [write(metrics_of("ridge", 0.01, 0.01))], [])
    with pytest.raises(InputError, match=r"t\.csv: found no model"):
        best_model(path)


def test_markdown_marks_the_best_and_explains(table):
    text = table.with_suffix(".md").read_text()
    assert "Best model by validation MSE: **bins** (validation 0.0200, test 0.0220, 0.55" in text
    assert "| **bins** | **model** |" in text
    assert "**one**" not in text
    assert "random (seed 1, untrained) |" in text
    assert "0.0833" in text
    assert "still has a test MSE of 0.0070 on these images" in text


def test_markdown_reads_the_published_rows(table):
    text = table.with_suffix(".md").read_text()
    assert "Good: test MSE 0.04, 0.48 times the constant answer's." in text
    assert "Flat: test MSE 0.09, no better than a constant answer (0.0833)." in text
    assert "Chance: test MSE 0.1742, no better than an answer at random (0.1667); its MAE" in text
    assert text.count("looks like a root MSE") == 1


def test_markdown_pairs_with_the_best_model(table):
    text = table.with_suffix(".md").read_text()
    section = text.partition("## Paired with the best model, bins")[2].partition("\n## ")[0]
    assert [line for line in section.splitlines() if line.startswith("|")] == [
        "| model or baseline | difference | 95 % interval | p (Holm) | verdict |",
        "| --- | ---: | ---: | ---: | --- |",
        "| one | +0.0101 | [+0.0081, +0.0121] | < 0.001 | worse |",
        "| ridge | −0.0010 | [−0.0030, +0.0010] | 0.300 | no difference shown |",
    ]


def test_markdown_says_what_validation_chose(table):
    text = table.with_suffix(".md").read_text()
    section = text.partition("## How validation chose")[2].partition("\n## ")[0]
    assert "the test images had no say" in section
    assert [line for line in section.splitlines() if line.startswith("|")][2:] == [
        "| one | 1 | 5 | 5 of 7 |  |  |",
        "| bins | 1 | 5 | 5 of 7 | expected |  |",
        "| ridge |  |  |  |  | 0.1 |",
    ]


def test_markdown_has_the_smallest_error_of_each_parameter_in_bold(tmp_path, write):
    metalness = metrics_of("one", 0.030, 0.010)
    metalness["splits"]["test"]["parameters"]["metalness"]["mse"] = 0.5
    models = [write(metalness), write(metrics_of("bins", 0.020, 0.022))]
    write_both(tmp_path / "t.csv", tmp_path / "t.md", models, [], [])
    section = (tmp_path / "t.md").read_text().partition("## Errors by parameter")[2]
    first, second = [line for line in section.splitlines() if line.startswith("|")][2:4]
    assert first.startswith("| one | **0.0100** | **0.0110** |") and first.endswith("| 0.5000 |")
    assert second.startswith("| bins | 0.0220 | 0.0230 |") and second.endswith("| **0.0310** |")


def test_intervals_and_ensembles_are_read_beside_the_errors(tmp_path, write):
    models = [
        write(of_three_seeds("one", 0.01, 0.02, 0.018)),
        write(metrics_of("bins", 0.03, 0.03)),
    ]
    write_both(tmp_path / "t.csv", tmp_path / "t.md", models, [], [])
    text = (tmp_path / "t.md").read_text()
    assert "test MSE | ± seeds |" in text and "| **0.0200** | **±0.0012** |" in text
    assert "± 0.0012 over 3 seeds, ± 0.0020 over the draw of test images" in text
    assert "| one (ensemble of 3) | ensemble | 0.0090 | 0.0180 | 0.0180 |  |" in text
    assert "| one | 3 | 5 | 6 of 7.5 |" in text
    lines = format_summary(tmp_path / "t.csv").splitlines()
    assert max(map(len, lines)) <= 110
    assert "± seeds" in lines[0] and "test R²" not in lines[0]
    assert lines[2].split()[:7] == ["*", "one", "model", "0.0050", "0.0100", "0.0200", "±0.0012"]
    assert lines[3].split()[:4] == ["ensemble", "of", "3", "ensemble"]


def test_one_seed_has_no_column_of_intervals(table):
    assert "±" not in table.with_suffix(".md").read_text().partition("## ")[0].partition("|")[2]
    assert "±" not in format_summary(table) and "test R²" in format_summary(table)


def test_markdown_escapes_the_column_mark(tmp_path, write):
    models = [write(metrics_of("one", 0.03, 0.01, weights="file a|b.pth"))]
    write_both(tmp_path / "t.csv", tmp_path / "t.md", models, [], [])
    assert "file a\\|b.pth" in (tmp_path / "t.md").read_text()


def appearance_of(predictor, factor, images=2):
    """An appearance.json whose numbers tell their places apart."""
    seen = {"rms": 5.0, "psnr": 34.0, "ssim": 0.98, "flip": 0.1}
    content = {"predictor": predictor, "images": images, "mse": 0.02 * factor, "mae": 0.1}
    content["stage"] = {name: value * factor for name, value in seen.items()}
    content["novel"] = {name: 1.5 * value * factor for name, value in seen.items()}
    canonical = {"base_times_color": 0.001, "specular_times_color": 0.003}
    canonical |= {"specular_roughness": 0.5, "metalness": 0.5}
    return content | {"canonical": {name: value * factor for name, value in canonical.items()}}


REFINED = {
    "model": "bins + refinement",
    "refined": "bins",
    "splits": {"test": metrics_of("", 0.0, 0.003)["splits"]["test"]},
    "interval": 0.8,
}


@pytest.fixture
def seen(tmp_path, write):
    """Two models and a baseline that were looked at, and the better one refined."""
    looks = [("ridge", 2.0), ("one", 1.0), ("bins", 0.5), ("refined", 0.1)]
    paths = []
    for name, factor in looks:
        paths.append(tmp_path / f"{name}_appearance.json")
        write_sealed_text(paths[-1], json.dumps(appearance_of(name, factor)))
    models = [write(of_three_seeds("one", 0.030, 0.010, 0.009)), write(metrics_of("bins", 0.02, 0.022))]  # fmt: skip
    path = tmp_path / "seen.csv"
    write_both(
        path,
        tmp_path / "seen.md",
        models,
        [write(metrics_of("ridge", 0.04, 0.04)), write(metrics_of("floor", 0.007, 0.007))],
        PUBLISHED,
        appearance=paths,
        refinement=write(REFINED),
    )
    return path


def test_every_predictor_has_what_its_predictions_look_like(seen):
    rows = {row["model"]: row for row in rows_of(seen)}
    names = ["image_rms", "image_psnr", "image_ssim", "image_flip", "novel_rms", "novel_flip"]
    assert [rows["one"][name] for name in names] == [
        "5.0000", "34.0000", "0.980000", "0.100000", "7.5000", "0.150000",
    ]  # fmt: skip
    errors = ["mse_base_times_color", "mse_specular_times_color", "sample_mse", "sample_images"]
    assert [rows["ridge"][name] for name in errors] == ["0.002", "0.006", "0.040000", "2"]
    for name in ("one (ensemble of 3)", "floor", "Good"):
        assert {rows[name][column] for column in names + errors} == {""}


def test_refinement_stands_between_models_and_baselines_with_test_errors_only(seen):
    assert [row["source"] for row in rows_of(seen)][:6] == [
        "model", "ensemble", "model", "refinement", "baseline", "bound",
    ]  # fmt: skip
    row = rows_of(seen)[3]
    assert (row["model"], row["test_mse"]) == ("bins + refinement", "0.003000")
    assert row["test_mse_metalness"] == "0.012000"
    assert row["train_mse"] == row["validation_mse"] == row["weights"] == row["seeds"] == ""
    # Its own best guess at the numbers, and the look of the material that it found.
    assert (row["sample_mse"], row["image_flip"]) == ("0.003000", "0.010000")
    # The ridge regression's error on the same images, not on all of them.
    assert row["test_mse_vs_ridge"] == "0.0750"


def test_refinement_is_never_the_best_model(seen):
    assert best_model(seen) == "bins"


def test_without_refinement_there_is_no_word_of_it(table):
    assert "refinement" not in table.read_text()
    text = table.with_suffix(".md").read_text()
    assert "efinement" not in text and "What one sees" not in text and "FLIP" not in text


def test_markdown_says_what_one_sees(seen):
    text = seen.with_suffix(".md").read_text()
    section = text.partition("## What one sees")[2].partition("\n## ")[0]
    assert "the first 2 test images" in section
    lines = [line for line in section.splitlines() if line.startswith("|")]
    assert lines[0].startswith("| model or baseline | FLIP | PSNR | SSIM | RMS | novel FLIP |")
    assert [line.split(" | ")[0] for line in lines[2:]] == [
        "| one", "| bins", "| bins + refinement", "| ridge",
    ]  # fmt: skip
    assert lines[3] == (
        "| bins | 0.0500 | 17.00 | 0.4900 | 2.50 | 0.0750 | 25.50 | 0.7350 | 3.75 "
        "| 0.0005 | 0.0015 | 0.0100 |"
    )
    assert "measured on the first 2 test images alone" in text
    assert "**What one sees** is measured over the pixels that show the object" in text


def test_the_terminal_shows_refinement(seen):
    line = next(line for line in format_summary(seen).splitlines() if "refinement" in line)
    assert " ".join(line.split()).startswith("bins + refinement refinement - - 0.0030 -")
    assert max(map(len, format_summary(seen).splitlines())) <= 110


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({**appearance_of("one", 1.0), "novel": None}, "null at novel.rms, expected a finite"),
        (appearance_of("one", float("nan")), "NaN at stage.rms"),
        (appearance_of(5, 1.0), "5 at predictor, expected a text"),
        (appearance_of("one", 1.0, images=2.5), "2.5 at images, expected a whole number"),
    ],
)
def test_incomplete_appearance_is_refused(tmp_path, write, content, found):
    path = tmp_path / "appearance.json"
    write_sealed_text(path, json.dumps(content))
    with pytest.raises(InputError, match=re.escape(found)) as error:
        write_comparison(
            tmp_path / "t.csv", [write(metrics_of("one", 0.03, 0.01))], [], [], appearance=[path]
        )
    assert str(path) in str(error.value)


def test_refinement_without_an_error_is_refused(tmp_path, write):
    refined = write(REFINED | {"splits": {}})
    with pytest.raises(InputError, match=r"null at splits\.test\.mse"):
        write_comparison(tmp_path / "t.csv", [], [], [], refinement=refined)


def test_the_same_metrics_give_the_same_bytes(table, tmp_path):
    first = table.read_bytes(), table.with_suffix(".md").read_bytes()
    models = [tmp_path / "one.json", tmp_path / "bins.json"]
    baselines = [tmp_path / f"{name}.json" for name in ("constant", "ridge", "floor")]
    write_both(table, table.with_suffix(".md"), models, baselines, PUBLISHED)
    assert (table.read_bytes(), table.with_suffix(".md").read_bytes()) == first


def test_terminal_table_is_narrow_and_names_the_best(tmp_path, write):
    long = "a_model_with_a_name_that_is_much_too_long_for_any_table"
    weights = "file some/long/path.pth (sha256 12ab)"
    models = [write(of_three_seeds(long, 0.02, 0.01, 0.009, weights=weights))]
    path = tmp_path / "t.csv"
    published = [{**PUBLISHED[0], "model": "A published model of a very long name [with layers]"}]
    write_comparison(path, models, [], published)
    text = format_summary(path)
    assert max(map(len, text.splitlines())) <= 110
    assert text.splitlines()[2].startswith("* a_model_with")
    assert f"best model by validation MSE: {long}" in text
    assert "nan" not in text


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
        (metrics_of("m", float("nan"), 0.1), "NaN at splits.train.mse"),
        (metrics_of("m", 0.1, float("inf")), "Infinity at splits.test.mse"),
        (metrics_of("m", 0.1, 0.1, seconds="long"), '"long" at seconds, expected a finite number'),
        (metrics_of("m", 0.1, 0.1, chosen_seed=True), "true at chosen_seed, expected a whole"),
        (metrics_of("m", 0.1, 0.1, seeds=None), "null at seeds, expected a whole number"),
        (
            metrics_of("m", 0.1, 0.1, parameter_count=2.5),
            "2.5 at parameter_count, expected a whole",
        ),
        (of_three_seeds("m", 0.1, 0.1, float("nan")), "NaN at splits.train.mse"),
        (metrics_of("m", 0.1, 0.1, trunk=16), "16 at trunk, expected a text"),
    ],
)
def test_incomplete_metrics_are_refused(tmp_path, content, found):
    path = tmp_path / "m.json"
    write_sealed_text(path, json.dumps(content))
    with pytest.raises(InputError) as error:
        write_both(tmp_path / "t.csv", tmp_path / "t.md", [path], [], [])
    assert str(path) in str(error.value)
    assert found in str(error.value)
    assert "Delete" in str(error.value)
    assert not (tmp_path / "t.csv").exists()


def test_a_table_of_a_model_without_an_error_is_refused(table):
    text = table.read_text()
    assert "one,model,0.015000" in text
    write_sealed_text(table, text.replace("one,model,0.015000", "one,model,"))
    with pytest.raises(InputError, match=r"found a model without .*Delete"):
        read_comparison(table)
