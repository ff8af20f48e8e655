"""What became of every claim of the poster: its sentence, what was measured, a verdict."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from inverse_shading.evaluation.comparison_table import INHERITED, MODEL
from inverse_shading.evaluation.paired_tests import format_signed
from inverse_shading.evaluation.predictor_names import FLOOR, RIDGE
from inverse_shading.material.parameters import RANDOM_MSE
from inverse_shading.report.record import BFLOAT16, LOSSES, VS_FLOOR, Record

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

SIMPLER = "“ResNet models, which are inherently simpler than VGG"
FASTER = f"{SIMPLER}, trained faster”"

# Errors on two splits are similar if they differ by less than this share of the validation error.
SIMILAR = 0.1

RANDOM, RANDOM_VGG = (
    f"{trunk} has random weights here, and the poster's were pre-trained"
    for trunk in ("ResNet50", "VGG16")
)
NOT_APART = "the intervals don't tell them apart"
# What `order` says, in words.
SIDES = {-1: "lower than", 0: "not told apart from", 1: "higher than"}


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


# The models that a claim needs, and what judges it: measured, verdict, why.
Judge = Callable[[Record], tuple[str, str, str]]
Claim = tuple[str, Sequence[str], Judge]


def verdicts(record: Record) -> list[Verdict]:
    """The verdict on every claim; one whose rows this run lacks can't be tested.

    Raises:
        InputError: one of the six models was trained from a single seed.
    """
    found = []
    for claim, needed, judge in [*_sentences(), *_published_rows(record), *_listed_models()]:
        absent = [
            f"`{name}`"
            for name in needed
            if name not in record.rows or (name in LISTED and name not in record.trainings)
        ]
        if absent:
            found.append(Verdict(claim, ABSENT, UNTESTED, f"the run has no {', '.join(absent)}"))
        else:
            found.append(Verdict(claim, *judge(record)))
    return found


def _sentences() -> list[Claim]:
    """What the poster says in words."""
    easier = "“classification was an easier task for VGG to learn than regression”"
    return [
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
        *(
            (
                f"{easier} ({version}, {reading})",
                [bins, grid],
                partial(classification_easier, bins=bins, grid=grid),
            )
            for (model, grid), version in zip(GRIDS.items(), ("V1", "V2"), strict=True)
            for bins, reading in (
                (model, "most probable bin"),
                (f"{model}_expected", "expected value"),
            )
        ),
        (
            "“All models performed similarly on the test set and validation set”",
            list(LISTED),
            similar_on_test,
        ),
        *(
            (f"{FASTER} ({what})", list(LISTED), partial(resnet_faster, measure=measure))
            for what, measure in (
                ("an epoch", "epoch_seconds"),
                ("to the best epoch", "best_epoch_seconds"),
            )
        ),
        (
            f"{SIMPLER}”",
            [],
            lambda record: (
                "nothing",
                UNTESTED,
                "the poster names no measure of it: ResNet50 has more layers than VGG16 and more "
                "weights than VGG16's convolutions, but needs less arithmetic",
            ),
        ),
        (
            "“[…] and were easier to interpret”",
            [],
            lambda record: ("nothing", UNTESTED, "the poster names no measure of it"),
        ),
        (
            "“The network architecture we propose can be used for film and photography applications "
            "in which the properties of an image need to be known in order to regenerate similar "
            "images using a different platform”",
            ["resnet50_v3"],
            lambda record: (
                "`resnet50_v3` on renders of one object in one light, "
                + _describe_errors(record, "resnet50_v3"),
                UNTESTED,
                "no photograph with a known material is at hand; what other renderers make of "
                "materials that another model found is in "
                "[benchmarks.md](benchmarks.md#in-other-renderers)",
            ),
        ),
        *(
            (
                "“We also created a new loss function, modifying cross entropy loss, for our "
                f"bins-based architecture” (V1, {reading})",
                [],
                partial(loss, poster=poster, plain=plain),
            )
            for reading, poster, plain in (
                ("most probable bin", "vgg16_bins_v1", "vgg16_bins_v1_plain"),
                ("expected value", "vgg16_bins_v1_expected", "vgg16_bins_v1_plain_expected"),
            )
        ),
        (
            "“In the future, we would recommend training earlier layers as well”",
            [],
            earlier_layers,
        ),
    ]


def _published_rows(record: Record) -> list[Claim]:
    return [
        (
            f"its row “{row['model']}”: test MSE {row['test_mse']:g}, MAE {row['test_mae']:g}; "
            f"train MSE {row['train_mse']:g}, MAE {row['train_mae']:g}",
            [],
            partial(published, row=row),
        )
        for row in record.published
    ]


def _listed_models() -> list[Claim]:
    return [
        (f"“{number}. {listed}”", [name, "constant"], partial(listed_model, name=name))
        for number, (name, listed) in enumerate(LISTED.items(), start=1)
    ]


def best_model(record: Record) -> tuple[str, str, str]:
    """Whether ResNet50 V3 is the best of the six."""
    others = [name for name in LISTED if name != "resnet50_v3"]
    best = _best(record, list(LISTED))
    measured = f"the best of the six by validation is `{best}`, {_describe_errors(record, best)}"
    if best != "resnet50_v3":
        measured += f"; `resnet50_v3` has {_describe_errors(record, 'resnet50_v3')}"
    if is_random(record, "resnet50_v3"):
        return measured, UNTESTED, RANDOM
    sides = [order(record, "resnet50_v3", other) for other in others]
    if all(side < 0 for side in sides):
        return measured, REPRODUCED, ""
    return (measured, REFUTED, "") if max(sides) > 0 else (measured, UNTESTED, NOT_APART)


def resnet_over_vgg(record: Record) -> tuple[str, str, str]:
    """Whether the best ResNet50 is better than the best VGG16, by validation."""
    resnet, vgg = _best(record, RESNETS), _best(record, VGGS)
    measured = describe_pair(record, resnet, vgg)
    if is_random(record, resnet):
        return measured, UNTESTED, RANDOM
    why = "the best of each by validation; only the sign is judged, since “small” names no size"
    return measured, *_lower(record, resnet, vgg, why)


def classification_easier(record: Record, bins: str, grid: str) -> tuple[str, str, str]:
    """Whether a model with bins has a lower error than the same head with a regression.

    The regression has the values of a search of its own. So where the model has those of another
    reading's search, and a run of its own has it with those of its own, that one is judged.
    """
    why = "easier is read as a lower test error by the same head on the same grid"
    tuned, apart = f"{bins}_tuned", record.parts.get(LOSSES)
    inherits = inherits_values(record, bins)
    if inherits and apart and tuned in apart.rows and grid in apart.rows:
        why += (
            "; each at values that a search of its own chose, from a run of their own; with those that "
            f"the search by the most probable bin chose, `{bins}` has {describe_error(record, bins)}"
        )
        record, bins = apart, tuned
    return describe_pair(record, bins, grid), *_lower(record, bins, grid, why)


def similar_on_test(record: Record) -> tuple[str, str, str]:
    """Whether test errors of all six are within `SIMILAR` of the validation errors."""
    nearest, farthest = {}, {}
    for name in LISTED:
        training, validation = record.trainings[name], record.rows[name]["validation_mse"]
        half = _sum(training["test_less_validation_seeds"], training["test_less_validation_images"])
        difference = abs(training["test_less_validation"])
        nearest[name] = (difference - half) / validation
        farthest[name] = (difference + half) / validation
    is_refuted = max(nearest.values()) > SIMILAR
    # The model that decides.
    ends = nearest if is_refuted else farthest
    name = max(ends, key=ends.get)
    training = record.trainings[name]
    measured = (
        f"`{name}` decides: test less validation is "
        f"{format_signed(training['test_less_validation'])}"
        f"{_plus_minus(training, 'test_less_validation')}, of {record.rows[name]['validation_mse']:.4f}"
    )
    why = f"similar is taken as within {SIMILAR * 100:g} % of the validation error"
    if any(is_random(record, name) for name in LISTED):
        why += "; ResNet50's random weights are read as no obstacle to it"
    if is_refuted:
        return measured, REFUTED, why
    if max(farthest.values()) < SIMILAR:
        return measured, REPRODUCED, why
    return measured, UNTESTED, f"{why}, and the intervals reach beyond"


def resnet_faster(record: Record, measure: str) -> tuple[str, str, str]:
    """Whether ResNet50 trains faster than VGG16, in the mean of the models of each.

    Here a frozen trunk runs once over all images, and heads are trained on what it gives. Without that,
    every epoch runs it. So the time of a trunk over the images of an epoch is added to every epoch.

    Args:
        measure: epoch_seconds or best_epoch_seconds.
    """
    trunks = _trunk_seconds(record)
    heads, halves, totals = {}, {}, {}
    for family, names in (("ResNet50", RESNETS), ("VGG16", VGGS)):
        rows = [record.trainings[name] for name in names]
        if not all(row["epoch_seconds"] for row in rows):
            return ABSENT, UNTESTED, "the run has no times of all six models"
        heads[family] = sum(row[measure] for row in rows) / len(rows)
        halves[family] = math.hypot(*(row[f"{measure}_seeds"] or 0 for row in rows)) / len(rows)
        epochs = sum(row[measure] / row["epoch_seconds"] for row in rows) / len(rows)
        totals[family] = heads[family] + epochs * trunks.get(family, 0)
    measured = "heads on kept features: " + ", ".join(
        f"{family} {_two_digits(heads[family])} ± {_two_digits(halves[family])} s"
        for family in heads
    )
    if trunks.keys() < totals.keys():
        return measured, UNTESTED, "the run has no times of both trunks, which take most of it"
    measured += "; with the trunk in every epoch: " + ", ".join(
        f"{family} {_two_digits(total)} s" for family, total in totals.items()
    )
    if measure == "best_epoch_seconds" and is_random(record, RESNETS[0]):
        return measured, UNTESTED, RANDOM
    why = (
        "in the mean of ResNet50's two models and of VGG16's four, whose heads differ; estimated, "
        "with one pass of the trunk in every epoch: the heads' seconds and the trunk's processor "
        "seconds as Snakemake reads them, which decide and have no interval"
    )
    difference = totals["ResNet50"] - totals["VGG16"]
    if abs(difference) <= sum(halves.values()):
        return measured, UNTESTED, f"{why}; {NOT_APART}"
    return measured, REPRODUCED if difference < 0 else REFUTED, why


def _trunk_seconds(record: Record) -> dict[str, float]:
    """Processor seconds of each trunk over the images of an epoch, where they are known."""
    images = record.facts["images"]
    found = {stage["stage"]: stage for stage in record.facts["stages"]}
    seconds = {}
    for family, name in (("ResNet50", "resnet50"), ("VGG16", "vgg16")):
        stage = found.get(f"features/{name}")
        if stage and stage["images"]:
            once = stage["cpu_seconds"] / stage["images"]
            seconds[family] = once * (images["train"] + images["validation"])
    return seconds


def loss(record: Record, poster: str, plain: str) -> tuple[str, str, str]:
    """The poster's loss beside plain cross-entropy, same head, bins and reading.

    The poster says that it made this loss, and not that anything is better for it: there is nothing to
    refute.
    """
    words = {-1: "lower", 0: "not told apart", 1: "higher"}
    for run, where in ((record, ""), (record.parts.get(LOSSES), "; from a run of their own")):
        if run and poster in run.rows and plain in run.rows:
            how = "each at values chosen for its loss, so that not the loss alone differs"
            control = same_values_pair(run, poster, plain)
            if control:
                (poster, plain), how = control, "at the same learning rate and weight decay"
            side = f"its error is {words[order(run, poster, plain)]}{where}"
            why = f"the poster names no gain; beside plain cross-entropy, {how}, {side}"
            return describe_pair(run, poster, plain), UNTESTED, why
    return ABSENT, UNTESTED, f"no run has `{poster}` beside `{plain}`"


def same_values_pair(record: Record, poster: str, plain: str) -> tuple[str, str] | None:
    """Rows with the poster's loss and without it that differ in the loss alone; None without such.

    Either plain cross-entropy was trained at the other one's values, or two searches chose the same
    values for both.
    """
    control, tuned = f"{plain}_same_values", f"{poster}_tuned"
    if poster in record.rows and control in record.rows:
        return poster, control
    if plain in record.rows and tuned in record.rows:
        first, second = (found_values(record, name) for name in (tuned, plain))
        if first and first == second:
            return tuned, plain
    return None


def found_values(record: Record, name: str) -> str:
    """The values of a row that a search found, its own or another's; empty if none did."""
    return (record.rows[name]["tuned"] or "").partition(INHERITED)[0]


def inherits_values(record: Record, name: str) -> bool:
    """Whether a row has values that the search of another model found."""
    return INHERITED in (record.rows[name]["tuned"] or "")


def earlier_layers(record: Record) -> tuple[str, str, str]:
    """Whether VGG16 V1 gets better where its last block is trained too.

    The run in bfloat16 says so where this one hasn't trained it.
    """
    names = "vgg16_v1_stage_5", "vgg16_v1"
    why = (
        "the poster says it of its pre-trained ResNet50; read of VGG16, whose weights are at hand: "
        "its error falls where the trunk's last block is trained too"
    )
    coarse = record.parts.get(BFLOAT16)
    for run, where in ((record, ""), (coarse, "; both in bfloat16, from a run of their own")):
        if run and all(name in run.rows for name in names):
            if is_random(run, names[1]):
                return describe_pair(run, *names), UNTESTED, RANDOM_VGG
            why += where
            better = better_frozen(record, names[1])
            if better:
                error, precision = describe_error(record, better), record.rows[better]["precision"]
                why += f"; frozen, with other settings, `{better}` has {error} in {precision}"
            return describe_pair(run, *names), *_lower(run, *names, why)
    return ABSENT, UNTESTED, f"no run has `{names[0]}` beside `{names[1]}`"


def better_frozen(record: Record, name: str) -> str | None:
    """The best row of the study of future work that changes a model; None if none is better."""
    rows = [row["model"] for row in record.of(MODEL, table="future_work")]
    rows = [row for row in rows if row.startswith(f"{name}_")]
    best = min(rows, key=lambda row: record.rows[row]["test_mse"], default=None)
    return best if best and name in record.rows and order(record, best, name) < 0 else None


def published(record: Record, row: Mapping) -> tuple[str, str, str]:
    """Whether a published test error is that of a model that the row can be of.

    Errors on training images stand beside it and aren't judged, since dropout may have been on when the
    poster's were taken. An error of ours that differs refutes nothing, since it is of other images. An
    impossible one that rounding can't explain is refuted whatever the run has.
    """
    names = [name for name in PUBLISHED_MODELS.get(row["model"], []) if name in record.rows]
    errors = (
        f"`{name}` {_describe_errors(record, name)}{_on_training(record, name)}" for name in names
    )
    measured = "; ".join(errors) or ABSENT
    impossible = impossible_mae(row)
    reasons = []
    explained = impossible and is_within_rounding(row)
    if impossible:
        reasons.append(f"an MAE can't exceed √MSE, and as printed {impossible}")
    if explained:
        reasons.append("rounding may explain it")
    constant = record.rows.get("constant")
    if row["test_mse"] >= RANDOM_MSE:
        reasons.append(
            "no better than an answer drawn at random, if its inputs were uniform as ours are"
        )
    elif constant and constant["test_mse"] <= row["test_mse"]:
        reasons.append(
            f"no better than a constant answer to our images ({constant['test_mse']:.4f})"
        )
    trained = [name for name in names if not is_random(record, name)]
    within = any(
        abs(record.rows[name]["test_mse"] - row["test_mse"]) <= half_width(record, name)
        for name in trained
    )
    if impossible and not explained:
        verdict = REFUTED
    elif not trained:
        verdict = UNTESTED
        reasons.append(RANDOM if names else "the run has no such model")
    elif within:
        verdict = REPRODUCED
    else:
        verdict = UNTESTED
        reasons.append("ours differ, but they are of other images")
    return measured, verdict, "; ".join(reasons)


def impossible_mae(row: Mapping) -> str:
    """A published test MAE above the root of its MSE, as an inequality; empty if it isn't above.

    The mean of absolute errors is never above the root of the mean of their squares.
    """
    root = math.sqrt(row["test_mse"])
    if row["test_mae"] <= root:
        return ""
    # As many decimals as it takes to tell the two apart.
    printed = len(f"{row['test_mae']:g}".partition(".")[2])
    decimals = next(count for count in range(printed, 17) if round(root, count) < row["test_mae"])
    return f"{row['test_mae']:g} > √{row['test_mse']:g} = {root:.{decimals}f}"


def is_within_rounding(row: Mapping) -> bool:
    """Whether a published test MAE and MSE are possible before each was rounded to what is printed."""
    mse, mae = row["test_mse"], row["test_mae"]
    return mae - _rounding(mae) <= math.sqrt(mse + _rounding(mse))


def is_root(row: Mapping) -> bool:
    """Whether both published MAEs, of training and test, are roots of the MSEs but for rounding."""
    splits = [(row[f"{split}_mse"], row[f"{split}_mae"]) for split in ("train", "test")]
    return all(
        math.sqrt(max(0, mse - _rounding(mse))) - _rounding(mae)
        <= mae
        <= math.sqrt(mse + _rounding(mse)) + _rounding(mae)
        for mse, mae in splits
    )


def _rounding(value: float) -> float:
    """The largest error of a number that was rounded to the decimals it is printed with."""
    return 0.5 * 10 ** -len(f"{value:.10f}".rstrip("0").partition(".")[2])


def listed_model(record: Record, name: str) -> tuple[str, str, str]:
    """A model of the poster's list beside a constant answer; the list says nothing to be judged."""
    row = record.rows[name]
    shares = [
        f"{row[column]:.2f} × {what}"
        for column, what in ((VS_FLOOR, FLOOR), ("test_mse_vs_ridge", RIDGE))
        if row[column] is not None
    ]
    measured = ", ".join([describe_error(record, name), *shares])
    if is_random(record, name):
        return measured, UNTESTED, RANDOM
    why = (
        "the poster's list names nothing to measure; here its error is "
        f"{SIDES[order(record, name, 'constant')]} that of a constant answer "
        f"({record.rows['constant']['test_mse']:.4f})"
    )
    return measured, UNTESTED, why


def order(record: Record, a: str, b: str) -> int:
    """-1 if a's test error is lower, 1 if it is higher, 0 if the intervals don't tell.

    The half-widths over images and over seeds are added up, since neither covers the other.
    """
    first, second = record.rows[a], record.rows[b]
    tested = record.differences.get((a, b))
    # That of a later run may be of fewer seeds than the rows, and its interval is about its own.
    difference = tested.difference if tested else first["test_mse"] - second["test_mse"]
    images = (
        (tested.high - tested.low) / 2
        if tested
        else _sum(first["test_mse_image_interval"], second["test_mse_image_interval"])
    )
    if abs(difference) <= images + _seeds_half(record, first, second):
        return 0
    return 1 if difference > 0 else -1


def _seeds_half(record: Record, first: Mapping, second: Mapping) -> float:
    """Half-width over seeds of a difference between two rows.

    A model of one seed is taken to scatter as the other one does. With half = t·s / √n of that one, the
    difference has t·s·√(1 + 1/n) = half·√(n + 1). Where both have one seed, only images count.
    """
    halves = [record.seeds_interval(row) or 0 for row in (first, second)]
    for row, other, half in ((first, second, halves[1]), (second, first, halves[0])):
        if row["seeds"] == 1 and half:
            return half * math.sqrt(other["seeds"] + 1)
    return math.hypot(*halves)


def describe_error(record: Record, name: str) -> str:
    """A row's test MSE with its intervals over seeds and over images, Markdown.

    Raises:
        InputError: see `Record.seeds_interval`.
    """
    row = record.rows[name]
    text = f"{row['test_mse']:.4f}"
    seeds = record.seeds_interval(row)
    if seeds is not None:
        text += f" ± {four_decimals(seeds)} (seeds)"
    elif row["seeds"] == 1:
        text += " (one seed)"
    if row["test_mse_image_interval"] is not None:
        text += f" ± {row['test_mse_image_interval']:.4f} (images)"
    return text


def _describe_errors(record: Record, name: str) -> str:
    """`describe_error` and the test MAE, for claims of the poster that name both."""
    row = record.rows[name]
    text = f"{describe_error(record, name)}, MAE {row['test_mae']:.4f}"
    half = row["test_mae_interval"]
    return text if half is None else f"{text} ± {four_decimals(half)} (seeds)"


def _on_training(record: Record, name: str) -> str:
    row = record.rows[name]
    return f"; on training images {row['train_mse']:.4f}, MAE {row['train_mae']:.4f}"


def four_decimals(value: float) -> str:
    """As many decimals as errors have; six for what would read as nothing with four."""
    return f"{value:.6f}" if 0 < abs(value) < 0.00005 else f"{value:.4f}"


def describe_pair(record: Record, a: str, b: str) -> str:
    """The errors of two rows, and the interval of their difference over the same images."""
    text = f"`{a}` {describe_error(record, a)} against `{b}` {describe_error(record, b)}"
    tested = record.differences.get((a, b))
    if tested:
        text += f"; difference {format_signed(tested.difference)} {tested.interval}"
    return text


def _lower(record: Record, a: str, b: str, why: str) -> tuple[str, str]:
    """The verdict on "a has a lower error than b", and why: how it is read, and that it is open."""
    side = order(record, a, b)
    if side == 0:
        return UNTESTED, f"{why}; {NOT_APART}"
    return (REPRODUCED if side < 0 else REFUTED), why


def _best(record: Record, names: Sequence[str]) -> str:
    return min(names, key=lambda name: record.rows[name]["validation_mse"])


def is_random(record: Record, name: str) -> bool:
    """Whether a model's trunk has random weights, or began with them."""
    return record.rows[name]["weights"].startswith("random")


def half_width(record: Record, name: str) -> float:
    """Of the interval about a row's test MSE, over images and over seeds together."""
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
