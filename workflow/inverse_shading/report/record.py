"""The record of a run: the few numbers of a results folder that docs/results.md is written from.

A record is a folder of small text files, each sealed, so that a number changed by hand is refused. It
may hold further records in folders of its own. One of them with studies continues the run: its studies
are read as the run's own, and must be of the same images, weights and precision. Those of a second
stage and of another precision are runs of their own, with studies or without.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.stats import binomtest

from inverse_shading import __version__
from inverse_shading.dataset.ranges import parse_range
from inverse_shading.dataset.splits import SPLITS
from inverse_shading.evaluation.comparison_table import (
    BOUND,
    COLUMNS,
    FORMATS,
    MODEL,
    PUBLISHED,
    REFINEMENT,
    read_comparison,
)
from inverse_shading.evaluation.confidence import CONFIDENCE, half_width
from inverse_shading.evaluation.metrics import image_errors, read_metrics
from inverse_shading.evaluation.paired_tests import COLUMNS as PAIRED_COLUMNS
from inverse_shading.evaluation.paired_tests import FORMATS as PAIRED_FORMATS
from inverse_shading.evaluation.paired_tests import Difference, read_paired_table
from inverse_shading.evaluation.predictions import read_predictions
from inverse_shading.evaluation.predictor_names import BASELINES, FLOOR
from inverse_shading.report.machine import describe_machine
from inverse_shading.runtime.artefacts import read_csv, read_json, unusable, write_csv, write_json
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import atomic_path
from inverse_shading.runtime.given_files import regular_file
from inverse_shading.training.trials import STATES, read_trials

# Of the files of a record. Another one is refused.
FORMAT = 1
SUMMARY, COMPARISON, PAIRED = "record.json", "comparison.csv", "paired_tests.csv"
TRAININGS, TRIALS = "trainings.csv", "trials.csv"

# Keys of record.json.
FACTS = (
    "format",
    "version",
    "images",
    "machine",
    "config",
    "refinement",
    "ridge_penalties",
    "trials",
    "stages",
    "pictures",
)

# Parts that were made otherwise than the run beside them: on another stage, with another arithmetic.
SECOND_STAGE, BFLOAT16 = "second_stage", "bfloat16"
OWN_RUNS = (SECOND_STAGE, BFLOAT16)

# Column by column: how values that only a record has are written. Half-widths of 95 % intervals have a
# name of their own: over seeds, and over images.
TABLE, VS_FLOOR = "table", "test_mse_vs_floor"
TRAINING_FORMATS = {
    "model": "s",
    "seeds": "d",
    "test_less_validation": ".6f",
    "test_less_validation_seeds": ".6f",
    "test_less_validation_images": ".6f",
    "epoch_seconds": ".4f",
    "epoch_seconds_seeds": ".4f",
    "best_epoch_seconds": ".4f",
    "best_epoch_seconds_seeds": ".4f",
}
TRIAL_COLUMNS = {
    "model": str,
    "number": float,
    "state": STATES,
    "validation_mse": float,
    "values": str,
}

# Figures that documents show: their names there, and where they lie in the results.
PICTURES = {
    "gallery": "figures/gallery.png",
    "paired_tests": "figures/paired_tests.png",
    "error_by_parameter": "figures/error_by_parameter.png",
    "bins": "studies/bins/figures/axis.png",
    "images": "studies/images/figures/axis.png",
}
# The remedy of what is wrong with a record.
REMAKE = "make the record anew: inverse-shading record RESULTS --output"
# Names of files that are of a range of images.
RANGE = re.compile(r"\d{6,}-\d{6,}")
# 0 to 95, of JPEG.
PICTURE_QUALITY = 85


def write_record(
    results: str | Path,
    output: str | Path,
    config: str | Path | None = None,
    pictures: str | Path | None = None,
) -> None:
    """Write the record of a results folder, on the machine that made it.

    Args:
        results: of a workflow. What it hasn't made is missing in the record too; it needs the
            comparison.csv and paired_tests.csv of the run itself. In the folder of another record those
            of one study are enough.
        output: folder to write into.
        config: what was laid over config.yaml, YAML.
        pictures: folder to write figures into, as NAME.jpg; None for none. In the folder of another
            record they are those of studies alone.

    Raises:
        InputError: a file is missing, damaged or can't be written, or the output folder holds tables
            that are no record's.
    """
    results, output = Path(results), Path(output)
    if (output / COMPARISON).exists() and not (output / SUMMARY).exists():
        raise InputError(
            f"{output}: found {COMPARISON} without {SUMMARY}, expected a folder for a record and no "
            "results. Name another folder by --output."
        )
    folders = _table_folders(results)
    is_part = (output.parent / SUMMARY).exists()
    if not folders or not ("" in folders or is_part):
        raise InputError(
            f"{results}: found no {COMPARISON} with {PAIRED} beside it, expected the results of a "
            "workflow. Run it first, or give the folder that it made."
        )
    text = None if config is None else _read_config(config)
    comparison = _collect_rows(folders)
    pairs = _collect_pairs(folders)
    # Others are left from an earlier configuration.
    models = comparison.loc[comparison["source"] == MODEL, "model"].unique()
    paths = [results / "models" / name / "metrics.json" for name in models]
    metrics = {path: read_metrics(path) for path in paths if path.exists()}
    if not metrics:
        raise InputError(
            f"{results}: found no models/MODEL/metrics.json, expected one. Train a model first."
        )
    images = _count_images(metrics)
    trainings = _collect_trainings(metrics)
    searches = [results / "search" / name / TRIALS for name in models]
    trials = _collect_trials([path for path in searches if path.exists()])
    content = {
        "format": FORMAT,
        "version": __version__,
        "images": images,
        "machine": describe_machine(),
        "config": text,
        "refinement": _measure_refinement(results),
        "ridge_penalties": _ridge_penalties(results),
        "trials": len(trials),
        "stages": _sum_timings(results / "timings", images["all"]),
        "pictures": _find_pictures(results, is_part) if pictures else [],
    }
    output.mkdir(parents=True, exist_ok=True)
    write_csv(output / COMPARISON, comparison)
    write_csv(output / PAIRED, pairs)
    write_csv(output / TRAININGS, trainings)
    write_csv(output / TRIALS, trials)
    for name in content["pictures"]:
        _copy_picture(results / PICTURES[name], Path(pictures) / f"{name}.jpg")
    # Last, since it says that the others are a record.
    write_json(output / SUMMARY, content)


@dataclass(frozen=True)
class Record:
    """A record that was read.

    Attributes:
        folder: where it lies.
        rows: of all tables by name, None where a row has no such value: the columns of comparison.csv,
            `table` (the study that a row belongs to, "" for the comparison itself) and
            `test_mse_vs_floor`. Studies of `continuations` are among them, and with them their
            differences, trainings and trials.
        differences: of every pair that was tested, in both directions: (name, reference).
        trainings: of every model by name, the columns of `TRAINING_FORMATS`.
        trials: of the searches, the columns of `TRIAL_COLUMNS`, `values` by key.
        facts: the content of record.json.
        parts: further records by the name of their folder.
        is_part: whether it is one of those.
    """

    folder: Path
    rows: Mapping[str, Mapping]
    differences: Mapping[tuple[str, str], Difference] = field(default_factory=dict)
    trainings: Mapping[str, Mapping] = field(default_factory=dict)
    trials: Sequence[Mapping] = ()
    facts: Mapping = field(default_factory=dict)
    parts: Mapping[str, "Record"] = field(default_factory=dict)
    is_part: bool = False

    @property
    def continuations(self) -> list["Record"]:
        """Parts that continue this run: those with studies that aren't runs of their own."""
        return [part for name, part in self.parts.items() if part.studied and name not in OWN_RUNS]

    @property
    def studied(self) -> list[str]:
        """Names of the rows of studies."""
        return [name for name, row in self.rows.items() if row[TABLE]]

    @cached_property
    def published(self) -> list[Mapping]:
        """The poster's rows."""
        return [row for row in self.rows.values() if row["source"] == PUBLISHED]

    def of(self, *sources: str, table: str = "") -> list[Mapping]:
        """Rows of a table that come from such sources."""
        return [
            row for row in self.rows.values() if row[TABLE] == table and row["source"] in sources
        ]

    def seeds_interval(self, row: Mapping) -> float | None:
        """Half-width of a row's interval over seeds; None where a study or a part has one seed.

        Raises:
            InputError: a model of the comparison itself was trained from a single seed.
        """
        interval = row["test_mse_interval"]
        needed = row["source"] == MODEL and not row[TABLE] and not self.is_part
        if interval is None and needed:
            raise InputError(
                f"{self.folder / COMPARISON}: found one seed of {row['model']}, expected two at "
                "least, since its interval over seeds is asked for. Set `seeds: [1, 2, 3, 4, 5]` in "
                f"the configuration, run it again, and {_remake(self.folder)}"
            )
        return interval


def read_record(folder: str | Path, is_part: bool = False) -> Record:
    """Read a record and those in its folders.

    Raises:
        InputError: a file is missing, damaged, or of another format; or what continues it is of
            other images, weights or another precision than the record.
    """
    folder = Path(folder)
    with _of_record(folder):
        facts = read_json(folder / SUMMARY, "a record", ["format"])
        if facts["format"] != FORMAT:
            raise InputError(
                f"{folder / SUMMARY}: found a record of format {json.dumps(facts['format'])}, "
                f"expected {FORMAT}."
            )
        read_json(folder / SUMMARY, "a record", FACTS)
        table = read_csv(folder / COMPARISON, "a comparison", _kinds(_comparison_formats()))
        rows: dict[str, Mapping] = {}
        for row in _plain_rows(table):
            rows.setdefault(row["model"], row)
        trainings = read_csv(folder / TRAININGS, "trainings", _kinds(TRAINING_FORMATS))
        trials = []
        if facts["trials"]:
            trials = _plain_rows(read_csv(folder / TRIALS, "trials", TRIAL_COLUMNS))
        record = Record(
            folder,
            rows,
            _read_differences(folder / PAIRED),
            {row["model"]: row for row in _plain_rows(trainings)},
            [trial | {"values": json.loads(trial["values"])} for trial in trials],
            facts,
            {
                path.parent.name: read_record(path.parent, is_part=True)
                for path in sorted(folder.glob(f"*/{SUMMARY}"))
            },
            is_part,
        )
    for part in record.continuations:
        _refuse_other_run(record, part)
    for part in record.continuations:
        record = _with_studies(record, part)
    return record


def _with_studies(record: Record, part: Record) -> Record:
    """The record with the studies of a part; what it has itself stays."""
    new = {name: part.rows[name] for name in part.studied if name not in record.rows}
    rows = {**record.rows, **new}
    differences = {
        (a, b): found
        for (a, b), found in part.differences.items()
        if (a in new or b in new) and a in rows and b in rows
    }
    trainings = {name: found for name, found in part.trainings.items() if name in new}
    trials = [trial for trial in part.trials if trial["model"] in new]
    return replace(
        record,
        rows=rows,
        differences={**record.differences, **differences},
        trainings={**record.trainings, **trainings},
        trials=[*record.trials, *trials],
    )


def _refuse_other_run(record: Record, part: Record) -> None:
    """Refuse studies of other images, which baselines tell, or of other features than the record's."""

    def refuse(name: str, column: str, expected: object, found: object) -> None:
        raise InputError(
            f"{part.folder / COMPARISON}: found {column} {found} of {name}, expected {expected} as in "
            f"{record.folder / COMPARISON}, since studies must be of the same images, weights and "
            f"precision. Record a run of the same configuration there, or remove {part.folder}."
        )

    for name in BASELINES:
        for column in ("train_mse", "validation_mse", "test_mse"):
            expected, found = (one.rows.get(name, {}).get(column) for one in (record, part))
            if found != expected:
                refuse(name, column, expected, found)
    for name, row in part.rows.items():
        alike = [
            one for one in record.rows.values() if one["trunk"] and one["trunk"] == row["trunk"]
        ]
        for column in ("weights", "precision"):
            expected = {_origin(one[column]) for one in alike if one[column]}
            if expected and row[column] and _origin(row[column]) not in expected:
                refuse(name, column, " or ".join(sorted(expected)), row[column])


def _origin(weights: str) -> str:
    """Where weights come from, without what a model adds: the size of its images, its renders."""
    return re.sub(r", (images of \d+ px|[\d,]+ streamed materials)", "", weights)


def _comparison_formats() -> dict[str, str]:
    return {TABLE: "s", **FORMATS, VS_FLOOR: ".4f"}


def _kinds(formats: Mapping[str, str]) -> dict[str, type]:
    return {name: str if form == "s" else float for name, form in formats.items()}


def _plain_rows(table: pd.DataFrame) -> list[dict]:
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [dict(row) for row in rows]


@contextmanager
def _of_record(folder: Path) -> Iterator[None]:
    """Give an error the remedy of a record, which no rule makes."""
    try:
        yield
    except InputError as error:
        problem = str(error).partition(" Delete ")[0]
        # Of this record, or of one in its folders.
        if REMAKE in problem:
            raise
        raise InputError(f"{problem} To mend it, {_remake(folder)}") from error


def _remake(folder: Path) -> str:
    return f"{REMAKE} {folder}"


def _read_config(path: str | Path) -> str:
    regular_file(path, "a configuration in YAML")
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: can't be read as UTF-8. Save it so.") from error


def _table_folders(results: Path) -> dict[str, Path]:
    """Folders of tables: the run's own as "", if it has one, then those of studies by their names."""
    tables = sorted(results.glob(f"studies/*/{COMPARISON}"))
    # Both, or the study is still being made.
    made = [table.parent for table in tables if table.with_name(PAIRED).exists()]
    own = {"": results} if (results / COMPARISON).exists() else {}
    return own | {folder.name: folder for folder in made}


def _read_texts(path: Path, what: str, columns: Sequence[str]) -> pd.DataFrame:
    """A table with its cells as they are written."""
    return read_csv(path, what, dict.fromkeys(columns, str))


def _collect_rows(folders: Mapping[str, Path]) -> pd.DataFrame:
    """The rows of all comparisons; a study's without those that the first table has.

    So rows that all studies share stand under the first of them where the run has no table of its own.
    """
    tables = []
    floor = None
    for name, folder in folders.items():
        numbers = read_comparison(folder / COMPARISON)
        texts = _read_texts(folder / COMPARISON, "a comparison", COLUMNS)
        if not tables:
            bound = numbers[numbers["source"] == BOUND]
            floor = bound.iloc[0] if len(bound) else None
        texts.insert(0, TABLE, name)
        texts[VS_FLOOR] = [_vs_floor(row, floor) for row in numbers.to_dict("records")]
        if tables:
            known = set(tables[0]["model"])
            texts = texts[~texts["model"].isin(known)]
        tables.append(texts)
    return pd.concat(tables)


def _vs_floor(row: Mapping, floor: Mapping | None) -> str:
    if floor is None or row["source"] == PUBLISHED:
        return ""
    # Refinement has errors on the sample alone.
    error = "sample_mse" if row["source"] == REFINEMENT else "test_mse"
    ratio = row[error] / floor[error]
    return format(ratio, ".4f") if np.isfinite(ratio) else ""


def _collect_pairs(folders: Mapping[str, Path]) -> pd.DataFrame:
    """The paired tests of all comparisons; a study's without pairs that the first table has."""
    tables = []
    known: set[tuple[str, str]] = set()
    for name, folder in folders.items():
        read_paired_table(folder / PAIRED)
        table = _read_texts(folder / PAIRED, "paired tests", PAIRED_COLUMNS)
        pairs = list(zip(table["a"], table["b"], strict=True))
        table = table[[pair not in known for pair in pairs]]
        if not known:
            known = set(pairs)
        table.insert(0, TABLE, name)
        tables.append(table)
    return pd.concat(tables)


def _read_differences(path: Path) -> dict[tuple[str, str], Difference]:
    table = read_csv(path, "paired tests", _kinds({TABLE: "s", **PAIRED_FORMATS}))
    found: dict[tuple[str, str], Difference] = {}
    for row in table.to_dict("records"):
        a, b, p = row["a"], row["b"], row["p_holm"]
        found.setdefault((a, b), Difference(a, row["difference"], row["low"], row["high"], p))
        found.setdefault((b, a), Difference(b, -row["difference"], -row["high"], -row["low"], p))
    return found


def _collect_trainings(metrics: Mapping[Path, Mapping]) -> pd.DataFrame:
    """A row a model: test less validation MSE, and what its training took."""
    rows = [_training_row(path, content) for path, content in metrics.items()]
    cells = [
        {
            name: "" if row[name] is None else format(row[name], form)
            for name, form in TRAINING_FORMATS.items()
        }
        for row in rows
    ]
    return pd.DataFrame(cells, columns=list(TRAINING_FORMATS))


def _training_row(path: Path, content: Mapping) -> dict:
    try:
        seeds = content["seeds"]
        widths = [content["image_intervals"][split]["mse"] for split in ("test", "validation")]
        epochs = [_seconds_an_epoch(one) for one in seeds]
        measured = {
            "test_less_validation": [
                one["splits"]["test"]["mse"] - one["splits"]["validation"]["mse"] for one in seeds
            ],
            "epoch_seconds": epochs,
            "best_epoch_seconds": [
                None if epoch is None else epoch * one["best_epoch"]
                for epoch, one in zip(epochs, seeds, strict=True)
            ],
        }
        row = {"model": content["model"], "seeds": len(seeds)}
        for name, values in measured.items():
            known = [] if None in values else values
            row |= {name: float(np.mean(known)) if known else None}
            row |= {f"{name}_seeds": half_width(known)}
        # Test and validation images are different draws.
        row["test_less_validation_images"] = None if None in widths else float(np.hypot(*widths))
        return row
    except (LookupError, TypeError, ValueError) as error:
        raise unusable(path, f"found no metrics of a model's seeds ({error!r})") from error


def _seconds_an_epoch(metrics: Mapping) -> float | None:
    """None where a seed wasn't trained by itself, such as another reading of the same training."""
    seconds, epochs = metrics.get("seconds"), metrics.get("epochs")
    return seconds / epochs if seconds is not None and epochs else None


def _count_images(metrics: Mapping[Path, Mapping]) -> dict[str, int]:
    """Images of each split and of all: the most that a model saw, since some learn from fewer."""
    counts = dict.fromkeys(SPLITS, 0)
    for path, content in metrics.items():
        try:
            for split in SPLITS:
                counts[split] = max(counts[split], content["splits"][split]["images"])
        except (LookupError, TypeError) as error:
            raise unusable(path, "found no number of images") from error
    return counts | {"all": sum(counts.values())}


def _collect_trials(paths: Sequence[Path]) -> pd.DataFrame:
    rows = []
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file), [])
        keys = [name for name in header if "." in name]
        rows += [
            {
                "model": path.parent.name,
                "number": trial["number"],
                "state": trial["state"],
                "validation_mse": trial["validation_mse"],
                "values": json.dumps({key: trial[key] for key in keys}),
            }
            for trial in read_trials(path, keys).to_dict("records")
        ]
    return pd.DataFrame(rows, columns=list(TRIAL_COLUMNS))


def _measure_refinement(results: Path) -> dict | None:
    """Errors of refinement and of the floor on its images with their intervals over images."""
    path = results / "refined" / "metrics.json"
    if not path.exists():
        return None
    content = read_metrics(path)
    kept = ("model", "refined", "interval", "coverage", "converged")
    try:
        measured = {key: content[key] for key in (*kept, "rms_median", "renders_median")}
    except KeyError as error:
        raise unusable(path, f"found no {error}") from error
    errors = {}
    identifiers, true, predicted = read_predictions(results / "refined/predictions.csv", "test")
    errors["numbers"] = image_errors(true, predicted)[0]
    _, true, predicted = read_predictions(results / "refined/materials.csv", "test")
    errors["material"] = image_errors(true, predicted)[0]
    everyone, true, predicted = read_predictions(
        results / "baselines" / FLOOR / "predictions.csv", "test"
    )
    place = {identifier: index for index, identifier in enumerate(everyone)}
    if not place.keys() >= set(identifiers):
        raise unusable(path, f"found images that {FLOOR} has no predictions of")
    sample = [place[identifier] for identifier in identifiers]
    errors["floor"] = image_errors(true[sample], predicted[sample])[0]
    errors["above_floor"] = errors["numbers"] - errors["floor"]
    measured["images"] = images = len(identifiers)
    measured["coverage_interval"] = {
        name: _share_interval(round(share * images), images)
        for name, share in measured["coverage"].items()
    }
    for name, values in errors.items():
        measured[name] = {"mse": float(values.mean()), "images_interval": half_width(values)}
    return measured


def _share_interval(count: int, total: int) -> list[float]:
    """Wilson's interval of a share: within [0, 1], and no point where all or none are counted."""
    found = binomtest(count, total).proportion_ci(CONFIDENCE, method="wilson")
    return [float(found.low), float(found.high)]


def _ridge_penalties(results: Path) -> list[dict]:
    """Errors of the ridge regression by penalty; empty where they weren't kept."""
    path = results / "baselines" / "ridge" / "metrics.json"
    return read_metrics(path).get("penalties", []) if path.exists() else []


def _sum_timings(folder: Path, images: int) -> list[dict]:
    """What every stage took, its jobs added up, and how many images they were of.

    A stage is a rule, and for features its trunk too. Jobs on ranges beyond the run's images are left
    out: they are of a former, larger data set.
    """
    stages: dict[str, dict] = {}
    for path in sorted(folder.rglob("*.tsv")):
        count = 0
        if RANGE.fullmatch(path.stem):
            found = parse_range(path.stem)
            if found.first >= images:
                continue
            count = len(found)
        rule, *rest = path.relative_to(folder).with_suffix("").parts
        name = f"{rule}/{rest[0]}" if rule == "features" and rest else rule
        stage = stages.setdefault(
            name,
            {
                "stage": name,
                "jobs": 0,
                "images": 0,
                "seconds": 0.0,
                "cpu_seconds": 0.0,
                "memory_mb": 0.0,
            },
        )
        measured = _read_timing(path)
        stage["jobs"] += 1
        stage["images"] += count
        stage["seconds"] += measured["s"]
        stage["cpu_seconds"] += measured["cpu_time"]
        stage["memory_mb"] = max(stage["memory_mb"], measured["max_rss"])
    return [
        {key: round(value, 1) if isinstance(value, float) else value for key, value in one.items()}
        for one in stages.values()
    ]


def _read_timing(path: Path) -> dict[str, float]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            job = list(csv.DictReader(file, delimiter="\t"))[-1]
        # Of a job shorter than the interval of measuring these are "NA" or "-".
        sampled = {
            column: float(job[column]) if re.match(r"\d", job[column]) else 0.0
            for column in ("cpu_time", "max_rss")
        }
        return {"s": float(job["s"]), **sampled}
    except (OSError, LookupError, TypeError, ValueError) as error:
        raise unusable(path, f"can't be read as a benchmark of Snakemake ({error!r})") from error


def _find_pictures(results: Path, is_part: bool) -> list[str]:
    """Names of the figures that there are; of a part, whose run has pictures of its own, of studies."""
    return [
        name
        for name, place in PICTURES.items()
        if (results / place).exists() and (place.startswith("studies/") or not is_part)
    ]


def _copy_picture(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(source) as picture, atomic_path(target) as temporary:
        picture = picture.convert("RGBA")
        opaque = Image.new("RGBA", picture.size, "white")
        opaque.alpha_composite(picture)
        opaque.convert("RGB").save(temporary, "JPEG", quality=PICTURE_QUALITY, optimize=True)
