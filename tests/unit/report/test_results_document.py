"""The document of a run: rendered from its record, its sentences chosen by the numbers."""

import dataclasses
import shutil

import pytest
from PIL import Image

from inverse_shading.report.document import _Page, render_document, write_document
from inverse_shading.report.record import Record, read_record
from inverse_shading.report.recording import write_record
from inverse_shading.runtime.errors import InputError
from tests.support.record_inputs import (
    FLOOR_MSE,
    main_rows,
    row,
    write_model,
    write_results,
    write_tables,
)
from tests.support.traced_numbers import CONSTANTS, prose_constants, untraced


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    base = tmp_path_factory.mktemp("run")
    write_record(write_results(base / "results"), base / "record")
    return base / "record"


@pytest.fixture(scope="module")
def record(folder):
    return read_record(folder)


def changed(record, **errors):
    """The record with other test errors of rows."""
    rows = {name: dict(content) for name, content in record.rows.items()}
    for name, error in errors.items():
        rows[name] |= {"test_mse": error, "validation_mse": error}
    return dataclasses.replace(record, rows=rows, differences={})


def section(text, heading):
    return text.partition(f"# {heading}\n")[2].partition("\n## ")[0]


def test_every_number_stands_in_the_record(record, folder):
    assert untraced(render_document(record), folder) == []


def test_the_prose_holds_no_number_of_a_run(record, folder):
    assert prose_constants() <= CONSTANTS
    # That the check above can fail.
    assert untraced("0.1234567 and 98.76 of 1001 bins", folder) == ["0.1234567", "98.76"]


def test_multiples_of_floor_and_ridge_lead(record):
    text = section(render_document(record), "In short")
    assert (
        "has 2.31 times the floor's and 0.50 times the ridge regression's test MSE: 0.0157" in text
    )
    assert "has 0.92 of the best of them (0.09, on other images)" in text
    assert text.index("times the floor's") < text.index("0.92")


@pytest.mark.parametrize(
    "errors, expected",
    [
        ({"vgg16_v1": 0.02}, "`vgg16_v1` is better than it"),
        (
            {"vgg16_v1": 0.05, "vgg16_v2": 0.05},
            "None of the poster's six models is shown to be better",
        ),
    ],
)
def test_sentences_follow_the_numbers(record, errors, expected):
    text = render_document(changed(record, **errors | {"vgg16_v2": 0.05}))
    assert expected in section(text, "Against ridge regression")


def test_the_effect_of_a_change_is_worded_by_its_size(record):
    for error, words in (
        (0.02, "lower than"),
        (0.0286, "not told apart from"),
        (0.04, "higher than"),
    ):
        text = section(
            render_document(changed(record, vgg16_v1_stage_5=error)), "The poster's future work"
        )
        line = next(
            line for line in text.splitlines() if line.startswith("- VGG16 V1 with its last block")
        )
        assert words in line


@pytest.mark.parametrize(
    "error, change", [(0.0357, "(+25 %)"), (0.0285, "(−0.35 %)"), (0.08, "(+180 %)")]
)
def test_the_effect_of_a_change_is_a_share_of_the_reference(record, error, change):
    text = render_document(changed(record, vgg16_v1_canonical=error))
    line = next(line for line in text.splitlines() if line.startswith("- **Canonical targets**"))
    assert line.endswith(f"{change}.")


def test_refinement_below_the_floor_reads_as_a_negative_difference(record):
    refined = record.facts["refinement"]
    below = refined | {"above_floor": {"mse": -0.0012, "images_interval": 0.002}}
    text = render_document(dataclasses.replace(record, facts=record.facts | {"refinement": below}))
    assert "differ from it by −0.0012 ± 0.0020 (images) in the mean" in text


def test_a_search_that_was_not_applied_says_so(record):
    sentence = "No model of this document was trained with what they chose"
    assert sentence in render_document(record)
    rows = {name: dict(content) for name, content in record.rows.items()}
    rows["ridge"]["trials"] = 8
    assert sentence in render_document(dataclasses.replace(record, rows=rows))
    rows["vgg16_v1"]["trials"] = 8
    assert sentence not in render_document(dataclasses.replace(record, rows=rows))


def test_impossible_rows_are_listed_only_where_there_are_some(record):
    sentence = "As printed, the table breaks this for VGG16-Regression"
    assert sentence in render_document(record)
    rows = {name: row for name, row in record.rows.items() if not name.startswith("VGG16-")}
    text = render_document(dataclasses.replace(record, rows=rows))
    assert "breaks this" not in text


def test_a_row_whose_errors_are_all_roots_is_named(record):
    sentence = "Of VGG16-Classification the train and the test MAE are both √MSE but for rounding"
    assert sentence in render_document(record)
    rows = {name: dict(content) for name, content in record.rows.items()}
    rows["VGG16-Classification"]["train_mae"] = 0.3
    assert "are both √MSE" not in render_document(dataclasses.replace(record, rows=rows))


@pytest.mark.parametrize(
    "bounds, words",
    [
        ([0.7, 0.79], "For `metalness` the interval of the share misses"),
        ([0.7, 0.8], "of each share holds"),
    ],
)
def test_intervals_that_hold_another_share_are_named(record, bounds, words):
    refined = record.facts["refinement"]
    held = {name: [0.75, 0.85] for name in refined["coverage_interval"]} | {"metalness": bounds}
    facts = record.facts | {"refinement": refined | {"coverage_interval": held}}
    text = render_document(dataclasses.replace(record, facts=facts))
    assert words in section(text, "How predictions look, and refined")


@pytest.mark.parametrize(
    "seeds, later, said",
    [(1, 5, "The seeds differ."), (5, 3, "in float32."), (1, 1, "float32 is of a later run.")],
)
def test_a_row_in_bfloat16_stands_beside_one_of_the_same_seeds(record, seeds, later, said):
    def of(count):
        own = record.rows["vgg16_v1"] | {"seeds": count, "chosen_seed": 2}
        return dataclasses.replace(record, rows=record.rows | {"vgg16_v1": own}, parts={})

    rows = of(5).rows
    parts = {"bfloat16": of(seeds), "later": of(later)}
    text = render_document(dataclasses.replace(record, rows=rows, parts=parts))
    costs = section(text, "What bfloat16 costs")
    line = next(line for line in costs.splitlines() if line.startswith("- `vgg16_v1`: "))
    assert line.endswith(said)


@pytest.mark.parametrize("weights, said", [("random (seed 1)", True), ("file a.pth", False)])
def test_random_weights_among_the_six_are_named_first(record, weights, said):
    rows = {name: dict(content) for name, content in record.rows.items()}
    rows["resnet50_v3"]["weights"] = weights
    rows["resnet50_v2"]["weights"] = "file a.pth"
    text = section(render_document(dataclasses.replace(record, rows=rows)), "In short")
    assert ("The trunks of `resnet50_v3` have random weights here." in text) == said


def test_the_command_names_a_configuration_only_if_there_is_one(record):
    assert "--configfile" not in render_document(record)
    facts = record.facts | {"config": "seeds: [1, 2]\n"}
    text = render_document(dataclasses.replace(record, facts=facts))
    assert "--configfile DIR/config.yaml\n" in text and "seeds: [1, 2]" in text


def test_the_largest_change_is_named(record):
    sentence = "and of the reading of bins, **{}** moves the error most, for better or worse."
    text = render_document(record)
    assert sentence.format("the expected value in place of the most probable bin") in text
    assert sentence.format("canonical targets") in render_document(
        changed(record, vgg16_v1_canonical=0.09)
    )


def test_the_ablation_begins_with_the_largest_change(record):
    def first(record):
        part = section(render_document(record), "What makes `pixel_components` good")
        return part.partition("The row that differs most from `pixel_components` is ")[2].split(
            ":"
        )[0]

    assert first(record) == "`pixel_components_alone`"
    worse = changed(record, pixel_components_without_whitening=0.05)
    assert first(worse) == "`pixel_components_without_whitening`"


def test_both_readings_of_bins_stand_side_by_side(record):
    part = render_document(record).partition("### Two readings of bins")[2]
    line = next(line for line in part.splitlines() if line.startswith("| `vgg16_bins_v1_11`"))
    assert "| 0.0548 ±" in line and "| 0.0354 ±" in line


def test_bins_are_held_against_the_same_reading(record):
    page, soft = _Page(record), "vgg16_bins_v1_soft"
    assert page.same_reading(soft) == "vgg16_bins_v1_expected"
    rows = {**record.rows, soft: record.rows[soft] | {"decoding": "argmax"}}
    assert _Page(dataclasses.replace(record, rows=rows)).same_reading(soft) == "vgg16_bins_v1"
    rows = {name: row for name, row in record.rows.items() if name != "vgg16_bins_v1_expected"}
    assert _Page(dataclasses.replace(record, rows=rows)).same_reading(soft) == "vgg16_bins_v1"
    assert page.same_reading("none") == "vgg16_bins_v1"


def test_plain_cross_entropy_may_be_a_run_of_its_own(folder, tmp_path):
    text = render_document(read_record(folder))
    heading = "### The poster's loss against plain cross-entropy"
    part = text.partition(heading)[2].partition("\n### ")[0]
    assert "Plain cross-entropy is not in this run." in part
    results, ridge = tmp_path / "results", 0.0312
    rows = [one | {"test_mse": ridge} if one["model"] == "ridge" else one for one in main_rows()]
    write_tables(results / "studies/readings", [*rows, row("vgg16_bins_v1_plain", 0.0900)])
    write_model(results, "vgg16_bins_v1_plain", 0.0900)
    shutil.copytree(folder, tmp_path / "record")
    write_record(results, tmp_path / "record/losses")
    record = read_record(tmp_path / "record")
    # Its images are others, and its rows none of the run's.
    assert "vgg16_bins_v1_plain" not in record.rows
    part = render_document(record).partition(heading)[2].partition("\n### ")[0]
    line = next(
        line for line in part.splitlines() if line.startswith("- By the most probable bin, each")
    )
    assert "`vgg16_bins_v1_plain` has 0.0900 " in line
    assert "higher than `vgg16_bins_v1`'s 0.0726" in line
    assert f"the ridge regression has a test MSE of {ridge:.6f} on its images and of 0.0311" in part
    assert "that a search of its own chose by the most probable bin, except in" in part
    claims = [line for line in render_document(record).splitlines() if "a new loss" in line]
    claim = next(line for line in claims if "most probable bin" in line)
    assert "its error is lower; from a run of their own" in claim
    sentence = "Learning rate and weight decay differ as well as the loss."
    record.parts["losses"].rows["vgg16_bins_v1_plain"]["tuned"] = "rate 2"
    for found, said in ((None, False), ("rate 2", False), ("rate 1", True)):
        record.rows["vgg16_bins_v1"]["tuned"] = found
        assert (sentence in render_document(record)) == said


def test_readings_tuned_by_themselves_are_a_run_of_their_own(folder, tmp_path):
    heading, bins, grid = (
        "### Classification against regression",
        "vgg16_bins_v1_expected",
        "grid_2",
    )
    text = render_document(read_record(folder))
    assert "_tuned" not in text.partition(heading)[2].partition("\n### ")[0]
    results, error = tmp_path / "results", 0.0150
    rows = [*main_rows(), row(f"{bins}_tuned", error), row(f"vgg16_v1_{grid}", 0.0311)]
    write_tables(results / "studies/readings", rows)
    write_model(results, f"{bins}_tuned", error)
    shutil.copytree(folder, tmp_path / "record")
    write_record(results, tmp_path / "record/losses")
    record = read_record(tmp_path / "record")
    assert f"{bins}_tuned" not in record.rows
    # The model's values are its own.
    part = render_document(record).partition(heading)[2].partition("\n### ")[0]
    assert "_tuned" not in part
    record.rows[bins]["tuned"] = "learning_rate 0.01 (of vgg16_bins_v1)"
    part = render_document(record).partition(heading)[2].partition("\n### ")[0]
    assert f"- `{bins}_tuned`: 0.0150 " in part and "lower than `vgg16_v1_grid_2`'s 0.0311" in part
    assert "vgg16_bins_v2_expected_tuned`:" not in part
    # The model of this run has 0.0404, far above.
    assert "on all images these do better" not in part
    record.rows[bins]["test_mse"] = 0.0100
    assert "on all images these do better than what its own search" in render_document(record)


def test_rows_with_the_values_of_a_run_of_its_own_are_held_against_its_row(folder, tmp_path):
    bins = "vgg16_bins_v1_expected"
    results = tmp_path / "results"
    write_tables(results / "studies/readings", [*main_rows(), row(f"{bins}_tuned", 0.0150)])
    write_model(results, f"{bins}_tuned", 0.0150)
    shutil.copytree(folder, tmp_path / "record")
    write_record(results, tmp_path / "record/losses")
    record = read_record(tmp_path / "record")
    record.parts["losses"].rows[f"{bins}_tuned"]["tuned"] = "rate 2"
    for name, found in (("vgg16_bins_v1", "rate 1"), (bins, "rate 1 (of vgg16_bins_v1)")):
        record.rows[name]["tuned"] = found
    few = f"{bins}_11"
    for found, decoding, soft, same in (
        ("rate 2", "expected", "the same values", True),
        ("rate 2", "argmax", "the same values", False),
        ("rate 3", "expected", "values that a search by the same reading chose", False),
    ):
        record.rows["vgg16_bins_v1_soft"]["tuned"] = found
        record.rows[few] |= {"tuned": found, "decoding": decoding}
        text = render_document(record)
        apart = "0.0150 ± 0.0003 (seeds) ± 0.0007 (images), in [a run of its own]"
        assert f"With {soft}, the poster's loss has {apart}" in text
        sentence = f"With the values of `{few}`, all bins by the expected value have {apart}"
        assert (sentence in text) == same


@pytest.mark.parametrize(
    "own, theirs, said",
    [("rate 1", "rate 2", True), ("rate 1", "rate 1 (of a)", False), (None, "rate 2", False)],
)
def test_bins_with_other_values_are_named(record, own, theirs, said):
    rows = {name: dict(content) for name, content in record.rows.items()}
    rows["vgg16_bins_v1"]["tuned"] = own
    rows["vgg16_bins_v1_expected"]["tuned"] = theirs
    part = render_document(dataclasses.replace(record, rows=rows)).partition("### How many bins")[2]
    sentence = "of `vgg16_bins_v1_expected` are others than those of `vgg16_bins_v1`."
    assert (sentence in part.partition("\n## ")[0]) == said


def test_trainings_of_other_models_are_named_beside_the_times(record):
    assert "are of models that aren't in" not in render_document(record)
    stages = [
        one | ({"jobs": 99} if one["stage"] == "train" else {}) for one in record.facts["stages"]
    ]
    more = dataclasses.replace(record, facts=record.facts | {"stages": stages})
    own = [name for name, content in record.rows.items() if not content["table"]]
    trained = sum(
        int(content["seeds"]) for name, content in record.trainings.items() if name in own
    )
    assert (
        f"Of the jobs of `train`, {99 - trained} are of models that aren't in"
        in render_document(more)
    )


def test_what_the_run_lacks_is_said_where_it_would_stand(record):
    kept = {name: row for name, row in record.rows.items() if name in ("vgg16_v1", "ridge")}
    facts = record.facts | {"refinement": None, "stages": [], "ridge_penalties": [], "config": None}
    text = render_document(Record(record.folder, kept, {}, {}, [], facts, {}))
    for heading in ("In short", "A verdict on every claim", "The poster's future work", "Another stage",
                    "How long it took", "How predictions look, and refined"):  # fmt: skip
        assert "not in this run" in section(text, heading), heading
    empty = render_document(Record(record.folder, {}, {}, {}, [], facts, {}))
    assert "The ridge regression is not in this run." in empty


def test_a_second_stage_has_a_table_of_its_own(record, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "record")
    shutil.copytree(folder, tmp_path / "record/second_stage")
    shutil.copytree(folder, tmp_path / "record/bfloat16")
    write_document(tmp_path / "record", tmp_path / "results.md")
    text = (tmp_path / "results.md").read_text()
    assert "| `pixel_components` |" in section(text, "Another stage")
    assert "`vgg16_v2` as on the first stage" in section(text, "Another stage")
    assert "| `vgg16_v1` |" in section(text, "What bfloat16 costs")
    assert "`pixel_components` is better than `vgg16_v2` on both." in section(text, "Another stage")
    assert section(text, "How long it took").count("| `render` | ") == 3


def test_what_changes_on_a_second_stage_is_named(record):
    other = changed(record, pixel_components=0.04, vgg16_v1=0.083)
    stages = [one | {"seconds": 12.5} for one in other.facts["stages"]]
    other = dataclasses.replace(other, facts=other.facts | {"stages": stages})
    text = render_document(dataclasses.replace(record, parts={"second_stage": other}))
    part = section(text, "Another stage")
    assert (
        "`pixel_components` is worse than `vgg16_v2` here, and better than `vgg16_v2` there."
        in part
    )
    assert (
        "Not shown to be better than a constant answer here is `vgg16_v1`; there are none." in part
    )
    assert "counted in a table above too" not in text


def test_a_row_is_below_that_of_another_run_where_no_interval_reaches_the_other(record):
    page = _Page(record)
    # ± 0.0003 over seeds and ± 0.0007 over images, of each
    for error, expected in ((0.0307, True), (0.0305, False), (0.0200, False)):
        other = _Page(changed(record, vgg16_v1=error))
        assert page.is_below("vgg16_v1", other, "vgg16_v1") == expected
    assert not page.is_below("missing", page, "vgg16_v1")


def test_the_largest_change_counts_in_half_widths_over_images(record):
    page = _Page(record)
    other = changed(record, vgg16_v1=0.02867, vgg16_bins_v1=0.0725, vgg16_v2=0.05)
    other.rows["vgg16_v1"]["test_mse_image_interval"] = 0.00014
    # Other seeds change it too.
    other.rows["vgg16_v2"]["seeds"] = 3
    assert page.largest_change(_Page(other)) == {"name": "vgg16_v1", "share": "50 %"}
    text = render_document(dataclasses.replace(record, parts={"bfloat16": other}))
    assert (
        "Of the models with the same seeds in both, `vgg16_v1` changes most for its half-width over "
        "images: by 50 % of it." in text
    )
    assert page.largest_change(_Page(dataclasses.replace(record, rows={}))) is None


def test_jobs_that_two_tables_count_are_named(record):
    render, train = (
        next(one for one in record.facts["stages"] if one["stage"] == name)
        for name in ("render", "train")
    )

    def with_stages(*stages):
        return dataclasses.replace(record, facts=record.facts | {"stages": list(stages)})

    later = with_stages(render | {"seconds": 1.5})
    part = with_stages(render | {"seconds": 1.5}, train | {"seconds": 2.5})
    for more, said in (({}, False), ({"studies": later}, True)):
        made = dataclasses.replace(record, parts={**more, "bfloat16": part})
        sentence = "; the jobs of `render` are counted in a table above too:"
        assert (sentence in render_document(made)) == said


def test_blocks_trained_in_bfloat16_stand_beside_their_frozen_models(tmp_path):
    frozen, coarse = (write_results(tmp_path / name) for name in ("frozen", "coarse"))
    shutil.rmtree(frozen / "studies/fine_tuning")
    write_record(frozen, tmp_path / "record")
    other = row("vgg16_v1", 0.0286)
    write_tables(coarse, [other if one["model"] == "vgg16_v1" else one for one in main_rows()])
    trained = [row("vgg16_v1_stage_5", 0.0199), row("resnet50_v3_all_112", 0.0601)]
    write_tables(coarse / "studies/fine_tuning", [*main_rows(), *trained])
    (tmp_path / "mine.yaml").write_text("features: {precision: bfloat16}\n")
    write_record(coarse, tmp_path / "record/bfloat16", tmp_path / "mine.yaml")
    text = render_document(read_record(tmp_path / "record"))
    future = section(text, "The poster's future work")
    assert "\n- `vgg16_v1_stage_5`: 0.0199 " in future
    line = next(line for line in future.splitlines() if line.startswith("- `vgg16_v1_stage_5`: "))
    train = [one["train_mse"] for one in (trained[0], other)]
    change = f"{float(f'{100 * (train[0] / train[1] - 1):.2g}'):+g} %".replace("-", "−")
    assert line.endswith(f" On training images its MSE differs from the frozen one's by {change}.")
    # What stands below in bfloat16 isn't called missing above.
    assert "vgg16_v1_stage_5`" not in future.partition("VGG16's last block (`_stage_5`")[0]
    # It has no frozen self of that name.
    assert "\n- `resnet50_v3_all_112`:" not in text
    claim = next(line for line in text.splitlines() if "training earlier layers as well” |" in line)
    assert "0.0199" in claim and "**reproduced**" in claim and "both in bfloat16" in claim
    assert "```yaml\nfeatures: {precision: bfloat16}\n```\n" in section(text, "What bfloat16 costs")


def test_where_a_trained_block_gains_is_told_from_where_it_can_not(tmp_path):
    frozen, coarse = (write_results(tmp_path / name) for name in ("frozen", "coarse"))
    shutil.rmtree(frozen / "studies/fine_tuning")
    write_record(frozen, tmp_path / "record")
    gains = {"test_mse_specular": 0.0186, "test_mse_metalness": 0.0276}
    trained = row("vgg16_v1_stage_5", 0.0266, **gains)
    write_tables(coarse / "studies/fine_tuning", [*main_rows(), trained])
    write_record(coarse, tmp_path / "record/bfloat16")
    record = read_record(tmp_path / "record").parts["bfloat16"]
    found = _Page(record).largest_falls("vgg16_v1_stage_5", "vgg16_v1", 2)
    before = [record.rows["vgg16_v1"][f"test_mse_{name}"] for name in ("specular", "metalness")]
    assert found["inputs"] == ["specular", "metalness"]
    assert found["change"] == f"{100 * (0.0462 / sum(before) - 1):+.2g} %".replace("-", "−")
    above = (0.0266 - FLOOR_MSE) / (0.0286 - FLOOR_MSE) - 1
    text = render_document(read_record(tmp_path / "record"))
    line = next(line for line in text.splitlines() if line.startswith("- `vgg16_v1_stage_5`: "))
    assert f"Of what lies above the floor, that is {100 * above:+.2g} %.".replace("-", "−") in line
    assert (
        "to `vgg16_v1_stage_5` the errors of the four inputs that fall by the largest amounts, `specular`, "
        in text
    )


def trials_of(model, *errors):
    return [
        {
            "model": model,
            "number": number,
            "state": "complete",
            "validation_mse": error,
            "values": {},
        }
        for number, error in enumerate(errors, start=1)
    ]


@pytest.mark.parametrize("lowest, grows", [(0.0305, True), (0.0150, False)])
def test_what_trained_blocks_gain_is_compared_with_the_searches(tmp_path, lowest, grows):
    frozen, coarse = (write_results(tmp_path / name) for name in ("frozen", "coarse"))
    write_record(frozen, tmp_path / "record")
    write_tables(coarse, [row("vgg16_v1", 0.0286), *main_rows()[1:]])
    trained = [row("vgg16_v1_stage_5", 0.0199)]
    write_tables(coarse / "studies/fine_tuning", [*main_rows(), *trained])
    (tmp_path / "mine.yaml").write_text("features: {precision: bfloat16}\n")
    write_record(coarse, tmp_path / "record/bfloat16", tmp_path / "mine.yaml")
    found = read_record(tmp_path / "record")
    own = dataclasses.replace(
        found.parts["bfloat16"], trials=trials_of("vgg16_v1_stage_5", 0.04, lowest)
    )
    whole = dataclasses.replace(
        found, trials=trials_of("vgg16_v1", 0.0310, 0.05), parts={"bfloat16": own}
    )
    text = section(render_document(whole), "The poster's future work")
    assert f"trials of `vgg16_v1_stage_5` is {lowest:.4f}, and that of `vgg16_v1`" in text
    assert ("training the block lowers the error by a larger share" in text) == grows
    assert "| `vgg16_v1_stage_5` |  | 2 | 2 |" in text


@pytest.mark.parametrize(
    "lowest, error, turns",
    [(0.05, 0.02, True), (0.02, 0.02, False), (0.05, 0.04, False), (None, 0.02, False)],
)
def test_a_gain_that_turns_with_the_number_of_images_is_not_the_schedule_s(
    record, lowest, error, turns
):
    trials = trials_of("vgg16_v1", 0.0310, 0.0555)
    if lowest:
        trials += trials_of("vgg16_v1_constant_rate", 0.0600, lowest)
    for trial in trials:
        trial["values"] = {"training.learning_rate": trial["number"]}
    found = dataclasses.replace(changed(record, vgg16_v1_constant_rate=error), trials=trials)
    text = section(render_document(found), "The poster's future work")
    line = next(line for line in text.splitlines() if line.startswith("- **Learning-rate decay**"))
    said = "constant rate is 0.0500. One cycle with the same two values has 0.0555, and with its own 0.0310."
    assert (said in line) == turns
    assert ("may be due to these values and not to the schedule" in line) == turns


@pytest.mark.parametrize("error, worse", [(0.2, True), (0.05, False)])
def test_bins_that_a_constant_answer_beats_are_called_so(record, error, worse):
    rows = {**record.rows, "resnet50_bins": record.rows["vgg16_bins_v1"] | {"test_mse": error}}
    text = render_document(dataclasses.replace(record, rows=rows))
    line = next(line for line in text.splitlines() if line.startswith("- **Bins for ResNet50**"))
    assert ("A constant answer, " in line) == worse


@pytest.mark.parametrize("error, better", [(0.0150, True), (0.0400, False)])
def test_a_trained_block_stands_beside_the_best_frozen_row_of_its_head(tmp_path, error, better):
    frozen, coarse = (write_results(tmp_path / name) for name in ("frozen", "coarse"))
    shutil.rmtree(frozen / "studies/fine_tuning")
    write_record(frozen, tmp_path / "record")
    (tmp_path / "mine.yaml").write_text("features: {precision: bfloat16}\n")
    write_record(coarse, tmp_path / "record/bfloat16", tmp_path / "mine.yaml")
    others = {"vgg16_v1_canonical": 0.05, "vgg16_v1_cosine_decay": 0.05}
    found = changed(read_record(tmp_path / "record"), vgg16_v1_constant_rate=error, **others)
    text = section(render_document(found), "The poster's future work")
    assert ("`vgg16_v1_constant_rate` has 0.0150" in text) == better
    assert ("So part of the gain of `vgg16_v1_stage_5`" in " ".join(text.split())) == better


def test_studies_made_later_say_how(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "record")
    base = write_results(tmp_path / "run")
    shutil.rmtree(base / "studies")
    shutil.rmtree(base / "models/vgg16_v1_grid_2")
    write_record(base, tmp_path / "record")
    assert "later" not in render_document(read_record(tmp_path / "record"))
    (tmp_path / "mine.yaml").write_text("seeds: [1]\n")
    later = write_results(tmp_path / "later")
    figure = later / "studies/bins/figures/axis.png"
    figure.parent.mkdir()
    Image.new("RGB", (8, 6)).save(figure)
    pictures = tmp_path / "pictures"
    write_record(later, tmp_path / "record/later", tmp_path / "mine.yaml", pictures)
    record = read_record(tmp_path / "record")
    text = render_document(record)
    assert "| `vgg16_v1_grid_2` |" in text and "![Test MSE against the number of bins]" in text
    assert "Studies were made later, on the same images" in text.partition("## In short")[0]
    assert "*fine tuning*" in section(text, "How it was run")
    assert text.count("| `render` |") == 2
    assert "seeds: [1]" in section(text, "How it was run")
    assert untraced(text, tmp_path / "record") == []


def test_a_single_seed_is_refused_by_name(record):
    rows = {name: dict(content) for name, content in record.rows.items()}
    rows["ridge"]["seeds"] = rows["perceptron"]["seeds"] = None
    rows["pixel_components"] |= {"seeds": 1, "test_mse_interval": None}
    with pytest.raises(InputError, match="found one seed of pixel_components"):
        render_document(dataclasses.replace(record, rows=rows))
