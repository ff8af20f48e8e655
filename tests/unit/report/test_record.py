"""The record of a run: what it keeps, and what it refuses."""

import shutil

import numpy as np
import pytest
from PIL import Image

from inverse_shading.evaluation.confidence import half_width
from inverse_shading.evaluation.metrics import read_metrics, write_metrics
from inverse_shading.report.record import read_record
from inverse_shading.report.recording import write_record
from inverse_shading.runtime.errors import InputError
from tests.support.record_inputs import (
    RANDOM,
    main_rows,
    rewrite_json,
    row,
    write_results,
    write_tables,
)

CHANGES = ("constant_rate", "cosine_decay", "canonical")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return write_results(tmp_path_factory.mktemp("run") / "results")


@pytest.fixture(scope="module")
def written(results):
    config = results.parent / "config.yaml"
    config.write_text("seeds: [1, 2, 3, 4, 5]\n")
    figure = results / "figures/gallery.png"
    figure.parent.mkdir()
    Image.new("RGBA", (8, 6), (255, 0, 0, 0)).save(figure)
    write_record(results, results.parent / "record", config, results.parent / "pictures")
    return results.parent / "record"


@pytest.fixture
def copied(written, tmp_path):
    return shutil.copytree(written, tmp_path / "record")


@pytest.fixture(scope="module")
def record(written):
    return read_record(written)


def test_rows_of_all_tables_are_kept_once(record):
    studies = {
        "ablation": ["pixel_components_without_whitening", "pixel_components_alone"],
        "bins": ["vgg16_bins_v1_11", "vgg16_bins_v1_expected_11"],
        "fine_tuning": ["vgg16_v1_stage_5"],
        "future_work": ["vgg16_bins_v1_soft", *(f"vgg16_v1_{name}" for name in CHANGES)],
        "readings": ["vgg16_bins_v1_expected", "vgg16_v1_grid_2"],
    }
    of_studies = [name for models in studies.values() for name in models]
    expected = [one["model"] for one in main_rows()] + of_studies
    assert list(record.rows) == expected
    ours, soft = record.rows["pixel_components"], record.rows["vgg16_bins_v1_soft"]
    assert (ours["table"], soft["table"]) == ("", "future_work")
    assert ours["test_mse"] == 0.0157 and ours["weights"] == "none"
    assert soft["test_mse_interval"] is None and soft["seeds"] == 1
    assert ours["test_mse_vs_floor"] == pytest.approx(0.0157 / 0.0068, abs=1e-4)
    assert record.published[0]["test_mse_vs_floor"] is None


def test_differences_have_both_directions(record):
    there = record.differences["vgg16_v1", "pixel_components"]
    back = record.differences["pixel_components", "vgg16_v1"]
    assert there.difference == pytest.approx(0.0129) == -back.difference
    assert (there.low, there.high) == (-back.high, -back.low)
    # Of a study.
    assert record.differences["vgg16_v1_grid_2", "vgg16_bins_v1"].difference < 0


def test_trainings_are_means_over_seeds(record):
    training = record.trainings["vgg16_v1"]
    epochs = [(60 + seed) / 30 for seed in range(5)]
    assert training["epoch_seconds"] == pytest.approx(np.mean(epochs), abs=0.005)
    assert training["epoch_seconds_seeds"] == pytest.approx(half_width(epochs), abs=0.005)
    assert training["best_epoch_seconds"] == pytest.approx(25 * np.mean(epochs), abs=0.005)
    assert training["test_less_validation"] == pytest.approx(0.0002)
    assert training["test_less_validation_images"] == pytest.approx(
        np.hypot(0.002, 0.002), abs=1e-6
    )


def test_another_reading_of_a_training_has_no_time(results, tmp_path):
    shutil.copytree(results, tmp_path / "results")
    path = tmp_path / "results/models/vgg16_v1/metrics.json"
    seeds = [one | {"seconds": None, "epochs": None} for one in read_metrics(path)["seeds"]]
    rewrite_json(path, seeds=seeds)
    write_record(tmp_path / "results", tmp_path / "record")
    training = read_record(tmp_path / "record").trainings["vgg16_v1"]
    assert training["epoch_seconds"] is None and training["best_epoch_seconds"] is None
    assert training["test_less_validation"] == pytest.approx(0.0002)
    rewrite_json(path, seeds=[{}])
    with pytest.raises(InputError, match=r"metrics\.json: found no metrics of a model's seeds"):
        write_record(tmp_path / "results", tmp_path / "record")


def test_times_of_a_stage_are_added_up(record):
    stages = {stage["stage"]: stage for stage in record.facts["stages"]}
    assert list(stages) == ["appearance", "features/vgg16", "render", "train"]
    assert stages["appearance"]["jobs"] == 2
    assert stages["render"] == {
        "stage": "render", "jobs": 2, "images": 12, "seconds": 220.0, "cpu_seconds": 61.0,
        "memory_mb": 232.4,
    }  # fmt: skip
    # Not those of twelve more images, of a former data set.
    assert stages["features/vgg16"]["jobs"] == 1 and stages["features/vgg16"]["seconds"] == 50.0
    assert stages["train"]["seconds"] == 62.0 and stages["train"]["cpu_seconds"] == 30.5


def test_refinement_is_held_against_the_floor_of_its_images(record):
    refined = record.facts["refinement"]
    numbers, floor = np.array([0.1, 0.09]) ** 2, np.array([0.08, 0.072]) ** 2
    assert refined["images"] == 2 and refined["interval"] == 0.8
    assert refined["numbers"]["mse"] == pytest.approx(numbers.mean())
    # Wilson's of one of two; a share of all has an interval too.
    low, high = refined["coverage_interval"]["base"]
    assert (low, high) == (pytest.approx(0.0945, abs=1e-4), pytest.approx(0.9055, abs=1e-4))
    low, high = refined["coverage_interval"]["metalness"]
    assert (low, high) == (pytest.approx(0.3424, abs=1e-4), 1)
    assert refined["above_floor"]["mse"] == pytest.approx((numbers - floor).mean(), abs=1e-6)
    assert refined["above_floor"]["images_interval"] == pytest.approx(
        half_width(numbers - floor), abs=1e-5
    )


def test_trials_penalties_configuration_and_figures_are_kept(record, written):
    assert [trial["state"] for trial in record.trials] == ["complete", "pruned"]
    assert record.trials[0]["values"] == {"training.learning_rate": "0.0002"}
    assert [one["penalty"] for one in record.facts["ridge_penalties"]] == [0.001, 0.01]
    assert record.facts["config"] == "seeds: [1, 2, 3, 4, 5]\n"
    assert record.facts["images"] == {"train": 4, "validation": 4, "test": 4, "all": 12}
    assert record.facts["machine"]["cores"] >= 1 and "torch" in record.facts["machine"]["versions"]
    assert record.facts["pictures"] == ["gallery"]
    with Image.open(written.parent / "pictures/gallery.jpg") as picture:
        # What is transparent becomes white.
        assert picture.format == "JPEG" and picture.getpixel((0, 0)) == (255, 255, 255)


def test_the_same_results_give_the_same_bytes_in_small_text(results, written, tmp_path):
    write_record(results, tmp_path / "again", results.parent / "config.yaml", tmp_path / "pictures")
    files = {path.name: path.read_bytes() for path in written.iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == files
    assert all(content.decode().isprintable() or b"\n" in content for content in files.values())


def test_a_study_that_is_still_being_made_and_models_left_from_before_are_passed_over(
    results, tmp_path
):
    shutil.copytree(results, tmp_path / "results")
    (tmp_path / "results/studies/ablation/paired_tests.csv").unlink()
    (tmp_path / "results/models/pixel_components").rename(tmp_path / "results/models/older")
    write_record(tmp_path / "results", tmp_path / "record")
    record = read_record(tmp_path / "record")
    assert "pixel_components_alone" not in record.rows and "vgg16_bins_v1_11" in record.rows
    assert not {"older", "pixel_components"} & set(record.trainings)


def test_what_is_refused_leaves_no_half_of_a_record(results, tmp_path):
    shutil.copytree(results, tmp_path / "results")
    (tmp_path / "results/paired_tests.csv").unlink()
    with pytest.raises(InputError, match=r"paired_tests\.csv"):
        write_record(tmp_path / "results", tmp_path / "record")
    assert not (tmp_path / "record").exists()


def test_a_run_without_models_is_refused(tmp_path):
    write_tables(tmp_path / "results", main_rows())
    with pytest.raises(InputError, match=r"found no models/MODEL/metrics\.json"):
        write_record(tmp_path / "results", tmp_path / "record")


def test_no_results_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"found no comparison\.csv.*Run it first"):
        write_record(tmp_path, tmp_path / "record")


def test_a_record_is_not_written_over_results(results):
    before = (results / "comparison.csv").read_bytes()
    with pytest.raises(InputError, match=r"found comparison\.csv without record\.json.*--output"):
        write_record(results, results)
    assert (results / "comparison.csv").read_bytes() == before


def test_a_configuration_must_be_text(results, tmp_path):
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"binary\.yaml: can't be read as UTF-8"):
        write_record(results, tmp_path / "record", tmp_path / "binary.yaml")
    with pytest.raises(InputError, match=r"none\.yaml: can't be read"):
        write_record(results, tmp_path / "record", tmp_path / "none.yaml")
    assert not (tmp_path / "record").exists()


def test_a_broken_benchmark_is_named(tmp_path):
    results = write_results(tmp_path / "results")
    (results / "timings/render/000000-000005.tsv").write_text("s\th:m:s\n")
    with pytest.raises(InputError, match=r"000000-000005\.tsv: can't be read as a benchmark"):
        write_record(results, tmp_path / "record")


@pytest.mark.parametrize("found", [2, 0, None, "1"])
def test_a_record_of_another_format_is_refused(copied, found):
    rewrite_json(copied / "record.json", format=found)
    with pytest.raises(InputError, match=r"record\.json: found a record of format .*, expected 1"):
        read_record(copied)


def test_a_record_without_all_its_facts_is_refused(copied):
    write_metrics(copied / "record.json", {"format": 1})
    with pytest.raises(InputError, match=r"record\.json: .*found no version, images, machine"):
        read_record(copied)


@pytest.mark.parametrize(
    "name", ["record.json", "comparison.csv", "paired_tests.csv", "trials.csv"]
)
def test_missing_and_changed_files_are_refused_with_the_command_that_mends_it(copied, name):
    (copied / name).write_text((copied / name).read_text().replace("0.0", "0.1"))
    with pytest.raises(
        InputError, match=rf"{name}: .*inverse-shading record RESULTS --output"
    ) as error:
        read_record(copied)
    assert "Delete" not in str(error.value)
    (copied / name).unlink()
    with pytest.raises(InputError, match=rf"{name}: can't be read.*inverse-shading record"):
        read_record(copied)


@pytest.mark.parametrize("name", ["second_stage", "bfloat16"])
def test_a_run_of_its_own_may_have_studies(results, copied, name):
    write_record(results, copied / name)
    made = read_record(copied)
    assert made.parts[name].studied and made.continuations == []


def test_a_model_of_one_seed_has_no_interval_over_seeds(tmp_path):
    rows = [*main_rows(), row("single", 0.03, seeds=1, test_mse_interval=None)]
    results = write_results(tmp_path / "results")
    write_tables(results, rows)
    write_record(results, tmp_path / "record")
    record = read_record(tmp_path / "record")
    with pytest.raises(
        InputError, match=r"comparison\.csv: found one seed of single, expected two"
    ):
        record.seeds_interval(record.rows["single"])
    # A study's row says so itself.
    assert record.seeds_interval(record.rows["vgg16_bins_v1_soft"]) is None


def test_records_in_folders_are_parts(results, copied):
    write_record(results, copied / "second_stage")
    part = read_record(copied).parts["second_stage"]
    assert part.folder == copied / "second_stage" and "ridge" in part.rows
    # Its rows may have one seed.
    assert part.seeds_interval(part.rows["vgg16_v1"] | {"test_mse_interval": None}) is None


@pytest.fixture
def continued(results, tmp_path):
    """A run without studies, and a folder of studies alone, whose models have one seed."""
    shutil.copytree(results, tmp_path / "run", ignore=shutil.ignore_patterns("studies", "*grid_2"))
    write_record(tmp_path / "run", tmp_path / "record")
    later = tmp_path / "later"
    alone = {"seeds": 1, "test_mse_interval": None}
    base = [one | alone if one["source"] == "model" else one for one in main_rows()]
    write_tables(later / "studies/readings", [*base, row("vgg16_v1_grid_2", 0.035, **alone)])
    write_tables(later / "studies/images", [*base, row("vgg16_v1_1000", 0.041, **alone)])
    shutil.copytree(results / "models", later / "models")
    shutil.copytree(results / "search", later / "search")
    (later / "search/vgg16_v1").rename(later / "search/vgg16_v1_1000")
    return later


def test_studies_in_a_folder_continue_the_run(continued, tmp_path):
    before = read_record(tmp_path / "record")
    write_record(continued, tmp_path / "record/later")
    record = read_record(tmp_path / "record")
    assert set(record.rows) - set(before.rows) == {"vgg16_v1_grid_2", "vgg16_v1_1000"}
    assert record.rows["vgg16_v1_1000"]["table"] == "images"
    # What the run has itself stays: five seeds, where the later folder has one.
    assert all(record.rows[name] == before.rows[name] for name in before.rows)
    assert record.differences["vgg16_v1_1000", "vgg16_v1"].difference == pytest.approx(0.0124)
    assert record.differences["vgg16_v1", "vgg16_v2"] == before.differences["vgg16_v1", "vgg16_v2"]
    assert set(record.trainings) - set(before.trainings) == {"vgg16_v1_grid_2"}
    assert [trial["model"] for trial in record.trials] == ["vgg16_v1"] * 2 + ["vgg16_v1_1000"] * 2
    assert [part.folder.name for part in record.continuations] == ["later"]


def test_what_a_model_adds_to_its_weights_is_no_other_origin(continued, tmp_path):
    small = row("resnet50_v3_all_112", 0.03, weights=f"{RANDOM}, images of 112 px")
    write_tables(continued / "studies/images", [*main_rows(), small])
    write_record(continued, tmp_path / "record/first")
    # Also of a further one, which is held against the run and not against the first.
    write_tables(continued / "studies/bins", [*main_rows(), row("resnet50_bins", 0.06)])
    write_record(continued, tmp_path / "record/second")
    rows = read_record(tmp_path / "record").rows
    assert rows["resnet50_v3_all_112"]["weights"].endswith("112 px") and "resnet50_bins" in rows


def test_models_that_the_run_lacks_are_not_compared_with_its_own(continued, tmp_path):
    rows = [*main_rows(), row("streamed", 0.01)]
    shutil.copytree(tmp_path / "run", continued, dirs_exist_ok=True)
    write_tables(continued, rows)
    for name, model in (("readings", "vgg16_v1_grid_2"), ("images", "vgg16_v1_1000")):
        write_tables(continued / "studies" / name, [*rows, row(model, 0.03)])
    write_record(continued, tmp_path / "record/later")
    record = read_record(tmp_path / "record")
    assert "streamed" not in record.rows
    assert not [pair for pair in record.differences if "streamed" in pair]
    assert ("vgg16_v1_1000", "vgg16_v1") in record.differences


def test_only_figures_of_studies_are_taken_from_what_continues_a_run(continued, tmp_path):
    for place in ("figures/gallery.png", "studies/images/figures/axis.png"):
        (continued / place).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 6)).save(continued / place)
    write_record(continued, tmp_path / "record/later", pictures=tmp_path / "pictures")
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["images.jpg"]


def test_studies_alone_are_no_run(continued, tmp_path):
    with pytest.raises(InputError, match=r"found no comparison\.csv with paired_tests\.csv beside"):
        write_record(continued, tmp_path / "alone")
    assert not (tmp_path / "alone").exists()


def test_a_damaged_part_has_one_remedy(continued, tmp_path):
    write_record(continued, tmp_path / "record/later")
    (tmp_path / "record/later/trials.csv").unlink()
    with pytest.raises(InputError, match=r"later/trials\.csv") as error:
        read_record(tmp_path / "record")
    assert str(error.value).count("inverse-shading record") == 1


@pytest.mark.parametrize(
    "model, changes, message",
    [
        ("ridge", {"test_mse": 0.0312}, "test_mse 0.0312 of ridge, expected 0.0311 as"),
        ("ridge", None, "train_mse None of ridge, expected 0.0311 as"),
        ("vgg16_v1_grid_2", {"precision": "bfloat16"}, "precision bfloat16 of vgg16_v1_grid_2"),
        ("vgg16_v1_grid_2", {"weights": "file other"}, "weights file other of vgg16_v1_grid_2"),
    ],
)
def test_studies_of_another_run_are_refused(continued, tmp_path, model, changes, message):
    rows = [*main_rows(), row("vgg16_v1_grid_2", 0.035)]
    rows = [one | (changes or {}) if one["model"] == model else one for one in rows]
    if changes is None:
        rows = [one for one in rows if one["model"] != model]
    write_tables(continued / "studies/readings", rows)
    shutil.rmtree(continued / "studies/images")
    write_record(continued, tmp_path / "record/later")
    with pytest.raises(InputError, match=rf"later/comparison\.csv: found {message}") as error:
        read_record(tmp_path / "record")
    assert f"remove {tmp_path / 'record/later'}." in str(error.value)
