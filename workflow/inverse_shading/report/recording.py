"""Recording a run: the few numbers of a results folder, collected into the files of a `record`."""

import csv
import json
import re
from collections.abc import Mapping, Sequence
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
    MODEL,
    PUBLISHED,
    REFINEMENT,
    read_comparison,
)
from inverse_shading.evaluation.confidence import CONFIDENCE, half_width
from inverse_shading.evaluation.metrics import image_errors, read_metrics
from inverse_shading.evaluation.paired_tests import COLUMNS as PAIRED_COLUMNS
from inverse_shading.evaluation.paired_tests import read_paired_table
from inverse_shading.evaluation.predictions import read_predictions
from inverse_shading.evaluation.predictor_names import FLOOR
from inverse_shading.report.machine import describe_machine
from inverse_shading.report.record import (
    COMPARISON,
    FORMAT,
    PAIRED,
    SUMMARY,
    TABLE,
    TRAINING_FORMATS,
    TRAININGS,
    TRIAL_COLUMNS,
    TRIALS,
    VS_FLOOR,
)
from inverse_shading.runtime.artefacts import read_csv, unusable, write_csv, write_json
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import atomic_path
from inverse_shading.runtime.given_files import regular_file
from inverse_shading.training.trials import read_trials

# Figures that documents show: their names there, and where they lie in the results.
PICTURES = {
    "gallery": "figures/gallery.png",
    "paired_tests": "figures/paired_tests.png",
    "error_by_parameter": "figures/error_by_parameter.png",
    "bins": "studies/bins/figures/axis.png",
    "images": "studies/images/figures/axis.png",
}
# Names of files that are of a range of images.
RANGE = re.compile(r"\d{6,}-\d{6,}")
# Rules whose jobs are of one model each; and where models are among the predictors that are looked at.
OF_MODELS = ("search", "train", "evaluate")
LOOKS = ("appearance", "models")
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
    _refuse_results(output)
    is_part = (output.parent / SUMMARY).exists()
    folders = _table_folders(results)
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
    metrics = _read_models(results, models)
    images = _count_images(metrics)
    trainings = _collect_trainings(metrics)
    trials = _collect_trials(results, models)
    content = {
        "format": FORMAT,
        "version": __version__,
        "images": images,
        "machine": describe_machine(),
        "config": text,
        "refinement": _measure_refinement(results),
        "ridge_penalties": _ridge_penalties(results),
        "trials": len(trials),
        "stages": sum_timings(results / "timings", images["all"], models),
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


def _refuse_results(output: Path) -> None:
    """Refuse to write over tables that are no record's."""
    if (output / COMPARISON).exists() and not (output / SUMMARY).exists():
        raise InputError(
            f"{output}: found {COMPARISON} without {SUMMARY}, expected a folder for a record and no "
            "results. Name another folder by --output."
        )


def _read_models(results: Path, models: Sequence[str]) -> dict[Path, Mapping]:
    """The metrics of those models that have some, by path."""
    paths = [results / "models" / name / "metrics.json" for name in models]
    metrics = {path: read_metrics(path) for path in paths if path.exists()}
    if not metrics:
        raise InputError(
            f"{results}: found no models/MODEL/metrics.json, expected one. Train a model first."
        )
    return metrics


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


def _collect_trials(results: Path, models: Sequence[str]) -> pd.DataFrame:
    rows = []
    for model in models:
        path = results / "search" / model / TRIALS
        if not path.exists():
            continue
        with path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file), [])
        keys = [name for name in header if "." in name]
        rows += [
            {
                "model": model,
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


def sum_timings(folder: Path, images: int, models: Sequence[str]) -> list[dict]:
    """What every rule took, its jobs added up, and how many images they were of.

    Features are told apart by trunk. Jobs on ranges beyond the run's images, and jobs
    of other models, are left out: they are of a former configuration.

    Args:
        folder: results/timings of a workflow.
        images: of the run.
        models: names of those that count.

    Raises:
        InputError: a file there isn't what Snakemake writes.
    """
    stages: dict[str, dict] = {}
    for path, name in timed_jobs(folder, images, models).items():
        count = len(parse_range(path.stem)) if RANGE.fullmatch(path.stem) else 0
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
        measured = read_timing(path)
        stage["jobs"] += 1
        stage["images"] += count
        stage["seconds"] += measured["s"]
        stage["cpu_seconds"] += measured["cpu_time"]
        stage["memory_mb"] = max(stage["memory_mb"], measured["max_rss"])
    return [
        {key: round(value, 1) if isinstance(value, float) else value for key, value in one.items()}
        for one in stages.values()
    ]


def timed_jobs(folder: Path, images: int, models: Sequence[str]) -> dict[Path, str]:
    """The files of a run's jobs, each with its stage; see `sum_timings`."""
    found = {}
    for path in sorted(folder.rglob("*.tsv")):
        if RANGE.fullmatch(path.stem) and parse_range(path.stem).first >= images:
            continue
        rule, *rest = path.relative_to(folder).with_suffix("").parts
        owners = rest[1:] if (rule, *rest[:1]) == LOOKS else rest if rule in OF_MODELS else []
        if owners and owners[0] not in models:
            continue
        found[path] = f"{rule}/{rest[0]}" if rule == "features" and rest else rule
    return found


def read_timing(path: Path) -> dict[str, float]:
    """What Snakemake measured of a job: `s`, wall seconds; `cpu_time`; `max_rss`, megabytes.

    Raises:
        InputError: the file isn't what Snakemake writes.
    """
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
