"""Only stale outputs are rebuilt: after one change, exactly these jobs run and no others."""

import json
import os

import pytest
import yaml

from tests.support.meshes import gltf
from tests.support.project import Project, write_ball

RANGES = ["000000-000019", "000020-000039"]
NEW_RANGE = "000040-000059"
POSTER = ["vgg16_v1", "vgg16_bins_v2", "resnet50_v3"]
MODELS = [*POSTER, "perceptron", "pixel_components"]
BINS = ["vgg16_bins_v2"]
TRUNKS = ["vgg16", "resnet50", "pixels", "pixels_encoded"]


def over_ranges(rule, ranges=RANGES):
    return {f"{rule}/{images}" for images in ranges}


def features(ranges=RANGES, trunks=TRUNKS):
    return {f"features/{trunk}/{images}" for trunk in trunks for images in ranges}


def trained(models, seed=1):
    return {f"{rule}/{m}/{seed}" for m in models for rule in ("train", "evaluate")} | collected(
        models
    )


def collected(models):
    return {f"collect/{model}" for model in models}


def drawn(models):
    """What is made of each model when it is trained again: its figure, its card and its renders."""
    made = ("figures/predicted_against_true", "describe", "appearance")
    return {f"{job}/{model}" for model in models for job in made}


def looks(predictors):
    return {f"appearance/{predictor}" for predictor in predictors}


BASELINE_NAMES = ["constant", "ridge", "floor"]
BASELINES = {f"baseline/{name}" for name in BASELINE_NAMES} | looks(BASELINE_NAMES)
TABLE = {
    "compare", "compare_markdown", "figures/error_by_parameter", "figures/gallery", "report_page",
}  # fmt: skip
PAIRED = {"paired_tests", "compare_markdown", "figures/paired_tests"}
FIGURES = {
    f"figures/{name}"
    for name in ("examples", "learning_curves", "error_by_parameter", "paired_tests", "gallery")
} | {f"figures/predicted_against_true/{model}" for model in MODELS}
DATA_CARD = {"data_card"}
# What the table of appearance goes into.
AFTER_LOOKS = TABLE | {"figures/paired_tests"}
REFINED = {"refine", "refine_part/000000-000003", *looks(["refined"])}
KNOWN = {"calibrate_part/000000-000001"}
CALIBRATED = KNOWN | {"calibrate"}
# What runs again when some models are trained again: the best one of them is refined.
AFTER_MODELS = TABLE | PAIRED | REFINED | {"figures/learning_curves"}
EVERY_MODEL = trained(MODELS) | drawn(MODELS) | AFTER_MODELS
# Batch statistics of random weights are measured on images, so the tiny workflow's ResNet50 comes after them.
MEASURED = {"trunk/resnet50"}
# Renders of test images, which only what moves or relights them makes stale.
NOVEL_IMAGES = {"novel_images"}
AFTER_IMAGES = MEASURED | features() | BASELINES | EVERY_MODEL | {"figures/examples"} | CALIBRATED
AFTER_RENDERS = over_ranges("images") | DATA_CARD | AFTER_IMAGES
# Cards hold the calibration, for whoever uses a model.
CARDS = {f"describe/{model}" for model in MODELS}
# What runs again when materials are sought in another way.
AFTER_SEARCH = CALIBRATED | CARDS | REFINED | AFTER_LOOKS


def edit_config(**changes):
    def edit(project):
        config = project.config
        for key, value in changes.items():
            *path, last = key.split("__")
            section = config
            for name in path:
                section = section.setdefault(name, {})
            section[last] = value
        project.config = config

    return edit


def edit_file(name, old, new, root="code"):
    def edit(project):
        path = (project.code if root == "code" else project.folder) / name
        text = path.read_text()
        assert old in text, f"{name} no longer holds {old!r}"
        path.write_text(text.replace(old, new, 1))

    return edit


def append(name, text, root="code"):
    def edit(project):
        path = (project.code if root == "code" else project.folder) / name
        path.write_text(path.read_text() + text)

    return edit


def append_with_old_time(name, text):
    """As a copy that keeps times does (rsync -a, tar)."""

    def edit(project):
        path = project.code / name
        before = path.stat()
        path.write_text(path.read_text() + text)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    return edit


def touch(*names, root="run"):
    def edit(project):
        for name in names:
            path = (project.code if root == "code" else project.folder) / name
            path.touch()

    return edit


def reverse_keys(value):
    if isinstance(value, dict):
        return {key: reverse_keys(value[key]) for key in reversed(value)}
    return value


def reorder_config(project):
    """Both files' keys in reverse; the order of models stays, since it orders the table's rows."""
    path = project.code / "config.yaml"
    for old in (path, project.folder / "config.yaml"):
        config = yaml.safe_load(old.read_text())
        models = config.pop("models")
        config = reverse_keys(config)
        config["models"] = {name: reverse_keys(model) for name, model in models.items()}
        old.write_text(yaml.safe_dump(config, sort_keys=False))


SPACE = {"training.learning_rate": {"low": 0.001, "high": 0.01}, "training.weight_decay": None}
STATEMENT = "\n_UNUSED = 1\n"

CHANGES = {
    # The table of changes that users make.
    "nothing": (lambda project: None, set()),
    "a touch": (
        touch("ball.obj", "results/parameters/000000-000019.csv", "results/stage.safetensors"),
        set(),
    ),
    "a comment in README": (append("README.md", "\n<!-- a remark -->\n"), set()),
    "reordered config keys": (reorder_config, set()),
    "more images": (
        edit_config(n_images=60),
        {f"{rule}/{NEW_RANGE}" for rule in ("parameters", "split", "render", "images")}
        | features([NEW_RANGE])
        | DATA_CARD
        | BASELINES
        | EVERY_MODEL,
    ),
    "one model's learning rate": (
        edit_config(models__resnet50_v3__training__learning_rate=0.0007),
        trained(["resnet50_v3"]) | drawn(["resnet50_v3"]) | AFTER_MODELS,
    ),
    "a model added": (
        edit_config(
            models__vgg16_v3={
                "trunk": "vgg16",
                "head": {"type": "dense", "grid": 1},
                "objective": {"type": "regression"},
            }
        ),
        trained(["vgg16_v3"]) | drawn(["vgg16_v3"]) | AFTER_MODELS,
    ),
    "the framing": (edit_config(framing__margin=0.1), AFTER_RENDERS | NOVEL_IMAGES),
    "the renderer's source": (
        append("workflow/inverse_shading/render/frames.py", STATEMENT),
        over_ranges("render") | AFTER_RENDERS | NOVEL_IMAGES,
    ),
    "the loss of the bins models": (
        append("workflow/inverse_shading/network/objectives/bins.py", STATEMENT),
        trained(BINS) | drawn(BINS) | AFTER_MODELS,
    ),
    "the table's layout code": (
        append("workflow/inverse_shading/report/comparison_page.py", STATEMENT),
        {"compare_markdown"},
    ),
    "the table's texts": (
        append("workflow/inverse_shading/report/templates/comparison.md.j2", "\nA remark.\n"),
        {"compare_markdown"},
    ),
    "a seed added": (
        edit_config(seeds=[1, 7]),
        trained(MODELS, seed=7) | drawn(MODELS) | AFTER_MODELS,
    ),
    "how seeds are brought together": (
        append("workflow/inverse_shading/training/seeds.py", STATEMENT),
        collected(MODELS) | drawn(MODELS) | AFTER_MODELS - {"paired_tests"},
    ),
    "the paired tests": (
        append("workflow/inverse_shading/evaluation/paired_tests.py", STATEMENT),
        PAIRED,
    ),
    # What Snakemake compares: mtime, code, params, input, software-env.
    "mtime: an input with other content": (
        edit_file("results/splits/000000-000019.csv", "000000000,", "000000000, ", root="run"),
        DATA_CARD
        | MEASURED
        | features(trunks=["resnet50"])
        | BASELINES
        | EVERY_MODEL
        | CALIBRATED
        | NOVEL_IMAGES,
    ),
    "mtime: validation images that nothing is calibrated on": (
        edit_file("results/splits/000020-000039.csv", "000000020,", "000000020, ", root="run"),
        DATA_CARD | BASELINES | EVERY_MODEL,
    ),
    "mtime: a user's mesh with other content": (
        edit_file("ball.obj", "v 0.0", "v 0.01", root="run"),
        {"stage", "novel_stage"} | over_ranges("render") | AFTER_RENDERS | NOVEL_IMAGES,
    ),
    "code: a script touched": (touch("workflow/scripts/train.py", root="code"), set()),
    "code: a script edited": (
        append("workflow/scripts/figure_examples.py", STATEMENT),
        {"figures/examples"},
    ),
    "code: an imported module edited": (
        append("workflow/inverse_shading/evaluation/evaluate_model.py", STATEMENT),
        {f"evaluate/{model}/1" for model in MODELS}
        | collected(MODELS)
        | drawn(MODELS)
        | AFTER_MODELS,
    ),
    "code: an imported module edited, with its old time": (
        append_with_old_time(
            "workflow/inverse_shading/report/figures/error_by_parameter.py", STATEMENT
        ),
        {"figures/error_by_parameter"},
    ),
    "code: a comment in an imported module": (
        append("workflow/inverse_shading/render/frames.py", "\n# A remark.\n"),
        set(),
    ),
    "code: the stage's source": (
        append("workflow/inverse_shading/scene/shader_ball.py", STATEMENT),
        {"stage", "novel_stage"} | over_ranges("render") | AFTER_RENDERS | NOVEL_IMAGES,
    ),
    "code: how images are compared": (
        append("workflow/inverse_shading/evaluation/image_difference.py", STATEMENT),
        looks([*MODELS, *BASELINE_NAMES, "refined"]) | AFTER_LOOKS,
    ),
    "code: the colours of maps of differences": (
        append("workflow/inverse_shading/report/difference_colors.py", STATEMENT),
        {"report_page"},
    ),
    "code: how test images are shown in the novel light": (
        append("workflow/inverse_shading/evaluation/novel_images.py", STATEMENT),
        NOVEL_IMAGES | looks([*MODELS, *BASELINE_NAMES, "refined"]) | AFTER_LOOKS,
    ),
    "code: what a picture leaves open": (
        append("workflow/inverse_shading/inversion/posterior.py", STATEMENT),
        AFTER_SEARCH,
    ),
    "code: how refined answers are written": (
        append("workflow/inverse_shading/inversion/refine_test_images.py", STATEMENT),
        REFINED | AFTER_LOOKS,
    ),
    "code: the report's style": (
        append("workflow/inverse_shading/report/page/templates/report.css", "\np {}\n"),
        {"report_page"},
    ),
    "code: the report's template": (
        append("workflow/inverse_shading/report/page/templates/report.html", "\n<!-- a -->\n"),
        {"report_page"},
    ),
    "code: the report's script": (
        append("workflow/inverse_shading/report/page/templates/order.js", "\n;\n"),
        {"report_page"},
    ),
    "code: the report's stage for the browser": (
        append("workflow/inverse_shading/report/live_stage.py", STATEMENT),
        {"report_page"},
    ),
    "code: how a material's file is written": (
        append("workflow/inverse_shading/prediction/material_file.py", STATEMENT),
        {"report_page"},
    ),
    # What borders between folders are for.
    "code: the decoder of a format of users' pictures": (
        append("workflow/inverse_shading/pictures/tiff.py", STATEMENT),
        # Only materials of the user's pictures, which nobody asked for.
        set(),
    ),
    "code: kinds of material": (
        append("workflow/inverse_shading/material/kinds.py", STATEMENT),
        # Intervals are stretched by kind.
        AFTER_SEARCH,
    ),
    "code: labels of the inputs": (
        append("workflow/inverse_shading/material/labels.py", STATEMENT),
        {"figures/error_by_parameter", "report_page"}
        | {f"figures/predicted_against_true/{model}" for model in MODELS},
    ),
    "code: the data card's texts": (
        append("workflow/inverse_shading/report/templates/data_card.md.j2", "\nA remark.\n"),
        DATA_CARD,
    ),
    "code: how the project is cited": (
        append("CITATION.cff", "doi: 10.5281/zenodo.1\n"),
        DATA_CARD,
    ),
    "code: a docstring of a subpackage": (
        edit_file("workflow/inverse_shading/report/__init__.py", '"""', '"""A remark. '),
        set(),
    ),
    "code: what a subpackage runs before its modules": (
        append("workflow/inverse_shading/report/figures/__init__.py", STATEMENT),
        FIGURES,
    ),
    "params: the same number written otherwise": (
        edit_config(
            training__weight_decay=1.0e-4,
            baselines__ridge__penalties=[1.0e-5, 1.0e-4, 1.0e-3, 1.0e-2, 0.1, 1, 10, 100],
        ),
        set(),
    ),
    "params: two values swapped": (
        # As params of their own, without names, these two would look the same.
        edit_config(models__resnet50_v3__training={"max_epochs": 2, "batch_size": 3}),
        trained(["resnet50_v3"]) | drawn(["resnet50_v3"]) | AFTER_MODELS,
    ),
    "params: the seed": (
        edit_config(seed=2),
        over_ranges("parameters")
        | over_ranges("split")
        | over_ranges("render")
        | {"trunk/vgg16"}
        | AFTER_RENDERS
        | NOVEL_IMAGES,
    ),
    "params: the split": (
        edit_config(split={"train": 0.6, "validation": 0.2, "test": 0.2}),
        over_ranges("split")
        | DATA_CARD
        | MEASURED
        | features(trunks=["resnet50"])
        | BASELINES
        | EVERY_MODEL
        | CALIBRATED
        | NOVEL_IMAGES,
    ),
    "params: the common training section": (
        edit_config(training__schedule="cosine"),
        EVERY_MODEL,
    ),
    "params: the view": (
        edit_config(stage__camera__azimuth=10.0),
        {"stage"} | over_ranges("render") | AFTER_RENDERS,
    ),
    "params: the novel light": (
        edit_config(appearance__novel__environment="builtin"),
        {"novel_stage"} | NOVEL_IMAGES | looks([*MODELS, *BASELINE_NAMES, "refined"]) | AFTER_LOOKS,
    ),
    "params: images that are refined in other parts": (
        # Of two known images there is one part as before.
        edit_file(
            "workflow/inverse_shading/config/slices.py",
            "REFINED_TOGETHER = 25",
            "REFINED_TOGETHER = 2",
        ),
        {"refine_part/000000-000001", "refine_part/000002-000003", "refine"}
        | looks(["refined"])
        | AFTER_LOOKS,
    ),
    "params: how many test images are looked at": (
        edit_config(appearance__images=3),
        NOVEL_IMAGES
        | looks([*MODELS, *BASELINE_NAMES, "refined"])
        | {"refine_part/000000-000002", "refine"}
        | AFTER_LOOKS,
    ),
    "params: how materials are sought": (edit_config(refinement__restarts=2), AFTER_SEARCH),
    "params: when a material explains a picture": (
        edit_config(refinement__doubtful=0.02),
        AFTER_SEARCH - CALIBRATED,
    ),
    "params: the share of truths that intervals hold": (
        edit_config(refinement__interval=0.7),
        AFTER_SEARCH - KNOWN,
    ),
    "params: how many images the report shows": (
        edit_config(figures__report_images=1),
        {"report_page"},
    ),
    "params: a baseline": (
        edit_config(baselines__ridge__penalties=[5]),
        {"baseline/ridge", "appearance/ridge"} | TABLE | PAIRED,
    ),
    "params: how bins become a number": (
        # Epochs are chosen by it, so it is part of the training.
        edit_config(models__vgg16_bins_v2__objective={"count": 11, "decoding": "expected"}),
        trained(["vgg16_bins_v2"]) | drawn(["vgg16_bins_v2"]) | AFTER_MODELS,
    ),
    "params: a grid of the pixels": (
        edit_config(trunks__pixels__depths={"image": 14, "radiance": 28}),
        features(trunks=["pixels"])
        | trained(["pixel_components"])
        | drawn(["pixel_components"])
        | AFTER_MODELS,
    ),
    "params: a study that nobody asked for": (
        edit_config(studies__ablation__models__pixel_components_alone={"images": 40}),
        set(),
    ),
    "params: what a search that nobody asked for tries": (
        edit_config(search__trials=3, search__spaces__vgg16_v1=None, search__prune=True),
        set(),
    ),
    "input: a model left out": (edit_config(models__vgg16_v1=None), AFTER_MODELS),
    "software-env: an environment that is not in use": (
        edit_file("envs/train.yaml", "scikit-learn==", "scikit-learn==0"),
        set(),
    ),
    # Only batch statistics depend on the batch in which they are measured.
    "batch of random trunks": (
        edit_config(features__batch_size=16),
        MEASURED
        | features(trunks=["resnet50"])
        | trained(["resnet50_v3"])
        | drawn(["resnet50_v3"])
        | AFTER_MODELS
        # Cards say the batch, for whoever uses a model.
        | CARDS,
    ),
    # What shapes speed, not results.
    "how often checkpoints are written": (edit_config(checkpoint_seconds=5), set()),
    "where to render and train": (edit_config(render__device="auto", device="auto"), set()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_exactly_the_stale_jobs_run(project, change):
    edit, expected = CHANGES[change]
    edit(project)
    assert project.planned() == expected


STREAMED = {
    "head": {"components": 8, "hidden_sizes": [8]},
    "stream": {"renders": 100, "framed": 20, "cells": 50},
}


def test_a_streamed_model_is_trained_on_the_stage_and_evaluated_on_images(finished, tmp_path):
    project = Project(finished.code, tmp_path / "run")
    (tmp_path / "run").mkdir()
    project.config = finished.config
    edit_config(models__streamed=STREAMED)(project)
    write_ball(tmp_path / "run" / "ball.obj")
    assert project.planned("results/models/streamed/seeds/1/weights.safetensors") == {
        "stage", "trunk/pixels_fine", "train_streamed/streamed/1",
    }  # fmt: skip
    planned = project.planned("results/models/streamed/metrics.json")
    assert "features/pixels_fine/000000-000019" in planned
    assert {job for job in planned if "/streamed" in job} == {
        "train_streamed/streamed/1", "evaluate/streamed/1", "collect/streamed",
    }  # fmt: skip


def test_the_summary_agrees_with_the_dry_run(project):
    """The other tests read the plan of --summary; here the same as numbers of a dry run."""
    edit_config(n_images=60)(project)
    lines = project.run("--dry-run").stdout.splitlines()
    total = next(line for line in lines if line.startswith("total"))
    # The dry run counts rule all, which has no log.
    assert int(total.split()[1]) == len(project.planned()) + 1


def test_one_model_s_metrics_need_no_other_model(finished, tmp_path):
    (tmp_path / "run").mkdir()
    project = Project(finished.code, tmp_path / "run")
    project.config = finished.config
    write_ball(tmp_path / "run" / "ball.obj")
    planned = project.planned("results/models/resnet50_v3/metrics.json")
    assert planned == (
        {"stage", "trunk/resnet50"}
        | trained(["resnet50_v3"])
        | {f"{rule}/{r}" for rule in ("parameters", "split", "render", "images") for r in RANGES}
        | features(trunks=["resnet50"])
    )


def test_a_study_trains_its_own_models_and_takes_the_others_as_they_are(project):
    targets = [f"results/studies/bins/{name}" for name in ("comparison.md", "figures/axis.png")]
    counts = {f"vgg16_bins_v2_{count}": count for count in (5, 7, 9)}
    models = {m: {"like": "vgg16_bins_v2", "objective": {"count": n}} for m, n in counts.items()}
    edit_config(studies__bins__models=models)(project)
    own = list(counts)
    assert project.planned(*targets) >= trained(own)
    assert not project.planned(*targets) & trained(MODELS)
    # With seeds of its own, only its own models have them.
    edit_config(studies__bins__seeds=[7, 8])(project)
    planned = project.planned(*targets)
    assert planned >= trained(own, seed=7) | trained(own, seed=8)
    assert not planned & (trained(own, seed=1) | trained(MODELS, seed=7)) - collected(own)


def test_a_file_beside_the_mesh_makes_the_stage_stale(finished, tmp_path):
    (tmp_path / "run").mkdir()
    project = Project(finished.code, tmp_path / "run")
    document, content = gltf()
    document["buffers"][0]["uri"] = "mesh.bin"
    (tmp_path / "run" / "mesh.gltf").write_text(json.dumps(document))
    beside = tmp_path / "run" / "mesh.bin"
    beside.write_bytes(content)
    project.config = finished.config | {"stage": {"mesh": "mesh.gltf"}}
    target = "results/stage.safetensors"
    project.run(target)
    assert project.planned(target) == set()
    beside.write_bytes(content + b"\0")
    assert project.planned(target) == {"stage"}


def test_a_model_of_the_first_images_is_not_trained_again_when_more_are_made(project):
    edit_config(studies__images__models={"vgg16_v1_20": {"like": "vgg16_v1", "images": 20}})(
        project
    )
    metrics = "results/models/vgg16_v1_20/metrics.json"
    project.run(metrics)
    edit_config(n_images=60)(project)
    planned = project.planned(metrics)
    assert {job for job in planned if "vgg16_v1_20" in job} == {
        "evaluate/vgg16_v1_20/1", "collect/vgg16_v1_20",
    }  # fmt: skip


def test_the_order_of_models_is_that_of_the_table(project):
    # Keys of a file that is laid over come first, in its order.
    edit_config(models=dict(reversed(project.config["models"].items())))(project)
    planned = project.planned()
    assert "compare" in planned and not planned & trained(MODELS)


def test_a_search_finds_settings_that_can_be_laid_over(project):
    edit_config(search__trials=2)(project)
    figure, best = (f"results/search/vgg16_v1/{name}" for name in ("trials.png", "best.yaml"))
    project.run(figure)
    over = ["--configfile", *(str(project.folder / name) for name in ("config.yaml", best))]
    # Those who use what was found train that model again, and needn't search again.
    assert project.planned(*over) == trained(["vgg16_v1"]) | drawn(["vgg16_v1"]) | AFTER_MODELS
    assert project.planned(figure, *over) == set()
    # More trials are for the search to add to those it has.
    edit_config(search__trials=3)(project)
    assert project.planned(figure) == {"search/vgg16_v1", "search/vgg16_v1/trials"}


def test_models_are_trained_with_what_their_search_finds_where_it_is_applied(project):
    untuned = dict.fromkeys([*MODELS, "vgg16_v1_cosine_decay"]) | {"vgg16_v1": SPACE}
    edit_config(search__trials=2, search__apply=True, search__spaces=untuned)(project)
    stale = trained(["vgg16_v1"]) | drawn(["vgg16_v1"]) | AFTER_MODELS
    assert project.planned() == stale | {"search/vgg16_v1"}
    metrics, card = (f"results/models/vgg16_v1/{name}.json" for name in ("metrics", "model"))
    project.run(metrics, card)
    tuning = project.metrics("vgg16_v1")["tuning"]
    rate = tuning["values"].pop("training.learning_rate")
    assert 0.001 <= rate <= 0.01
    assert tuning == {"model": "vgg16_v1", "trials": 2, "images": 40, "values": {}}
    history = project.folder / "results/models/vgg16_v1/history.csv"
    rates = [float(line.split(",")[1]) for line in history.read_text().splitlines()[1:]]
    # The schedule's peak, with one step an epoch.
    assert max(rates) == pytest.approx(rate, rel=0.01)
    # What stands in the place of a value that was found shapes nothing.
    edit_config(models__vgg16_v1__training={"max_epochs": 40, "learning_rate": 0.5})(project)
    assert project.planned(metrics, card) == set()
    # A model that is like it has the value too, another one or one whose entry is null has not.
    names = ("vgg16_v1_canonical", "vgg16_v1_cosine_decay", "resnet50_bins")
    own = [f"results/models/{name}/metrics.json" for name in names]
    assert project.planned(*own) == trained(names)
    edit_config(search__trials=3)(project)
    assert project.planned(*own) == trained(names) | {"search/vgg16_v1"}
    again = {"search/vgg16_v1", "describe/vgg16_v1"} | trained(["vgg16_v1"])
    assert project.planned(metrics, card) == again


def test_a_whole_network_is_trained_on_images(project):
    target = "results/models/vgg16_v1_all/metrics.json"
    assert project.planned(target) == trained(["vgg16_v1_all"])


def test_a_model_with_frozen_stages_is_trained_on_what_they_give(project):
    model, target = "vgg16_v1_stage_5", "results/models/vgg16_v1_stage_5/metrics.json"
    training = f"studies__fine_tuning__models__{model}__training"
    edit_config(**{training: {"max_epochs": 1}})(project)
    kept = over_ranges("stage_outputs/vgg16/before_stage_5")
    assert project.planned(target) == kept | trained([model])
    project.run(target)
    assert project.planned(target) == set()
    # As table of changes, since a full run makes none of these files.
    append("workflow/inverse_shading/network/whole_network.py", STATEMENT)(project)
    assert project.planned(target) == trained([model])
    edit_config(**{training: {"max_epochs": 2}})(project)
    assert project.planned(target) == trained([model])
    append("workflow/inverse_shading/network/stage_outputs.py", STATEMENT)(project)
    assert project.planned(target) == kept | trained([model])


def test_a_change_runs_and_then_nothing_is_stale(project):
    """The plan carried out: what was to run has new bytes or times, the rest is untouched."""
    models = project.folder / "results/models"
    files = {path: path.stat().st_mtime_ns for path in models.rglob("*") if path.is_file()}
    edit_config(models__vgg16_v1__training__max_epochs=3)(project)
    project.run()
    changed = {path for path, time in files.items() if path.stat().st_mtime_ns != time}
    assert changed == {path for path in files if path.is_relative_to(models / "vgg16_v1")}
    assert project.metrics("vgg16_v1")["epochs"] <= 3
    assert project.planned() == set()
