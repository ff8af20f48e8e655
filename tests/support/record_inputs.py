"""A results folder with what a record keeps, of numbers that a test chooses."""

import json

import numpy as np

from inverse_shading.evaluation.comparison_table import ERRORS
from inverse_shading.evaluation.metrics import write_metrics
from inverse_shading.evaluation.paired_tests import write_paired_table
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.report.verdicts import LISTED
from inverse_shading.training.trials import Trial, write_trials
from tests.support.comparison_inputs import metrics_of, pair
from tests.support.tables import write_comparison, write_predictions

POSTER = {
    "ResNet50-V3 [Added layers]": (0.0443, 0.163, 0.09, 0.26),
    "VGG16-Classification": (0.1626, 0.4032, 0.1742, 0.4174),
    "VGG16-Regression": (0.0772, 0.2017, 0.12, 0.351),
}
FLOOR_MSE, CONSTANT_MSE, RIDGE_MSE = 0.0068, 0.0832, 0.0311
WEIGHTS = "file vgg16.safetensors (sha256 0123456789ab…)"
RANDOM = "random (seed 1, batch statistics calibrated on 325 training images)"


def row(model, test, source="model", **changes):
    """A row of a comparison of five seeds."""
    trained = source == "model"
    content = dict.fromkeys(ERRORS, test) | {
        "model": model,
        "source": source,
        "test_mae": 3 * test,
        "seeds": 5 if trained else None,
        "test_mse_interval": 0.0003 if trained else None,
        "test_mae_interval": 0.0006 if trained else None,
        "test_mse_image_interval": 0.0007,
        "test_mse_vs_ridge": test / RIDGE_MSE,
        "trunk": "vgg16" if trained else "none",
        "weights": WEIGHTS if trained else "none",
        "precision": "float32" if trained else None,
        **{f"test_mse_{name}": test + index / 1000 for index, name in enumerate(PARAMETERS)},
    }
    if "resnet" in model:
        content |= {"trunk": "resnet50", "weights": RANDOM}
    return content | changes


def looks(factor):
    """Columns of a row whose predictions were rendered."""
    views = {"rms": 5.0, "psnr": 34.0, "ssim": 0.98, "flip": 0.1}
    seen = {
        f"{view}_{name}": value * factor
        for view in ("image", "novel")
        for name, value in views.items()
    }
    products = {"mse_base_times_color": 0.001, "mse_specular_times_color": 0.003}
    return seen | products | {"sample_mse": 0.02 * factor, "sample_images": 4}


def main_rows():
    """The six models, ours, the baselines and the poster's rows."""
    errors = dict(zip(LISTED, (0.0286, 0.0284, 0.0726, 0.0752, 0.0481, 0.0510), strict=True))
    rows = [row(model, error, **looks(2.0)) for model, error in errors.items()]
    rows.append(row("pixel_components", 0.0157, trunk="pixels", weights="none", **looks(1.0)))
    rows.append(row("perceptron", 0.0248, trunk="pixels", weights="none", **looks(0.9)))
    rows += [
        row("constant", CONSTANT_MSE, "baseline"),
        row("ridge", RIDGE_MSE, "baseline", penalty=0.001),
        row("floor", FLOOR_MSE, "bound", **looks(0.8)),
    ]
    for model, (train_mse, train_mae, test_mse, test_mae) in POSTER.items():
        published = {"train_mse": train_mse, "train_mae": train_mae}
        published |= {"test_mse": test_mse, "test_mae": test_mae}
        rows.append({"model": model, "source": "poster (published)", **published})
    return rows


def write_tables(folder, rows):
    """comparison.csv and paired_tests.csv; every pair's difference is known to within 0.002."""
    folder.mkdir(parents=True, exist_ok=True)
    write_comparison(folder / "comparison.csv", rows)
    tested = [one for one in rows if one["source"] in ("model", "baseline")]
    pairs = [
        pair(a["model"], b["model"], a["test_mse"] - b["test_mse"], 0.001)
        for place, a in enumerate(tested)
        for b in tested[place + 1 :]
    ]
    write_paired_table(folder / "paired_tests.csv", pairs)


def write_model(results, model, error, seconds=60.0):
    """metrics.json of five seeds."""
    seeds = [
        metrics_of(
            model, error, error + 0.0001 * seed, epochs=30, best_epoch=25, seconds=seconds + seed
        )
        for seed in range(5)
    ]
    content = metrics_of(model, error, error) | {"seeds": seeds}
    folder = results / "models" / model
    folder.mkdir(parents=True)
    write_metrics(folder / "metrics.json", content)


def write_refinement(results):
    """What refinement came to on two of four test images, and what the floor says of all."""
    true = np.full((4, len(PARAMETERS)), 0.5)
    for folder, names, images, error in (
        ("refined", ("predictions", "materials"), slice(0, 2), 0.1),
        ("baselines/floor", ("predictions",), slice(0, 4), 0.08),
    ):
        (results / folder).mkdir(parents=True, exist_ok=True)
        wrong = true + error * np.array([[1.0], [0.9], [1.1], [1.0]])
        for name in names:
            write_predictions(results / folder / f"{name}.csv", true[images], wrong[images])
    coverage = dict.fromkeys(PARAMETERS, 0.5) | {"metalness": 1.0}
    content = {"model": "pixel_components + refinement", "refined": "pixel_components"}
    content |= {"interval": 0.8, "coverage": coverage, "converged": 1.0}
    content |= {"rms_median": 0.281, "renders_median": 10.8}
    write_metrics(results / "refined/metrics.json", content)


def write_timing(results, name, seconds, cpu="30.5"):
    path = results / "timings" / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\th:m:s\tmax_rss\tcpu_time\n{seconds}\t0:00:04\t232.4\t{cpu}\n")


def write_results(results):
    """All that a record keeps: studies, refinement, a search, times."""
    rows = main_rows()
    write_tables(results, rows)
    grid = row("vgg16_v1_grid_2", 0.0350)
    expected = row("vgg16_bins_v1_expected", 0.0404)
    soft = row("vgg16_bins_v1_soft", 0.0349, seeds=1, test_mse_interval=None, decoding="expected")
    write_tables(results / "studies/readings", [*rows, expected, grid])
    changes = {"constant_rate": 0.0354, "cosine_decay": 0.0285, "canonical": 0.0358}
    future = [soft, *(row(f"vgg16_v1_{name}", error) for name, error in changes.items())]
    write_tables(results / "studies/future_work", [*rows, *future])
    parts = {"without_whitening": 0.0179, "alone": 0.0277}
    ablation = [row(f"pixel_components_{name}", error) for name, error in parts.items()]
    write_tables(results / "studies/ablation", [*rows, *ablation])
    bins = {"11": 0.0548, "expected_11": 0.0354}
    few = [row(f"vgg16_bins_v1_{name}", error) for name, error in bins.items()]
    write_tables(results / "studies/bins", [*rows, *few])
    stage_5 = row("vgg16_v1_stage_5", 0.0201, seeds=3)
    write_tables(results / "studies/fine_tuning", [*rows, stage_5])
    for name in (*LISTED, "pixel_components", "vgg16_v1_grid_2"):
        write_model(results, name, 0.03, 90.0 if "resnet" in name else 60.0)
    write_refinement(results)
    (results / "baselines/ridge").mkdir()
    tried = [
        {"penalty": penalty, "validation_mse": 0.0322 + penalty, "test_mse": 0.0311 + penalty}
        for penalty in (0.001, 0.01)
    ]
    write_metrics(results / "baselines/ridge/metrics.json", {"penalties": tried})
    (results / "search/vgg16_v1").mkdir(parents=True)
    trials = [
        Trial("complete", {"training.learning_rate": 0.0002}, [0.04, 0.0294], 10.0),
        Trial("pruned", {"training.learning_rate": 0.002}, [0.07], 5.0),
    ]
    write_trials(results / "search/vgg16_v1/trials.csv", ["training.learning_rate"], trials)
    write_timing(results, "render/000000-000005", 100.04)
    write_timing(results, "render/000006-000011", 120.0)
    write_timing(results, "features/vgg16/000000-000011", 50.0)
    write_timing(results, "features/vgg16/000012-000023", 70.0)
    write_timing(results, "train/vgg16_v1/1", 60.0)
    write_timing(results, "train/vgg16_v1/2", 2.0, cpu="NA")
    write_timing(results, "train/older/1", 400.0)
    write_timing(results, "search/older", 4000.0)
    for predictor in ("models/older", "models/vgg16_v1", "baselines/ridge"):
        write_timing(results, f"appearance/{predictor}", 30.0)
    return results


def rewrite_json(path, **changes):
    """Change a sealed JSON file, and seal it again."""
    write_metrics(path, json.loads(path.read_text()) | changes)
