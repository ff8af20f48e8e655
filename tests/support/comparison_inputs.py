"""Small inputs of the comparison, made by hand, and the files that the workflow's rules make of them."""

import json

from inverse_shading.dataset.splits import SPLITS
from inverse_shading.evaluation.comparison_rows import write_comparison
from inverse_shading.evaluation.paired_tests import write_paired_table
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.report.comparison_page import write_markdown
from inverse_shading.runtime.files import write_sealed_text

ERRORS = ("train_mse", "train_mae", "test_mse", "test_mae")
PUBLISHED = [
    {"model": model, **dict(zip(ERRORS, errors, strict=True))}
    for model, errors in {
        "Good": (0.02, 0.1, 0.04, 0.15),
        "Flat": (0.04, 0.16, 0.09, 0.26),
        "Chance": (0.16, 0.4, 0.1742, 0.4174),
    }.items()
]


def metrics_of(model, validation, test, **changes):
    errors = {"train": 0.5 * validation, "validation": validation, "test": test}
    content = {
        "model": model,
        "trunk": "vgg16",
        "weights": "random (seed 1, untrained)",
        "precision": "float32",
        "splits": {
            split: {
                "images": 4,
                "mse": errors[split],
                "mae": 2 * errors[split],
                "r2": 1 - 12 * errors[split],
                "parameters": {
                    name: {"mse": errors[split] + index / 1000, "mae": 0.1, "r2": 0.5}
                    for index, name in enumerate(PARAMETERS)
                },
            }
            for split in SPLITS
        },
        "parameter_count": 1000,
        "epochs": 7,
        "best_epoch": 5,
        "seconds": 12.34,
        "device": "cpu",
        "batch_size": 64,
        "threads": 2,
        "tuning": None,
        "chosen_seed": 5,
        "seeds": [{"seed": 5}],
        "intervals": {split: {"mse": None, "mae": None} for split in SPLITS},
        "image_intervals": {split: {"mse": 0.002, "mae": 0.004} for split in SPLITS},
    }
    return content | changes


def tuning_of(model, **values):
    """How a model's metrics say that values were found in eight trials by the search of a model."""
    return {"model": model, "trials": 8, "images": 4, "values": values}


def of_three_seeds(model, validation, test, ensemble, **changes):
    """Metrics as means over three seeds, with the errors of their ensemble."""
    several = {
        "epochs": 7.5,
        "best_epoch": 6.0,
        "seeds": [{"seed": seed} for seed in (5, 6, 7)],
        "intervals": {split: {"mse": 0.0012, "mae": 0.0034} for split in SPLITS},
        "ensemble": {
            key: metrics_of(model, ensemble, ensemble)[key] for key in ("splits", "image_intervals")
        },
    }
    return metrics_of(model, validation, test, **several | changes)


def of_baseline(model, validation, test, **changes):
    """Metrics without what only a training has."""
    names = ["trunk", "epochs", "best_epoch", "seconds", "device", "chosen_seed", "seeds"]
    nothing = dict.fromkeys([*names, "intervals", "image_intervals"])
    return metrics_of(model, validation, test, weights="none", **nothing | changes)


def appearance_of(predictor, factor, **changes):
    """An appearance.json whose numbers tell their places apart."""
    seen = {"rms": 5.0, "psnr": 34.0, "ssim": 0.98, "flip": 0.1}
    content = {"predictor": predictor, "images": 2, "mse": 0.02 * factor, "mae": 0.1}
    content["stage"] = {name: value * factor for name, value in seen.items()}
    content["novel"] = {name: 1.5 * value * factor for name, value in seen.items()}
    canonical = {"base_times_color": 0.001, "specular_times_color": 0.003}
    canonical |= {"specular_roughness": 0.5, "metalness": 0.5}
    content["canonical"] = {name: value * factor for name, value in canonical.items()}
    return content | changes


ONE, BINS = metrics_of("one", 0.030, 0.010), metrics_of("bins", 0.020, 0.022)
RIDGE = metrics_of("ridge", 0.04, 0.04)
REFINEMENT = {
    "model": "bins + refinement",
    "refined": "bins",
    "splits": {"test": metrics_of("", 0.0, 0.003)["splits"]["test"]},
    "interval": 0.8,
}


def write_table(folder, models, baselines=(), published=(), looks=(), refinement=None):
    """Write comparison.csv of the contents of metrics.json and appearance.json files, MODEL.json and
    PREDICTOR_appearance.json; its path."""

    def write(name, content):
        path = folder / f"{name}.json"
        write_sealed_text(path, json.dumps(content))
        return path

    write_comparison(
        folder / "comparison.csv",
        [write(content["model"], content) for content in models],
        [write(content["model"], content) for content in baselines],
        published,
        [write(f"{content['predictor']}_appearance", content) for content in looks],
        refinement and write(refinement["model"], refinement),
    )
    return folder / "comparison.csv"


def write_plain_table(folder):
    """Two models, of which the second is worse on test and better on validation; baselines; the poster."""
    floor = of_baseline("floor", 0.007, 0.007)
    floor["splits"]["validation"] = None
    del floor["splits"]["train"]
    baselines = [
        of_baseline("constant", 0.083, 0.084),
        of_baseline("ridge", 0.04, 0.04, penalty=0.1, tuning=tuning_of("ridge", penalty=0.1)),
        floor,
    ]
    bins = BINS | {"decoding": "expected"}
    return write_table(folder, [ONE, bins], baselines, PUBLISHED)


def write_refined_table(folder):
    """Two models and a baseline whose predictions were rendered, and the better one refined."""
    factors = {"ridge": 2.0, "one": 1.0, "bins": 0.5, "refined": 0.1}
    return write_table(
        folder,
        [of_three_seeds("one", 0.030, 0.010, 0.009), BINS],
        [RIDGE, metrics_of("floor", 0.007, 0.007)],
        PUBLISHED,
        [appearance_of(name, factor) for name, factor in factors.items()],
        REFINEMENT,
    )


def pair(a, b, difference, p, images=4):
    """A row of paired_tests.csv."""
    row = {"a": a, "b": b, "images": images, "mse_a": 0.05, "mse_b": 0.05 - difference}
    row |= {"difference": difference, "low": difference - 0.002, "high": difference + 0.002}
    return row | {"p": p / 10, "p_wilcoxon": p / 10, "p_holm": p}


def write_page(table):
    """Write comparison.md beside a table of the models one or bins; its text."""
    pairs = [
        pair("one", "bins", 0.0101, 0.0004),
        pair("one", "ridge", -0.01, 0.2),
        pair("bins", "ridge", 0.001, 0.3),
    ]
    paired, markdown = table.with_name("paired_tests.csv"), table.with_suffix(".md")
    write_paired_table(paired, pairs)
    write_markdown(markdown, table, paired)
    return markdown.read_text()
