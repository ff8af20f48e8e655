"""The same command gives the same results, whatever runs beside what."""

import hashlib
import json

from tests.support.project import Project, without_seconds, write_ball


def digests(folder, pattern):
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.glob(pattern)
    }


def test_one_worker_gives_the_bytes_of_two(finished, tmp_path):
    (tmp_path / "run").mkdir()
    alone = Project(finished.code, tmp_path / "run")
    alone.config = finished.config
    write_ball(tmp_path / "run" / "ball.obj")
    # The second --cores wins; the finished project ran with two.
    alone.run("--cores", "1", "results/models/vgg16_v1/metrics.json")
    for pattern in (
        "results/stage.safetensors",
        "results/parameters/*.csv",
        "results/renders/*.tar",
        "results/images/*.npy",
        "results/splits/*.csv",
        "results/trunks/vgg16.safetensors",
        "results/features/vgg16/*.npy",
        "results/models/vgg16_v1/weights.safetensors",
        "results/models/vgg16_v1/history.csv",
        "results/models/vgg16_v1/predictions.csv",
    ):
        expected = digests(finished.folder, pattern)
        assert expected, pattern
        assert digests(alone.folder, pattern) == expected
    assert without_seconds(alone.metrics("vgg16_v1")) == without_seconds(
        finished.metrics("vgg16_v1")
    )


def test_table_and_figures_come_out_the_same(project):
    before = digests(project.folder, "results/figures/**/*.png")
    tables = digests(project.folder, "results/*.csv")
    figures = ("examples", "learning_curves", "predicted_against_true")
    rules = ["compare", "paired_tests", *(f"figure_{name}" for name in figures)]
    project.run(*map(str, [*before, *tables]), "--forcerun", *rules)
    assert len(before) == 10
    assert digests(project.folder, "results/figures/**/*.png") == before
    assert len(tables) == 2 and digests(project.folder, "results/*.csv") == tables


def test_the_code_beside_the_rules_runs_whatever_is_installed(project):
    module = project.code / "workflow/inverse_shading/dataset/splits.py"
    module.write_text(module.read_text() + "\nraise SystemExit('this very copy')\n")
    target = "results/splits/000000-000019.csv"
    done = project.run(target, "--forcerun", target, check=False)
    assert done.returncode != 0 and "this very copy" in done.stdout


def test_shards_hold_the_parameters_they_were_rendered_from(finished):
    from inverse_shading.dataset.parameter_table import read_parameters
    from inverse_shading.dataset.ranges import parse_range
    from inverse_shading.dataset.shards import read_shard
    from inverse_shading.material.parameters import PARAMETERS

    results = finished.folder / "results"
    images = parse_range("000020-000039")
    table = read_parameters(results / f"parameters/{images}.csv", images)
    for identifier, values, _ in read_shard(results / f"renders/{images}.tar", images, 64):
        assert (table.loc[identifier, list(PARAMETERS)].to_numpy() == values).all()


def test_metrics_say_what_was_done(finished):
    metrics = finished.metrics("resnet50_v3")
    assert metrics["trunk"] == "resnet50"
    assert (
        "random" in metrics["weights"] and "calibrated on 13 training images" in metrics["weights"]
    )
    assert {name: part["images"] for name, part in metrics["splits"].items()} == {
        "train": 26,
        "validation": 6,
        "test": 8,
    }
    assert metrics["decoding"] is None
    assert finished.metrics("vgg16_bins_v2")["decoding"] == "argmax"
    json.dumps(metrics, allow_nan=False)
