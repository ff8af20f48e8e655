"""Verdicts on the poster's claims: each comes out both ways, and can stay open."""

import dataclasses
from pathlib import Path

import pytest

from inverse_shading.evaluation.paired_tests import Difference
from inverse_shading.report import verdicts
from inverse_shading.report.record import Record
from inverse_shading.report.verdicts import LISTED, REFUTED, REPRODUCED, UNTESTED
from inverse_shading.runtime.errors import InputError
from tests.support.record_inputs import POSTER, WEIGHTS, row

IMAGENET = "imagenet (torchvision)"
# One processor second of a trunk for each image.
STAGES = [
    {"stage": f"features/{name}", "seconds": 5.0, "cpu_seconds": 20.0, "images": 20}
    for name in ("vgg16", "resnet50")
]
FACTS = {"images": {"train": 13, "validation": 3, "test": 4, "all": 20}, "stages": STAGES}
PUBLISHED_ERRORS = ("train_mse", "train_mae", "test_mse", "test_mae")
CLOSE = 0.0005  # less than the intervals of `row` over images and seeds


def record(errors=(), published=POSTER, **facts):
    """A record of rows with these errors; ResNet50 is pre-trained unless a test says otherwise."""
    errors = dict.fromkeys(LISTED, 0.03) | {"constant": 0.0832} | dict(errors)
    rows = {}
    for name, error in errors.items():
        source = "baseline" if name == "constant" else "model"
        blank = {"table": "", "test_mse_vs_floor": error / 0.0068, "tuned": None}
        rows[name] = row(name, error, source, weights=WEIGHTS, decoding="") | blank
        if "resnet" in name:
            rows[name]["weights"] = IMAGENET
    for name, errors_of_poster in published.items():
        rows[name] = dict(zip(PUBLISHED_ERRORS, errors_of_poster, strict=True)) | {
            "model": name,
            "source": "poster (published)",
            "table": "",
        }
    trainings = {
        name: {
            "test_less_validation": 0.0001,
            "test_less_validation_seeds": 0.0002,
            "test_less_validation_images": 0.0003,
            "epoch_seconds": 2.0,
            "epoch_seconds_seeds": 0.1,
            "best_epoch_seconds": 50.0,
            "best_epoch_seconds_seeds": 1.0,
        }
        for name in LISTED
    }
    return Record(Path("record"), rows, {}, trainings, facts=FACTS | facts)


def untrained(made):
    for name, content in made.rows.items():
        if "resnet" in name:
            content["weights"] = "random (seed 1)"
    return made


@pytest.mark.parametrize(
    "errors, expected",
    [
        ({"resnet50_v3": 0.02}, REPRODUCED),
        ({"resnet50_v3": 0.04}, REFUTED),
        ({"resnet50_v3": 0.03 - CLOSE}, UNTESTED),
    ],
)
def test_the_best_model(errors, expected):
    assert verdicts.best_model(record(errors))[1] == expected
    measured, verdict, why = verdicts.best_model(untrained(record(errors)))
    assert verdict == UNTESTED and "random weights" in why and "`resnet50_v3`" in measured


@pytest.mark.parametrize(
    "errors, expected",
    [
        ({"resnet50_v2": 0.02}, REPRODUCED),
        ({"vgg16_v1": 0.02}, REFUTED),
        ({"vgg16_v1": 0.03 - CLOSE}, UNTESTED),
    ],
)
def test_resnet_over_vgg(errors, expected):
    assert verdicts.resnet_over_vgg(record(errors))[1] == expected
    assert verdicts.resnet_over_vgg(untrained(record(errors)))[1] == UNTESTED


@pytest.mark.parametrize("grid, expected", [(0.04, REPRODUCED), (0.02, REFUTED), (0.03, UNTESTED)])
@pytest.mark.parametrize("bins", ["vgg16_bins_v1", "vgg16_bins_v1_expected"])
def test_classification_is_held_against_regression_on_the_same_grid(bins, grid, expected):
    made = record({bins: 0.03, "vgg16_v1_grid_2": grid})
    measured, verdict, why = verdicts.classification_easier(made, bins, "vgg16_v1_grid_2")
    assert verdict == expected and f"`{bins}`" in measured
    assert why.startswith("easier is read as a lower test error")


def test_a_reading_tuned_by_itself_is_judged_in_place_of_one_that_is_not():
    bins, grid = "vgg16_bins_v1_expected", "vgg16_v1_grid_2"
    apart = record({f"{bins}_tuned": 0.02, grid: 0.03})
    made = dataclasses.replace(record({bins: 0.05, grid: 0.03}), parts={"losses": apart})
    # Its values are its own.
    assert verdicts.classification_easier(made, bins, grid)[1] == REFUTED
    made.rows[bins]["tuned"] = "learning_rate 0.01 (of vgg16_bins_v1)"
    measured, verdict, why = verdicts.classification_easier(made, bins, grid)
    assert verdict == REPRODUCED and f"`{bins}_tuned` 0.0200" in measured
    assert why.endswith(
        f"with those that the search by the most probable bin chose, `{bins}` has 0.0500 ± 0.0003 (seeds) ± 0.0007 (images)"
    )
    del apart.rows[f"{bins}_tuned"]
    assert verdicts.classification_easier(made, bins, grid)[1] == REFUTED


@pytest.mark.parametrize(
    "difference, expected", [(-0.001, REPRODUCED), (0.01, REFUTED), (0.003, UNTESTED)]
)
def test_test_like_validation(difference, expected):
    made = record()
    made.trainings["vgg16_v2"]["test_less_validation"] = difference
    measured, verdict, _ = verdicts.similar_on_test(made)
    assert verdict == expected and "`vgg16_v2` decides" in measured


def test_similar_names_the_model_that_decides():
    made = record()
    # One whose difference is larger, but may be none.
    made.trainings["vgg16_v1"] |= {
        "test_less_validation": 0.009, "test_less_validation_images": 0.02,
    }  # fmt: skip
    made.trainings["vgg16_v2"]["test_less_validation"] = 0.006
    measured, verdict, _ = verdicts.similar_on_test(made)
    assert verdict == REFUTED and "`vgg16_v2` decides: test less validation is +0.0060" in measured


@pytest.mark.parametrize("measure", ["epoch_seconds", "best_epoch_seconds"])
@pytest.mark.parametrize("factor, expected", [(0.5, REPRODUCED), (2.0, REFUTED), (1.0, UNTESTED)])
def test_resnet_faster(measure, factor, expected):
    made = record()
    for name in ("resnet50_v2", "resnet50_v3"):
        made.trainings[name][measure] *= factor
    assert verdicts.resnet_faster(made, measure)[1] == expected
    # How many epochs it takes depends on the weights, how long one takes doesn't.
    found = verdicts.resnet_faster(untrained(made), measure)[1]
    assert found == (expected if measure == "epoch_seconds" else UNTESTED)


@pytest.mark.parametrize("measure, total", [("epoch_seconds", 18), ("best_epoch_seconds", 450)])
def test_an_epoch_runs_the_trunk_too(measure, total):
    # A second for each of the 16 images of an epoch, and 2 s for the head; the best epoch is the 25th.
    measured = verdicts.resnet_faster(record(), measure)[0]
    assert measured.endswith(f"in every epoch: ResNet50 {total} s, VGG16 {total} s")
    vgg, resnet = STAGES
    slow = [vgg, resnet | {"cpu_seconds": 40.0}]
    assert verdicts.resnet_faster(record(stages=slow), measure)[1] == REFUTED
    quick = [vgg, resnet | {"cpu_seconds": 10.0}]
    made = record(stages=quick)
    for name in ("resnet50_v2", "resnet50_v3"):
        # Heads alone would say the opposite.
        made.trainings[name] |= {"epoch_seconds": 3.0, "best_epoch_seconds": 75.0}
    assert verdicts.resnet_faster(made, measure)[1] == REPRODUCED
    for stages in ([], [vgg]):
        _, verdict, why = verdicts.resnet_faster(record(stages=stages), measure)
        assert verdict == UNTESTED and "no times of both trunks" in why


def test_without_times_of_epochs_nothing_is_said():
    made = record()
    made.trainings["vgg16_v2"]["epoch_seconds"] = None
    assert verdicts.resnet_faster(made, "epoch_seconds")[:2] == ("not in this run", UNTESTED)


@pytest.mark.parametrize(
    "plain, expected", [(0.04, "is lower"), (0.02, "is higher"), (0.03, "is not told apart")]
)
@pytest.mark.parametrize("poster", ["vgg16_bins_v1", "vgg16_bins_v1_expected"])
def test_the_loss_stands_beside_plain_cross_entropy(poster, plain, expected):
    made = record({poster: 0.03, "plain": plain})
    measured, verdict, why = verdicts.loss(made, poster, "plain")
    assert verdict == UNTESTED and f"`{poster}` 0.0300" in measured
    assert (
        why
        == f"the poster names no gain; beside plain cross-entropy, each at values chosen for its loss, so that not the loss alone differs, its error {expected}"
    )
    control = record({poster: 0.03, "plain": plain, "plain_same_values": 0.03})
    measured, _, why = verdicts.loss(control, poster, "plain")
    assert "`plain_same_values`" in measured and why.endswith("decay, its error is not told apart")
    # Or a search of the reading's own chose the same values for both.
    tuned = record({poster: 0.05, f"{poster}_tuned": 0.03, "plain": plain})
    tuned.rows[f"{poster}_tuned"]["tuned"] = "learning_rate 0.01"
    tuned.rows["plain"]["tuned"] = "learning_rate 0.01 (of another)"
    measured, _, why = verdicts.loss(tuned, poster, "plain")
    assert f"`{poster}_tuned` 0.0300" in measured and why.endswith(f"decay, its error {expected}")
    tuned.rows["plain"]["tuned"] = "learning_rate 0.02 (of another)"
    assert f"`{poster}` 0.0500" in verdicts.loss(tuned, poster, "plain")[0]
    # A run of their own says so where this one has no such row.
    apart = dataclasses.replace(record({poster: 0.05}), parts={"losses": made})
    measured, verdict, why = verdicts.loss(apart, poster, "plain")
    assert verdict == UNTESTED and f"`{poster}` 0.0300" in measured
    assert why.endswith(f"{expected}; from a run of their own")
    assert verdicts.loss(record({poster: 0.05}), poster, "plain") == (
        "not in this run",
        UNTESTED,
        f"no run has `{poster}` beside `plain`",
    )


@pytest.mark.parametrize("error, expected", [(0.02, REPRODUCED), (0.04, REFUTED), (0.03, UNTESTED)])
def test_earlier_layers(error, expected):
    made = record({"vgg16_v1_stage_5": error})
    assert verdicts.earlier_layers(made)[1] == expected
    made.rows["vgg16_v1"]["weights"] = "random (seed 1)"
    assert verdicts.earlier_layers(made)[1:] == (UNTESTED, verdicts.RANDOM_VGG)


def test_earlier_layers_trained_in_bfloat16_say_so():
    coarse = record({"vgg16_v1": 0.031, "vgg16_v1_stage_5": 0.02})
    made = dataclasses.replace(record(), parts={"bfloat16": coarse})
    measured, verdict, why = verdicts.earlier_layers(made)
    assert verdict == REPRODUCED and "0.0310" in measured and why.endswith("run of their own")
    # The run itself comes first.
    own = dataclasses.replace(record({"vgg16_v1_stage_5": 0.04}), parts={"bfloat16": coarse})
    assert verdicts.earlier_layers(own)[1] == REFUTED
    assert "bfloat16" not in verdicts.earlier_layers(own)[2]
    del coarse.rows["vgg16_v1"]
    assert verdicts.earlier_layers(made)[:2] == ("not in this run", UNTESTED)


def test_a_published_row_is_held_against_its_models():
    made = record({"resnet50_v3": 0.0895})
    poster = made.rows["ResNet50-V3 [Added layers]"]
    assert verdicts.published(made, poster)[1] == REPRODUCED
    # Of other images: an error of ours that differs refutes nothing.
    measured, verdict, why = verdicts.published(record(), poster)
    assert (
        verdict == UNTESTED
        and "other images" in why
        and "MAE 0.0900 ± 0.0006 (seeds); on training images 0.0300, MAE" in measured
    )
    assert verdicts.published(untrained(made), poster)[1] == UNTESTED
    for mae in (0.3, 0.351):
        possible = record({"vgg16_v1": 0.12}, {"VGG16-Regression": (0.1, 0.1, 0.12, mae)})
        assert verdicts.published(possible, possible.rows["VGG16-Regression"])[1] == REPRODUCED
    # A mean absolute error that no errors have is refuted whatever ours are.
    impossible = {"VGG16-Regression": (0.1, 0.1, 0.1204, 0.3517)}
    made = record({"vgg16_v1": 0.12}, impossible)
    _, verdict, why = verdicts.published(made, made.rows["VGG16-Regression"])
    assert verdict == REFUTED and "0.3517 > √0.1204 = 0.3470" in why and "0.0832" in why
    del made.rows["vgg16_v1"], made.rows["vgg16_v2"]
    found = verdicts.published(made, made.rows["VGG16-Regression"])
    assert found[:2] == ("not in this run", REFUTED)
    unknown = record(published={"Other": (0.1, 0.1, 0.05, 0.1)})
    assert verdicts.published(unknown, unknown.rows["Other"])[1] == UNTESTED


@pytest.mark.parametrize(
    "mse, mae, expected",
    [(0.12, 0.351, "= 0.346"), (0.1742, 0.4174, "= 0.41737"), (0.09, 0.26, ""), (0.25, 0.5, "")],
)
def test_an_mae_above_the_root_of_the_mse_is_impossible(mse, mae, expected):
    found = verdicts.impossible_mae({"test_mse": mse, "test_mae": mae})
    assert found.endswith(expected) and bool(found) == bool(expected)


def test_an_mae_that_rounding_explains_refutes_nothing():
    made = record({"vgg16_bins_v1": 0.07})
    row = made.rows["VGG16-Classification"]
    assert verdicts.is_within_rounding(row)
    _, verdict, why = verdicts.published(made, row)
    assert verdict == UNTESTED and "0.41737; rounding may explain it" in why
    # 0.125 at most, whose root is 0.3536.
    assert verdicts.is_within_rounding(made.rows["VGG16-Regression"])
    # 0.17425 at most, whose root is 0.41743.
    assert not verdicts.is_within_rounding(row | {"test_mae": 0.4175})
    assert not verdicts.is_within_rounding({"test_mse": 0.1204, "test_mae": 0.351})


def test_both_errors_of_a_row_tell_that_they_are_of_one_kind():
    rows = {
        model: {"train_mse": a, "train_mae": b, "test_mse": c, "test_mae": d}
        for model, (a, b, c, d) in POSTER.items()
    }
    assert [model for model, row in rows.items() if verdicts.is_root(row)] == [
        "VGG16-Classification"
    ]
    # An error so small that it is printed with an exponent, or as nothing.
    tiny = {"train_mse": 0.0, "train_mae": 0.0, "test_mse": 0.00005, "test_mae": 0.2}
    assert not verdicts.is_root(tiny)


def test_a_small_half_width_is_not_written_as_nothing():
    assert [verdicts.four_decimals(value) for value in (0.0, 0.000006, 0.00005, 0.0123)] == [
        "0.0000",
        "0.000006",
        "0.0001",
        "0.0123",
    ]


@pytest.mark.parametrize(
    "error, expected",
    [(0.03, "lower than"), (0.09, "higher than"), (0.0832, "not told apart from")],
)
def test_a_listed_model_is_held_against_a_constant(error, expected):
    """And isn't judged: the poster's list says nothing of it."""
    made = record({"vgg16_v2": error, "resnet50_v2": error})
    for name in ("vgg16_v2", "resnet50_v2"):
        measured, verdict, why = verdicts.listed_model(made, name)
        assert verdict == UNTESTED and f"{error / 0.0068:.2f} × floor" in measured
        assert why.endswith(f"its error is {expected} that of a constant answer (0.0832)")
    assert verdicts.listed_model(untrained(made), "resnet50_v2")[2] == verdicts.RANDOM


def test_the_interval_of_a_paired_test_counts_and_that_over_seeds_too():
    made = record({"vgg16_v1": 0.030, "vgg16_v2": 0.031})
    # ± 0.0007 over images each, ± 0.0003 over seeds each
    assert verdicts.order(made, "vgg16_v1", "vgg16_v2") == 0
    for half, expected in ((0.0004, -1), (0.0007, 0)):
        made.differences["vgg16_v1", "vgg16_v2"] = Difference(
            "vgg16_v1", -0.001, -0.001 - half, -0.001 + half, 0.01
        )
        assert verdicts.order(made, "vgg16_v1", "vgg16_v2") == expected
    assert "difference −0.0010 [−0.0017, −0.0003]" in verdicts.describe_pair(
        made, "vgg16_v1", "vgg16_v2"
    )


def test_one_seed_scatters_as_the_seeds_that_it_is_held_against():
    made = record({"vgg16_v1": 0.030, "vgg16_v1_stage_5": 0.029})
    pair = "vgg16_v1_stage_5", "vgg16_v1"
    made.differences[pair] = Difference(pair[0], -0.001, -0.0015, -0.0005, 0.01)
    # ± 0.0005 over images, ± 0.0003 over each row's five seeds
    assert verdicts.order(made, *pair) == -1
    made.rows[pair[0]] |= {"seeds": 1, "test_mse_interval": None, "table": "fine_tuning"}
    # 0.0003 · √6 = 0.00073
    assert verdicts.order(made, *pair) == 0
    assert verdicts.order(made, *reversed(pair)) == 0
    made.rows["vgg16_v1"] |= {"test_mse_interval": 0.0002}
    assert verdicts.order(made, *pair) == -1
    # A baseline has no seeds that could scatter.
    made.rows[pair[0]]["seeds"] = None
    made.rows["vgg16_v1"] |= {"test_mse_interval": 0.0004}
    assert verdicts.order(made, *pair) == -1


def test_every_claim_has_a_verdict_also_where_rows_are_missing():
    found = verdicts.verdicts(record())
    claims = [one.claim for one in found]
    assert len(claims) == 15 + len(POSTER) + len(LISTED)
    by_claim = dict(zip(claims, found, strict=True))
    assert len(by_claim) == len(claims)
    earlier = by_claim["“In the future, we would recommend training earlier layers as well”"]
    assert earlier.measured == "not in this run" and earlier.verdict == UNTESTED
    assert earlier.why == "no run has `vgg16_v1_stage_5` beside `vgg16_v1`"
    made = record()
    del made.rows["resnet50_v3"]
    assert verdicts.verdicts(made)[0].why == "the run has no `resnet50_v3`"


def test_a_single_seed_has_no_verdict():
    made = record()
    made.rows["vgg16_v1"] |= {"seeds": 1, "test_mse_interval": None}
    with pytest.raises(InputError, match=r"found one seed of vgg16_v1, expected two at least"):
        verdicts.verdicts(made)
