"""What became of every claim of the poster: its sentence, what was measured, a verdict."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from inverse_shading.evaluation.paired_tests import format_signed
from inverse_shading.evaluation.predictor_names import FLOOR, RIDGE
from inverse_shading.material.parameters import RANDOM_MSE
from inverse_shading.report.record import VS_FLOOR, Record

ABSENT = "not in this run"
REPRODUCED, REFUTED, UNTESTED = "reproduced", "refuted", "can't be tested here"

# The poster's models as it lists them.
LISTED = {
    "vgg16_v1": "VGG16 (V1) with a fully connected sigmoid output layer of 10 neurons",
    "vgg16_v2": "VGG16 (V2) with an added convolutional layer, spatial dropout, and a fully connected "
    "output layer of 10 neurons",
    "vgg16_bins_v1": "VGG16 with one-hot vectors of 1001 bins for each of the 10 floats for "
    "classification (VGG16 with bins V1)",
    "vgg16_bins_v2": "VGG16 with one-hot vectors and added convolutional layers (VGG16 with bins V2)",
    "resnet50_v2": "ResNet50 (V2) with an added convolutional layer, spatial dropout, and a fully "
    "connected output layer of 10 neurons",
    "resnet50_v3": "ResNet50 (V3) with an added average pooling layer, two dense layers, spatial "
    "dropout, and batch normalization",
}
RESNETS = [name for name in LISTED if name.startswith("resnet50")]
VGGS = [name for name in LISTED if name.startswith("vgg16")]

# Regressions with the heads of models with bins, on the same grid.
GRIDS = {"vgg16_bins_v1": "vgg16_v1_grid_2", "vgg16_bins_v2": "vgg16_v2_grid_2"}

# The models that a published row can be of.
PUBLISHED_MODELS = {
    "ResNet50-V3 [Added layers]": ["resnet50_v3"],
    "VGG16-Classification": ["vgg16_bins_v1", "vgg16_bins_v2"],
    "VGG16-Regression": ["vgg16_v1", "vgg16_v2"],
}

FASTER = "“ResNet models, which are inherently simpler than VGG, trained faster”"

# Errors on two splits are similar if they differ by less than this share of the validation error.
SIMILAR = 0.1

RANDOM = "ResNet50 has random weights here, and the poster's were pre-trained"
NOT_APART = "the intervals don't tell them apart"


@dataclass(frozen=True)
class Verdict:
    """One line of the table.

    Attributes:
        claim: the poster's words in quotation marks, with ours beside them.
        measured: what this run has to say of it, Markdown.
        verdict: `REPRODUCED`, `REFUTED` or `UNTESTED`.
        why: a reason where the verdict needs one, else empty.
    """

    claim: str
    measured: str
    verdict: str
    why: str = ""


def verdicts(record: Record) -> list[Verdict]:
    """The verdict on every claim; one whose rows this run lacks can't be tested.

    Raises:
        InputError: one of the six models was trained from a single seed.
    """
    claims: list[tuple[str, Sequence[str], Callable[[Record], tuple]]] = [
        (
            "“We were able to achieve the best results from our fine tuned Resnet50 model, which "
            "achieved a MSE loss of 0.09 and MAE of 0.26”",
            list(LISTED),
            best_model,
        ),
        (
            "“ResNet models outperformed VGG models by a small amount”",
            list(LISTED),
            resnet_over_vgg,
        ),
    ]
    claims += [
        (
            "“classification was an easier task for VGG to learn than regression”",
            [bins, grid],
            lambda record, bins=bins, grid=grid: classification_easier(record, bins, grid),
        )
        for model, grid in GRIDS.items()
        for bins in (model, f"{model}_expected")
    ]
    claims += [
        (
            "“All models performed similarly on the test set and validation set”",
            list(LISTED),
            similar_on_test,
        ),
        (
            f"{FASTER} (an epoch)",
            list(LISTED),
            lambda record: resnet_faster(record, "epoch_seconds"),
        ),
        (
            f"{FASTER} (to the best epoch)",
            list(LISTED),
            lambda record: resnet_faster(record, "best_epoch_seconds"),
        ),
        (
            "“[…] and were easier to interpret”",
            [],
            lambda record: ("nothing", UNTESTED, "the poster names no measure of it"),
        ),
        (
            "“We also created a new loss function, modifying cross entropy loss, for our bins-based "
            "architecture”",
            ["vgg16_bins_v1", "vgg16_bins_v1_soft"],
            loss,
        ),
        (
            "“In the future, we would recommend training earlier layers as well”",
            ["vgg16_v1_stage_5", "vgg16_v1"],
            earlier_layers,
        ),
    ]
    for row in record.published:
        claims.append(
            (
                f"its row “{row['model']}”: test MSE {row['test_mse']:g}, MAE {row['test_mae']:g}",
                [],
                lambda record, row=row: published(record, row),
            )
        )
    for number, (name, listed) in enumerate(LISTED.items(), start=1):
        claims.append(
            (
                f"“{number}. {listed}”",
                [name, "constant"],
                lambda record, name=name: listed_model(record, name),
            )
        )
    found = []
    for claim, needed, judge in claims:
        absent = [
            name
            for name in needed
            if name not in record.rows or (name in LISTED and name not in record.trainings)
        ]
        if absent:
            names = ", ".join(f"`{name}`" for name in absent)
            found.append(Verdict(claim, ABSENT, UNTESTED, f"the run has no {names}"))
        else:
            found.append(Verdict(claim, *judge(record)))
    return found


def best_model(record: Record) -> tuple[str, str, str]:
    """Whether ResNet50 V3 is the best of the six."""
    others = [name for name in LISTED if name != "resnet50_v3"]
    best = _best(record, list(LISTED))
    measured = f"the best of the six by validation is `{best}`, {describe_error(record, best)}"
    if best != "resnet50_v3":
        measured += f"; `resnet50_v3` has {describe_error(record, 'resnet50_v3')}"
    if _is_random(record, "resnet50_v3"):
        return measured, UNTESTED, RANDOM
    sides = [order(record, "resnet50_v3", other) for other in others]
    if all(side < 0 for side in sides):
        return measured, REPRODUCED, ""
    return (measured, REFUTED, "") if max(sides) > 0 else (measured, UNTESTED, NOT_APART)


def resnet_over_vgg(record: Record) -> tuple[str, str, str]:
    """Whether the best ResNet50 is better than the best VGG16, by validation."""
    resnet, vgg = _best(record, RESNETS), _best(record, VGGS)
    measured = describe_pair(record, resnet, vgg)
    if _is_random(record, resnet):
        return measured, UNTESTED, RANDOM
    return measured, *_lower(record, resnet, vgg)


def classification_easier(record: Record, bins: str, grid: str) -> tuple[str, str, str]:
    """Whether a model with bins has a lower error than the same head with a regression."""
    measured = describe_pair(record, bins, grid)
    reading = "expected value" if bins.endswith("_expected") else "most probable bin"
    verdict, why = _lower(record, bins, grid)
    reasons = [f"bins read by the {reading}; head and grid are the same", *filter(None, [why])]
    return measured, verdict, "; ".join(reasons)


def similar_on_test(record: Record) -> tuple[str, str, str]:
    """Whether test errors of all six are within `SIMILAR` of the validation errors."""
    shares = {}
    for name in LISTED:
        training, validation = record.trainings[name], record.rows[name]["validation_mse"]
        half = _sum(training["test_less_validation_seeds"], training["test_less_validation_images"])
        difference = abs(training["test_less_validation"])
        shares[name] = (difference / validation, half / validation)
    largest = max(shares, key=lambda name: shares[name][0])
    training = record.trainings[largest]
    measured = (
        f"the largest difference is that of `{largest}`, "
        f"{format_signed(training['test_less_validation'])}"
        f"{_plus_minus(training, 'test_less_validation')} of "
        f"{record.rows[largest]['validation_mse']:.4f}"
    )
    why = f"similar is taken as within {SIMILAR * 100:g} % of the validation error"
    if all(share + half < SIMILAR for share, half in shares.values()):
        return measured, REPRODUCED, why
    if any(share - half > SIMILAR for share, half in shares.values()):
        return measured, REFUTED, why
    return measured, UNTESTED, f"{why}, and the intervals reach beyond"


def resnet_faster(record: Record, measure: str) -> tuple[str, str, str]:
    """Whether heads on ResNet50 train faster than on VGG16, in the mean of their models.

    Args:
        measure: epoch_seconds or best_epoch_seconds.
    """
    means, halves = {}, {}
    for family, names in (("ResNet50", RESNETS), ("VGG16", VGGS)):
        rows = [record.trainings[name] for name in names]
        if any(row[measure] is None for row in rows):
            return ABSENT, UNTESTED, "the run has no times of all six models"
        means[family] = sum(row[measure] for row in rows) / len(rows)
        halves[family] = math.hypot(*(row[f"{measure}_seeds"] or 0 for row in rows)) / len(rows)
    measured = ", ".join(
        f"{family} {_two_digits(means[family])} ± {_two_digits(halves[family])} s"
        for family in means
    )
    passes = {
        stage["stage"].removeprefix("features/"): stage["seconds"]
        for stage in record.facts.get("stages", ())
    }
    if measure == "epoch_seconds" and {"resnet50", "vgg16"} <= passes.keys():
        measured += (
            f"; the trunk over all images once: ResNet50 {passes['resnet50']:.0f} s, "
            f"VGG16 {passes['vgg16']:.0f} s"
        )
    if measure == "best_epoch_seconds" and _is_random(record, RESNETS[0]):
        return measured, UNTESTED, RANDOM
    why = "heads on kept features, without the one pass through the frozen trunk"
    difference = means["ResNet50"] - means["VGG16"]
    if abs(difference) <= sum(halves.values()):
        return measured, UNTESTED, f"{why}; {NOT_APART}"
    return measured, REPRODUCED if difference < 0 else REFUTED, why


def loss(record: Record) -> tuple[str, str, str]:
    """Whether the poster's loss beats plain cross-entropy to soft targets, same head and bins."""
    plain = "vgg16_bins_v1_soft"
    poster = same_reading(record, plain)
    measured = describe_pair(record, poster, plain)
    why = "the poster names no gain; read as a lower error than plain cross-entropy to soft targets"
    verdict, unclear = _lower(record, poster, plain)
    return measured, verdict, "; ".join(filter(None, [why, unclear]))


def same_reading(record: Record, name: str) -> str:
    """The model with the poster's loss whose bins are read as those of another one."""
    twin = "vgg16_bins_v1_expected"
    is_expected = record.rows[name]["decoding"] == "expected"
    return twin if is_expected and twin in record.rows else "vgg16_bins_v1"


def earlier_layers(record: Record) -> tuple[str, str, str]:
    """Whether VGG16 V1 gets better where its last stage is trained too."""
    measured = describe_pair(record, "vgg16_v1_stage_5", "vgg16_v1")
    return measured, *_lower(record, "vgg16_v1_stage_5", "vgg16_v1")


def published(record: Record, row: Mapping) -> tuple[str, str, str]:
    """Whether a published test error is that of a model that the row can be of."""
    names = [name for name in PUBLISHED_MODELS.get(row["model"], []) if name in record.rows]
    measured = "; ".join(f"`{name}` {describe_error(record, name)}" for name in names) or ABSENT
    impossible = impossible_mae(row)
    reasons = [impossible] if impossible else []
    constant = record.rows.get("constant")
    if row["test_mse"] >= RANDOM_MSE:
        reasons.append("no better than an answer drawn at random")
    elif constant and constant["test_mse"] <= row["test_mse"]:
        reasons.append(f"no better than our constant answer ({constant['test_mse']:.4f})")
    trained = [name for name in names if not _is_random(record, name)]
    within = any(
        abs(record.rows[name]["test_mse"] - row["test_mse"]) <= _half(record, name)
        for name in trained
    )
    if impossible:
        verdict = REFUTED
    elif not trained:
        verdict = UNTESTED
        reasons.append(RANDOM if names else "the run has no such model")
    else:
        verdict = REPRODUCED if within else REFUTED
    return measured, verdict, "; ".join(reasons)


def impossible_mae(row: Mapping) -> str:
    """The inequality that a published test MAE breaks, as text; empty if it breaks none.

    The mean of absolute errors is never above the root of the mean of their squares.
    """
    root = math.sqrt(row["test_mse"])
    if row["test_mae"] <= root:
        return ""
    # As many decimals as it takes to tell the two apart.
    printed = len(f"{row['test_mae']:g}".partition(".")[2])
    decimals = next(count for count in range(printed, 17) if round(root, count) < row["test_mae"])
    return (
        f"an MAE can't exceed √MSE, and {row['test_mae']:g} > √{row['test_mse']:g} = "
        f"{root:.{decimals}f}"
    )


def listed_model(record: Record, name: str) -> tuple[str, str, str]:
    """Whether a model of the poster's list learns more from its images than a constant."""
    row = record.rows[name]
    shares = [
        f"{row[column]:.2f} × {what}"
        for column, what in ((VS_FLOOR, FLOOR), ("test_mse_vs_ridge", RIDGE))
        if row[column] is not None
    ]
    measured = ", ".join([describe_error(record, name), *shares])
    if _is_random(record, name):
        return measured, UNTESTED, RANDOM
    verdict, why = _lower(record, name, "constant")
    return measured, verdict, "; ".join(filter(None, ["read as: it beats a constant answer", why]))


def order(record: Record, a: str, b: str) -> int:
    """-1 if a's test error is lower, 1 if it is higher, 0 if the intervals don't tell.

    The half-widths over images and over seeds are added up, since neither covers the other.
    """
    first, second = record.rows[a], record.rows[b]
    difference = first["test_mse"] - second["test_mse"]
    tested = record.differences.get((a, b))
    images = (
        (tested.high - tested.low) / 2
        if tested
        else _sum(first["test_mse_image_interval"], second["test_mse_image_interval"])
    )
    seeds = math.hypot(
        record.seeds_interval(first) or 0,
        record.seeds_interval(second) or 0,
    )
    if abs(difference) <= images + seeds:
        return 0
    return 1 if difference > 0 else -1


def describe_error(record: Record, name: str) -> str:
    """A row's test MSE with its intervals over seeds and over images, Markdown.

    Raises:
        InputError: see `Record.seeds_interval`.
    """
    row = record.rows[name]
    text = f"{row['test_mse']:.4f}"
    seeds = record.seeds_interval(row)
    if seeds is not None:
        text += f" ± {seeds:.4f} (seeds)"
    elif row["seeds"] == 1:
        text += " (one seed)"
    if row["test_mse_image_interval"] is not None:
        text += f" ± {row['test_mse_image_interval']:.4f} (images)"
    return text


def describe_pair(record: Record, a: str, b: str) -> str:
    """The errors of two rows, and the interval of their difference over the same images."""
    text = f"`{a}` {describe_error(record, a)} against `{b}` {describe_error(record, b)}"
    tested = record.differences.get((a, b))
    if tested:
        text += f"; difference {format_signed(tested.difference)} {tested.interval}"
    return text


def _lower(record: Record, a: str, b: str) -> tuple[str, str]:
    side = order(record, a, b)
    if side == 0:
        return UNTESTED, NOT_APART
    return (REPRODUCED if side < 0 else REFUTED), ""


def _best(record: Record, names: Sequence[str]) -> str:
    return min(names, key=lambda name: record.rows[name]["validation_mse"])


def _is_random(record: Record, name: str) -> bool:
    return record.rows[name]["weights"].startswith("random")


def _half(record: Record, name: str) -> float:
    row = record.rows[name]
    return _sum(record.seeds_interval(row), row["test_mse_image_interval"])


def _sum(*halves: float | None) -> float:
    return sum(half or 0 for half in halves)


def _plus_minus(row: Mapping, name: str) -> str:
    return "".join(
        f" ± {row[f'{name}_{over}']:.4f} ({over})"
        for over in ("seeds", "images")
        if row[f"{name}_{over}"] is not None
    )


def _two_digits(value: float) -> str:
    """Two digits that count, without an exponent."""
    return f"{float(f'{value:.2g}'):g}"
