"""The comparison as people read it: comparison.md, and the summary in a terminal."""

import pytest

from inverse_shading.report.comparison_summary import format_summary
from tests.support.comparison_inputs import (
    BINS,
    ONE,
    PUBLISHED,
    RIDGE,
    metrics_of,
    of_three_seeds,
    write_page,
    write_plain_table,
    write_refined_table,
    write_table,
)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_plain_table(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def text(table):
    return write_page(table)


@pytest.fixture(scope="module")
def refined(tmp_path_factory):
    return write_refined_table(tmp_path_factory.mktemp("refined"))


def section(text, heading):
    """A section's text, and the lines of its table."""
    part = text.partition(f"\n## {heading}")[2].partition("\n## ")[0]
    return part, [line for line in part.splitlines() if line.startswith("|")]


def test_the_best_is_marked_and_the_rest_explained(text):
    assert "Best model by validation MSE: **bins** (validation 0.0200, test 0.0220, 0.55" in text
    assert "| **bins** | **model** | **expected** |" in text
    assert "**one**" not in text
    assert "random (seed 1, untrained) |" in text
    assert "0.0833" in text
    assert "- **Train MSE** is that of the finished model, which drops no unit (eval mode)." in text
    assert "still has a test MSE of 0.0070 on these images" in text


def test_published_rows_are_read(text, tmp_path):
    assert "Good: test MSE 0.04, 0.48 times the constant answer's." in text
    assert "Flat: test MSE 0.09, no better than a constant answer (0.0833)." in text
    assert "Chance: test MSE 0.1742, no better than an answer at random (0.1667); its MAE" in text
    assert text.count("looks like a root MSE") == 1
    assert "Poster" not in write_page(write_table(tmp_path, [ONE]))


def test_texts_of_a_table_are_neither_html_nor_further_rows(tmp_path):
    names = {
        "a<b>&c": "a&lt;b>&c",
        "<script>alert(1)</script>": "&lt;script>alert(1)&lt;/script>",
        "<!-- x": "&lt;!-- x",
        "a\nb | c": "a b \\| c",
        "1 < 2": "1 < 2",
    }
    rows = [dict(PUBLISHED[0], model=name) for name in names]
    text = write_page(write_table(tmp_path, [ONE], published=rows))
    for shown in names.values():
        assert f"| {shown} |" in text
    assert "<script" not in text and "<!--" not in text


def test_others_are_paired_with_the_best_model(text):
    assert section(text, "Paired with the best model, bins")[1] == [
        "| model or baseline | difference | 95 % interval | p (Holm) | verdict |",
        "| --- | ---: | ---: | ---: | --- |",
        "| one | +0.0101 | [+0.0081, +0.0121] | < 0.001 | worse |",
        "| ridge | −0.0010 | [−0.0030, +0.0010] | 0.300 | no difference shown |",
    ]


def test_what_validation_chose(text):
    part, lines = section(text, "How validation chose")
    assert "The test images are not used" in part
    assert lines[2:] == [
        "| one | 1 | 5 | 5 of 7 | 0 |  |",
        "| bins | 1 | 5 | 5 of 7 | 0 |  |",
        "| ridge |  |  |  | 8 | penalty 0.1 |",
    ]


def test_how_bins_are_read_is_told_where_there_are_some(table, text, tmp_path):
    assert "*expected* the mean of all bins' values by probability" in text
    assert "decoding" not in write_page(write_table(tmp_path, [ONE]))
    assert "decoding" not in format_summary(table)


def test_what_results_on_pixels_and_of_refinement_rest_on_is_told(text, refined, tmp_path):
    pixels = metrics_of("one", 0.01, 0.01, trunk="pixels", weights="none")
    page = write_page(write_table(tmp_path, [pixels, BINS], [RIDGE]))
    assert "for this choice. It works where pixels are aligned, in one view of one object" in page
    assert "**Models on pixels** (one) have no trunk. They work where pixels are aligned" in page
    assert "below the best of them, and below a plain perceptron on pixels." in page
    assert "pixels" not in text.partition("## Notes")[0] and "on pixels" not in text
    assert "the very renderer, light, mesh and camera" in write_page(refined)
    assert "the very renderer" not in text


def test_streamed_models_are_a_group_of_their_own(text, tmp_path):
    more = metrics_of("one", 0.01, 0.01, trunk="pixels", weights="none, 200,000 streamed materials")
    page = write_page(write_table(tmp_path, [more, BINS], [RIDGE]))
    assert "**Streamed models** (one) are a group of their own" in page
    assert "**Models on pixels** (one) have no trunk." in page
    assert "streamed" not in text.lower()


def test_the_smallest_error_of_each_parameter_is_bold(tmp_path):
    one = metrics_of("one", 0.030, 0.010)
    one["splits"]["test"]["parameters"]["metalness"]["mse"] = 0.5
    _, lines = section(write_page(write_table(tmp_path, [one, BINS])), "Errors by parameter")
    first, second = lines[2:4]
    assert first.startswith("| one | **0.0100** | **0.0110** |") and first.endswith("| 0.5000 |")
    assert second.startswith("| bins | 0.0220 | 0.0230 |") and second.endswith("| **0.0310** |")


def test_intervals_and_ensembles_are_read_beside_the_errors(tmp_path):
    models = [of_three_seeds("one", 0.01, 0.02, 0.018), metrics_of("bins", 0.03, 0.03)]
    table = write_table(tmp_path, models)
    text = write_page(table)
    assert "test MSE | seeds | ± seeds |" in text and "| **0.0200** | **3** | **±0.0012** |" in text
    assert "± 0.0012 over 3 seeds, ± 0.0020 over the draw of test images" in text
    assert "| one (ensemble of 3) | ensemble | 0.0090 | 0.0180 | 0.0180 | 3 |  |" in text
    assert "| one | 3 | 5 | 6 of 7.5 |" in text
    lines = format_summary(table).splitlines()
    assert max(map(len, lines)) <= 110
    assert "± seeds" in lines[0] and "test R²" not in lines[0]
    assert lines[2].split()[:7] == ["*", "one", "model", "0.0050", "0.0100", "0.0200", "±0.0012"]
    assert lines[3].split()[:4] == ["ensemble", "of", "3", "ensemble"]


def test_one_seed_has_no_column_of_intervals(table, text):
    assert "±" not in text.partition("## ")[0].partition("|")[2]
    assert "±" not in format_summary(table) and "test R²" in format_summary(table)


def test_a_column_mark_is_escaped(tmp_path):
    model = metrics_of("one", 0.03, 0.01, weights="file a|b.pth")
    assert "file a\\|b.pth" in write_page(write_table(tmp_path, [model]))


def test_without_refinement_there_is_no_word_of_it(text):
    assert "efinement" not in text and "What one sees" not in text and "FLIP" not in text


def test_what_one_sees(refined):
    text = write_page(refined)
    part, lines = section(text, "What one sees")
    assert "the first 2 test images" in part
    assert lines[0].startswith("| model or baseline | FLIP | PSNR | SSIM | RMS | novel FLIP |")
    names = ["one", "bins", "bins + refinement", "ridge"]
    assert [line.split(" | ")[0] for line in lines[2:]] == [f"| {name}" for name in names]
    assert lines[3] == (
        "| bins | 0.0500 | 17.00 | 0.4900 | 2.50 | 0.0750 | 25.50 | 0.7350 | 3.75 "
        "| 0.0005 | 0.0015 | 0.0100 |"
    )
    assert "measured on the first 2 test images alone" in text
    assert "**What one sees** is measured over the pixels that show the object" in text


def test_the_same_tables_give_the_same_bytes(table, text, tmp_path):
    assert write_page(write_plain_table(tmp_path)) == text


def test_a_page_without_a_model_has_the_rows_alone(tmp_path):
    text = write_page(write_table(tmp_path, [], [metrics_of("ridge", 0.04, 0.04)]))
    assert text.startswith("# Comparison\n\n| model | source |") and "best model" not in text


def test_the_summary_shows_refinement(refined):
    lines = format_summary(refined).splitlines()
    line = next(line for line in lines if "refinement" in line)
    assert " ".join(line.split()).startswith("bins + refinement refinement - - 0.0030 -")
    assert max(map(len, lines)) <= 110


def test_the_summary_is_narrow_and_names_the_best(tmp_path):
    long = "a_model_with_a_name_that_is_much_too_long_for_any_table"
    weights = "file some/long/path.pth (sha256 12ab)"
    models = [of_three_seeds(long, 0.02, 0.01, 0.009, weights=weights)]
    published = [{**PUBLISHED[0], "model": "A published model of a very long name [with layers]"}]
    text = format_summary(write_table(tmp_path, models, published=published))
    assert max(map(len, text.splitlines())) <= 110
    assert text.splitlines()[2].startswith("* a_model_with")
    assert f"best model by validation MSE: {long}" in text
    assert "nan" not in text
