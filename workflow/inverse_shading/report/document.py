"""docs/results.md, written from the record of a run. Its prose is in templates/results.md.j2."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from inverse_shading.evaluation.comparison_table import (
    BASELINE,
    BOUND,
    ENSEMBLE,
    MODEL,
    PARAMETER_ERRORS,
    PUBLISHED,
)
from inverse_shading.evaluation.paired_tests import SIGNIFICANCE, Difference, format_signed
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.report.comparison_page import LOOK_COLUMNS
from inverse_shading.report.markdown import markdown_environment, table_lines
from inverse_shading.report.record import TABLE, VS_FLOOR, Record, read_record
from inverse_shading.report.verdicts import (
    ABSENT,
    LISTED,
    SIDES,
    better_frozen,
    describe_error,
    found_values,
    four_decimals,
    half_width,
    impossible_mae,
    inherits_values,
    is_random,
    is_root,
    is_within_rounding,
    order,
    same_values_pair,
    verdicts,
)
from inverse_shading.runtime.files import write_text
from inverse_shading.training.trials import COMPLETE

TEMPLATE = "results.md.j2"
# Ending of the name of a model that trains its trunk's last block; the rest is that of its frozen self.
BLOCK = "_stage_5"
# Columns of a table of errors: header and form.
ERROR_COLUMNS = {
    VS_FLOOR: ("× floor", ".2f"),
    "test_mse_vs_ridge": ("× ridge", ".2f"),
    "test_mse": ("test MSE", ".4f"),
    "test_mse_interval": ("± seeds", ".4f"),
    "test_mse_image_interval": ("± images", ".4f"),
    "test_mae": ("test MAE", ".4f"),
    "validation_mse": ("val. MSE", ".4f"),
    "train_mse": ("train MSE", ".4f"),
    "decoding": ("bins read by", "s"),
    "seeds": ("seeds", ".0f"),
    "trials": ("trials", ".0f"),
    "epochs": ("epochs", ".0f"),
    "weights": ("weights", "s"),
    # Of the trunk; features are kept in float16.
    "precision": ("arithmetic", "s"),
}
# Of a table of what the rules of a run took.
STAGE_HEADERS = ("rule", "jobs", "seconds", "processor seconds", "largest memory of a job, MB")


def write_document(record: str | Path, output: str | Path) -> None:
    """Write the document of a record.

    Args:
        record: folder made by `recording.write_record`.
        output: Markdown to write; its pictures are in the folder `pictures` beside it.

    Raises:
        InputError: see `render_document`, or the file can't be written.
    """
    write_text(output, render_document(read_record(record)))


def render_document(record: Record) -> str:
    """The document. What the run hasn't made is said to be missing where it would stand.

    Raises:
        InputError: a model of the comparison was trained from a single seed.
    """
    page = _Page(record)
    return (
        markdown_environment()
        .get_template(TEMPLATE)
        .render(
            page=page,
            record=record,
            facts=record.facts,
            rows=record.rows,
            listed=LISTED,
            significance=SIGNIFICANCE,
            impossible_mae=impossible_mae,
            is_within_rounding=is_within_rounding,
            is_root=is_root,
            absent=ABSENT,
        )
    )


def stage_rows(stages: Sequence[Mapping]) -> list[list[str]]:
    """Rows below `STAGE_HEADERS` of what `recording.sum_timings` returns."""
    return [
        [
            f"`{one['stage']}`",
            str(one["jobs"]),
            *(f"{one[key]:.0f}" for key in ("seconds", "cpu_seconds", "memory_mb")),
        ]
        for one in stages
    ]


class _Page:
    """What the template asks of one record; each method gives text or the lines of a table."""

    def __init__(self, record: Record):
        self._record = record
        self._rows = record.rows

    def of(self, part: str) -> "_Page | None":
        """The page of a further record; None if there is none."""
        return _Page(self._record.parts[part]) if part in self._record.parts else None

    def has(self, *names: str) -> bool:
        """Whether the run has all of these rows."""
        return all(name in self._rows for name in names)

    def missing(self, *names: str) -> str:
        """Which rows the run lacks."""
        lacking = [f"`{name}`" for name in names if name not in self._rows]
        return f"{ABSENT} ({', '.join(lacking)})"

    def error(self, name: str) -> str:
        return describe_error(self._record, name) if self.has(name) else ABSENT

    def multiples(self, name: str) -> str:
        """A row's test MSE in multiples of the floor's and of the ridge regression's."""
        row = self._rows[name]
        found = [
            f"{row[column]:.2f} times {what}"
            for column, what in (
                (VS_FLOOR, "the floor's"),
                ("test_mse_vs_ridge", "the ridge regression's"),
            )
            if row[column] is not None
        ]
        return " and ".join(found) or f"no multiples of floor and ridge ({ABSENT})"

    def order(self, a: str, b: str) -> int:
        return order(self._record, a, b)

    def is_below(self, name: str, run: "_Page", other: str) -> bool:
        """Whether a row's interval, over images and seeds, lies below that of another run's row."""
        if not self.has(name) or not run.has(other):
            return False
        high = self._rows[name]["test_mse"] + half_width(self._record, name)
        return high < run._rows[other]["test_mse"] - half_width(run._record, other)

    def effect(self, name: str, reference: str) -> str:
        """What a row has in place of a reference's error, in words that the data choose."""
        if not self.has(name, reference):
            return self.missing(name, reference)
        side = SIDES[order(self._record, name, reference)]
        change = self.change(name, reference, "test_mse")
        return f"{self.error(name)}, {side} `{reference}`'s {self.error(reference)} ({change})"

    def change(self, name: str, reference: str, column: str) -> str:
        """By how much a row's error differs from a reference's, in per cent of the reference's."""
        return _per_cent(self._rows[name][column] / self._rows[reference][column] - 1)

    def change_above_floor(self, name: str, reference: str) -> str:
        """The same of test MSEs, where only what lies above the floor counts."""
        floor = self._rows["floor"]["test_mse"]
        first, second = (self._rows[row]["test_mse"] - floor for row in (name, reference))
        return _per_cent(first / second - 1)

    def largest_falls(self, name: str, reference: str, count: int) -> dict:
        """The inputs whose test MSE falls most from a reference to a row, and the others.

        Returns:
            `inputs`, the names of the `count` first; `change` of their errors together, and `others`,
            that of the other inputs; `floor`, its share of what the reference has in the others.
        """
        errors = {
            row: dict(zip(PARAMETERS, map(self._rows[row].get, PARAMETER_ERRORS), strict=True))
            for row in (name, reference, "floor")
        }
        falls = sorted(PARAMETERS, key=lambda key: errors[name][key] - errors[reference][key])
        sums = {
            row: [sum(map(found.get, part)) for part in (falls[:count], falls[count:])]
            for row, found in errors.items()
        }
        change, others = (
            _per_cent(a / b - 1) for a, b in zip(sums[name], sums[reference], strict=True)
        )
        floor = f"{sums['floor'][1] / sums[reference][1]:.0%}".replace("%", " %")
        return {"inputs": falls[:count], "change": change, "others": others, "floor": floor}

    def lowest_trial(self, name: str) -> float | None:
        """The lowest validation MSE of a model's trials that came to their end; None without any."""
        best = _best_trial(self._complete_trials(name))
        return best and best["validation_mse"]

    def _complete_trials(self, name: str) -> list[Mapping]:
        return [
            trial
            for trial in self._record.trials
            if trial["model"] == name and trial["state"] == COMPLETE
        ]

    def trial_with_values_of(self, name: str, reference: str) -> float | None:
        """The validation MSE of a reference's trial with the values that a model's search chose."""
        best = _best_trial(self._complete_trials(name))
        same = (
            trial["validation_mse"]
            for trial in self._complete_trials(reference)
            if best and trial["values"] == best["values"]
        )
        return next(same, None)

    def same_values_pair(self, poster: str, plain: str) -> tuple[str, str] | None:
        return same_values_pair(self._record, poster, plain)

    def with_other_values(self, names: Sequence[str], reference: str) -> list[str]:
        """Those whose values a search found, and found others than for the reference."""
        return [name for name in names if self.with_other_values_than(name, self, reference)]

    def with_other_values_than(self, name: str, run: "_Page", reference: str) -> bool:
        """Whether a search found other values for a row than one found for a row of another run."""
        if not self.has(name) or not run.has(reference):
            return False
        own, others = self.values(name), run.values(reference)
        return bool(own and others and own != others)

    def values(self, name: str) -> str:
        return found_values(self._record, name)

    def with_values(self, names: Sequence[str], values: str, decoding: str) -> list[str]:
        """Those for which a search found these values and whose bins are read so."""
        return [
            name
            for name in names
            if values and self.values(name) == values and self._rows[name]["decoding"] == decoding
        ]

    def inherits_values(self, name: str) -> bool:
        return self.has(name) and inherits_values(self._record, name)

    def turns_with_images(self, name: str, reference: str) -> bool:
        """Whether a model is better than a reference, but worse on the images of their searches."""
        lowest = [self.lowest_trial(each) for each in (name, reference)]
        if None in lowest or not self.has(name, reference):
            return False
        return order(self._record, name, reference) < 0 and lowest[0] > lowest[1]

    def better_frozen(self, name: str) -> str | None:
        return better_frozen(self._record, name)

    def block_models(self) -> list[str]:
        """Names of the models whose trunk's last block is trained."""
        return [name for name in self.of_study("fine_tuning") if name.endswith(BLOCK)]

    @staticmethod
    def frozen(name: str) -> str:
        """The name of the model that one with a trained block is like."""
        return name.removesuffix(BLOCK)

    def gains_by_images(self, name: str, searched: "_Page") -> bool:
        """Whether training a block brings a larger share here than on the images of the searches.

        Args:
            name: of the model with a trained block, which has trials here.
            searched: the page with the trials of the model that it is like.
        """
        base = self.frozen(name)
        share = self._rows[name]["validation_mse"] / self._rows[base]["validation_mse"]
        return share < self.lowest_trial(name) / searched.lowest_trial(base)

    def main(self) -> list[str]:
        """Names of all rows of the comparison but refinement, whose errors are of other images."""
        sources = (MODEL, ENSEMBLE, BASELINE, BOUND, PUBLISHED)
        return [row["model"] for row in self._record.of(*sources)]

    def models(self) -> list[str]:
        """Names of the models of the comparison."""
        return [row["model"] for row in self._record.of(MODEL)]

    def of_study(self, study: str) -> list[str]:
        return [row["model"] for row in self._record.of(MODEL, table=study)]

    def untuned(self, *studies: str) -> bool:
        """Whether a row of these studies was trained without a search."""
        return any(
            self._rows[name]["trials"] == 0 for study in studies for name in self.of_study(study)
        )

    def studies(self) -> list[str]:
        """Names of all studies."""
        tables = dict.fromkeys(row[TABLE] for row in self._rows.values())
        return [table for table in tables if table]

    def by_error(self, names: Sequence[str]) -> list[str]:
        """Those that the run has, the lowest test MSE first."""
        present = [name for name in names if self.has(name)]
        return sorted(present, key=lambda name: self._rows[name]["test_mse"])

    def by_effect(self, names: Sequence[str], reference: str) -> list[str]:
        """Those that the run has, the largest distance to the reference's test MSE first."""
        mse = self._rows[reference]["test_mse"]
        present = [name for name in names if self.has(name)]
        return sorted(present, key=lambda name: -abs(self._rows[name]["test_mse"] - mse))

    def best(self, names: Sequence[str]) -> str | None:
        """The lowest validation MSE of those that the run has."""
        present = [name for name in names if self.has(name)]
        return min(present, key=lambda name: self._rows[name]["validation_mse"], default=None)

    def verdicts(self) -> list[str]:
        found = verdicts(self._record)
        headers = ["the poster", "measured", "verdict", "why, and how it is read"]
        rows = [[one.claim, one.measured, f"**{one.verdict}**", one.why] for one in found]
        return table_lines(headers, rows, texts=4)

    def errors(self, names: Sequence[str]) -> list[str]:
        """Rows with their errors; a missing one says so."""
        columns = {
            column: form
            for column, form in ERROR_COLUMNS.items()
            if any(self._rows[name].get(column) for name in names if self.has(name))
        }
        lines = []
        for name in names:
            cells = [f"`{name}`", *([""] * len(columns))]
            if not self.has(name):
                cells[1:2] = [ABSENT]
            else:
                row = self._rows[name]
                cells[1:] = [_cell(row, column, form) for column, (_, form) in columns.items()]
            lines.append(cells)
        return table_lines(["", *(header for header, _ in columns.values())], lines)

    def by_input(self, names: Sequence[str]) -> list[str]:
        """Test MSE by input."""
        rows = [
            [f"`{name}`", *(_form(self._rows[name][column], ".4f") for column in PARAMETER_ERRORS)]
            for name in names
            if self.has(name) and self._rows[name]["source"] != PUBLISHED
        ]
        return table_lines(["test MSE", *(f"`{name}`" for name in PARAMETERS)], rows)

    def worst_inputs(self, name: str) -> list[str]:
        """Inputs by how far their test MSE is above the floor's, the largest first."""
        row, floor = self._rows[name], self._rows["floor"]
        above = {
            parameter: row[column] - floor[column]
            for parameter, column in zip(PARAMETERS, PARAMETER_ERRORS, strict=True)
        }
        return [f"`{parameter}`" for parameter in sorted(above, key=above.get, reverse=True)]

    def same_reading(self, name: str) -> str:
        """The model with the poster's loss whose bins are read as those of another one."""
        poster, twin = "vgg16_bins_v1", "vgg16_bins_v1_expected"
        is_expected = self.has(name, twin) and self._rows[name]["decoding"] == "expected"
        return twin if is_expected else poster

    def readings(self, names: Sequence[str]) -> list[str]:
        """Models with bins read by their most probable one, beside those read by the expected value."""
        twins = {
            name: re.sub(r"(_v\d)", r"\1_expected", name)
            for name in names
            if "expected" not in name
        }
        rows = [[f"`{name}`", self.error(name), self.error(twin)] for name, twin in twins.items()]
        return table_lines(["", "most probable bin", "expected value"], rows)

    def differences(self, reference: str, names: Sequence[str] | None = None) -> list[str]:
        """Paired tests against a reference, the largest difference first."""
        tested = self.tested(reference, names)
        rows = [
            [
                f"`{one.name}`",
                format_signed(one.difference),
                one.interval,
                one.p_text,
                one.verdict,
            ]
            for one in sorted(tested, key=lambda one: -abs(one.difference))
        ]
        headers = [f"less `{reference}`", "difference", "95 % interval", "p (Holm)", "verdict"]
        return table_lines(headers, rows)

    def tested(self, reference: str, names: Sequence[str] | None = None) -> list[Difference]:
        """Paired tests of the comparison, or of some rows, against a reference."""
        return [
            one
            for (name, other), one in self._record.differences.items()
            if other == reference
            and (not self._row_table(name) if names is None else name in names)
        ]

    def _row_table(self, name: str) -> str:
        return self._rows[name][TABLE] if self.has(name) else ""

    def looks(self) -> list[str]:
        """How predictors look that were rendered."""
        rendered = [
            row for row in self._rows.values() if row["image_flip"] is not None and not row[TABLE]
        ]
        headers = ["", *(column.header for column in LOOK_COLUMNS.values())]
        rows = [
            [
                f"`{row['model']}`",
                *(_form(row[name], column.form) for name, column in LOOK_COLUMNS.items()),
            ]
            for row in rendered
        ]
        return table_lines(headers, rows)

    def best_by_flip(self) -> str | None:
        """The model or baseline with the lowest FLIP."""
        return self._best_looking("image_flip", min)

    def best_by_ssim(self) -> str | None:
        """The model or baseline with the highest SSIM."""
        return self._best_looking("image_ssim", max)

    def _best_looking(self, measure: str, choose: Callable) -> str | None:
        rows = self._record.of(MODEL, BASELINE)
        rendered = [row for row in rows if row[measure] is not None]
        best = choose(rendered, key=lambda row: row[measure], default=None)
        return best and best["model"]

    def refinement(self, name: str, sign: str = "") -> str:
        """One of the errors of refinement, with its interval over images; sign "+" for a difference."""
        error = self._record.facts["refinement"][name]
        text = format_signed(error["mse"]) if sign else f"{error['mse']:.4f}"
        half = error["images_interval"]
        return text if half is None else f"{text} ± {half:.4f} (images)"

    def missed_intervals(self) -> list[str]:
        """Inputs where the share that is meant is outside the interval of what is held."""
        facts = self._record.facts["refinement"]
        bounds = facts["coverage_interval"]
        return [
            name
            for name in PARAMETERS
            if not bounds[name][0] <= facts["interval"] <= bounds[name][1]
        ]

    def coverage(self) -> list[str]:
        """The share of truths that refinement's intervals hold, by input, with its interval."""
        facts = self._record.facts["refinement"]
        rows = []
        for name in PARAMETERS:
            low, high = facts["coverage_interval"][name]
            share = f"{facts['coverage'][name]:.2f}"
            rows.append([f"`{name}`", share, f"[{low:.2f}, {high:.2f}]"])
        return table_lines(["input", "hold the truth", "95 % interval over images"], rows)

    def searches(self) -> list[str]:
        """What tuning tried for each model, and what it chose."""
        models: dict[str, list[Mapping]] = {}
        for trial in self._record.trials:
            models.setdefault(trial["model"], []).append(trial)
        rows = []
        for model, trials in models.items():
            complete = self._complete_trials(model)
            best = _best_trial(complete)
            values = (
                ""
                if best is None
                else ", ".join(f"`{key}` {value}" for key, value in best["values"].items())
            )
            rows.append(
                [
                    f"`{model}`",
                    values,
                    str(len(trials)),
                    str(len(complete)),
                    "" if best is None else f"{best['validation_mse']:.4f}",
                ]
            )
        headers = ["", "chosen", "trials", "to their end", "lowest validation MSE"]
        return table_lines(headers, rows, texts=2)

    def penalties(self) -> list[str]:
        """Errors of the ridge regression by penalty."""
        tried = self._record.facts["ridge_penalties"]
        headers = ["penalty", *(f"{one['penalty']:g}" for one in tried)]
        rows = [
            [f"{split} MSE", *(f"{one[f'{split}_mse']:.4f}" for one in tried)]
            for split in ("validation", "test")
        ]
        return table_lines(headers, rows)

    def pictures(self) -> set[str]:
        """Names of the figures that were kept."""
        runs = [self._record, *self._record.continuations]
        return {name for run in runs for name in run.facts["pictures"]}

    def continuations(self) -> list["_Page"]:
        """The pages of what continued the run."""
        return [_Page(part) for part in self._record.continuations]

    def machine(self) -> str:
        machine = self._record.facts["machine"]
        return f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB"

    def stages(self) -> list[str]:
        """What every rule took; empty where it wasn't measured."""
        stages = self._record.facts["stages"]
        return table_lines(STAGE_HEADERS, stage_rows(stages)) if stages else []

    def other_trainings(self) -> int:
        """How many trainings are of models that the run's own table doesn't have."""
        jobs = sum(one["jobs"] for one in self._record.facts["stages"] if one["stage"] == "train")
        own = [row for name, row in self._record.trainings.items() if not self._row_table(name)]
        return max(0, jobs - sum(int(row["seeds"]) for row in own))

    def trainings(self) -> list[str]:
        """What a training of each model took."""
        headers = ["", "seconds an epoch", "± seeds", "to the best epoch", "± seeds"]
        columns = [
            f"{measure}{suffix}"
            for measure in ("epoch_seconds", "best_epoch_seconds")
            for suffix in ("", "_seeds")
        ]
        rows = [
            [f"`{name}`", *(_form(row[column], ".2f") for column in columns)]
            for name, row in self._record.trainings.items()
        ]
        return table_lines(headers, rows)

    def weights(self) -> list[str]:
        """Where the weights of trunks came from, each once."""
        found = dict.fromkeys(
            (row["trunk"], row["weights"])
            for row in self._rows.values()
            if row["trunk"] not in ("", "none") and row["weights"] not in ("", "none")
        )
        return [f"`{trunk}`: {weights}" for trunk, weights in found]

    def untrained(self, names: Sequence[str]) -> list[str]:
        """Those that the run has on a trunk of random weights."""
        present = [name for name in names if self.has(name)]
        return [name for name in present if is_random(self._record, name)]

    def with_as_many_seeds(self, name: str, other: "_Page") -> "_Page | None":
        """This page or one that continues it, where a row has as many seeds as on another page.

        A single seed must be the same one.
        """

        def seeds(page: "_Page") -> tuple:
            row = page._rows[name]
            return row["seeds"], row.get("chosen_seed") if row["seeds"] == 1 else None

        pages = [page for page in (self, *self.continuations()) if page.has(name)]
        return next((page for page in pages if seeds(page) == seeds(other)), None)

    def largest_change(self, other: "_Page") -> dict | None:
        """Of the models of another run, the one whose error differs most, in half-widths over images.

        Only models that have the same seeds here count.

        Returns:
            `name`, and `share` of the half-width that the difference is; None without any.
        """
        shares = {}
        for name in other.models():
            same = self.with_as_many_seeds(name, other)
            half = other._rows[name]["test_mse_image_interval"]
            if same and half:
                change = other._rows[name]["test_mse"] - same._rows[name]["test_mse"]
                shares[name] = abs(change) / half
        name = max(shares, key=shares.get, default=None)
        return name and {"name": name, "share": f"{float(f'{100 * shares[name]:.2g}'):g} %"}

    def shared_jobs(self, run: "_Page") -> list[str]:
        """Rules of another run whose times are of jobs that this one, or what continues it, counts."""
        counted = [
            stage
            for record in (self._record, *self._record.continuations)
            for stage in record.facts["stages"]
        ]
        return [one["stage"] for one in run._record.facts["stages"] if one in counted]

    def epoch_seconds(self, name: str) -> str:
        """What an epoch of a training took, with its interval over seeds; empty if not measured."""
        training = self._record.trainings.get(name, {})
        seconds, half = training.get("epoch_seconds"), training.get("epoch_seconds_seeds")
        if seconds is None:
            return ""
        return f"{seconds:.1f}" + (" s (one seed)" if half is None else f" ± {half:.1f} s")

    def precision(self, name: str) -> str:
        """Of the arithmetic of a model's trunk."""
        return self._rows[name]["precision"]

    def precisions(self) -> list[str]:
        found = dict.fromkeys(row["precision"] for row in self._rows.values() if row["precision"])
        return [name for name in found if name != "none"]

    def quoted_config(self) -> list[str]:
        """The configuration of a run of its own, as a block of YAML; empty where none is kept."""
        lines = self.config()
        return lines and ["Its configuration, over `config.yaml`:", "", "```yaml", *lines, "```"]

    def config(self) -> list[str]:
        """The lines of what was laid over config.yaml."""
        return (self._record.facts["config"] or "").splitlines()


def _best_trial(trials: Sequence[Mapping]) -> Mapping | None:
    return min(trials, key=lambda trial: trial["validation_mse"], default=None)


def _form(value: float | None, form: str) -> str:
    if value is None:
        return ""
    return four_decimals(value) if form == ".4f" else format(value, form)


def _per_cent(share: float) -> str:
    """A change with two digits that count, its sign in front."""
    return f"{float(f'{100 * share:.2g}'):+g} %".replace("-", "−")


def _cell(row: Mapping, column: str, form: str) -> str:
    value = row.get(column)
    if column == "weights":
        # "random (seed 1, …)": the first word says which kind of weights they are.
        kind = (value or "").split(" ")[0]
        return "" if kind == "none" else kind
    return _form(value, form)
