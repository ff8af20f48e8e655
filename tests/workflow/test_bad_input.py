"""What is wrong with an input is said once, clearly, and nothing half-written is left behind."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tests.support.prepared_snakemake import run_prepared
from tests.support.project import Project, write_ball


def refused(project, *arguments, **environment):
    """Run and fail; return everything that was printed."""
    done = run_prepared(project.arguments(*arguments), environment)
    assert done.returncode != 0
    return done.stdout


def leftovers(project):
    """Files under temporary names."""
    return [path for path in (project.folder / "results").rglob(".*") if path.name != ".gitkeep"]


@pytest.fixture
def fresh(finished, tmp_path):
    """The code and config of the tiny workflow, and no results."""
    (tmp_path / "run").mkdir()
    project = Project(finished.code, tmp_path / "run")
    project.config = finished.config
    write_ball(tmp_path / "run" / "ball.obj")
    return project


def test_a_wrong_config_stops_before_the_first_job(fresh):
    fresh.config = fresh.config | {"n_imges": 40, "seed": "one"}
    output = refused(fresh)
    assert f"{fresh.folder / 'config.yaml'}" in output and "The configuration is wrong" in output
    assert "n_imges: found an unknown key" in output and "seed: found 'one' (text)" in output
    assert not (fresh.folder / "results").exists()


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "ball.obj"),
        (b"v 0 0 0\nv 1 0 0\nv 0 1 0\n", "ball.obj"),
        (b"\x00\x01\x02 not a mesh", "ball.obj"),
        (b"v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "ball.obj"),
    ],
    ids=["empty", "no faces", "garbage", "nan"],
)
def test_a_broken_mesh(fresh, content, message):
    (fresh.folder / "ball.obj").write_bytes(content)
    output = refused(fresh, "results/stage.safetensors")
    assert "ERROR ball.obj" in output and "Traceback" not in output
    assert not (fresh.folder / "results" / "stage.safetensors").exists()
    assert leftovers(fresh) == []


def test_no_driver(fresh):
    output = refused(
        fresh, "results/stage.safetensors", __EGL_VENDOR_LIBRARY_FILENAMES="/no/such/driver.json"
    )
    assert "apt-get install" in output and "Traceback" not in output
    assert not (fresh.folder / "results" / "stage.safetensors").exists()


@pytest.mark.parametrize(
    "name, target",
    [
        ("renders/000000-000019.tar", "images/000000-000019.npy"),
        ("images/000000-000019.npy", "features/vgg16/000000-000019.npy"),
        ("features/vgg16/000020-000039.npy", "models/vgg16_v1/metrics.json"),
        ("parameters/000020-000039.csv", "renders/000020-000039.tar"),
        ("stage.safetensors", "renders/000020-000039.tar"),
        ("trunks/vgg16.safetensors", "features/vgg16/000000-000019.npy"),
        ("models/vgg16_v1/seeds/1/weights.safetensors", "models/vgg16_v1/seeds/1/metrics.json"),
        ("models/vgg16_v1/seeds/1/predictions.csv", "models/vgg16_v1/metrics.json"),
        ("models/resnet50_v3/metrics.json", "comparison.csv"),
        ("comparison.csv", "comparison.md"),
        ("paired_tests.csv", "comparison.md"),
    ],
)
def test_a_truncated_file_is_noticed_by_the_step_that_reads_it(project, name, target):
    path = project.folder / "results" / name
    content = path.read_bytes()
    # It may be the file of other tests, too.
    path.unlink()
    path.write_bytes(content[: len(content) * 2 // 3])
    output = refused(project, f"results/{target}", "--forcerun", f"results/{target}")
    assert f"ERROR results/{name}: its contents don't match the checksum" in output
    assert "Delete" in output and "Traceback" not in output
    assert leftovers(project) == []


def test_images_of_another_size_in_a_shard(project):
    from inverse_shading.dataset.ranges import parse_range
    from inverse_shading.dataset.shards import write_shard

    images = parse_range("000000-000019")
    frame = np.zeros((32, 32, 3), np.uint8)
    path = project.folder / f"results/renders/{images}.tar"
    write_shard(path, ((name, np.zeros(10), frame) for name in images.identifiers))
    output = refused(project, f"results/images/{images}.npy")
    assert f"ERROR results/renders/{images}.tar" in output
    assert "32x32 RGB, expected 64x64" in output


def test_weights_that_can_t_be_had_stop_the_run(project, tmp_path):
    config = project.config
    config["trunks"]["vgg16"]["weights"] = "imagenet"
    project.config = config
    # A proxy where nobody answers stands for a machine without internet.
    output = refused(
        project,
        "results/models/vgg16_v1/metrics.json",
        TORCH_HOME=str(tmp_path),
        HTTPS_PROXY="http://127.0.0.1:9",
        https_proxy="http://127.0.0.1:9",
    )
    assert "vgg16-397923af.pth" in output and "random" in output and "Traceback" not in output


def test_the_terminal_table_of_the_demo_is_printed(finished):
    done = subprocess.run(
        [sys.executable, "-m", "inverse_shading", "summary", "results/comparison.csv"],
        cwd=finished.folder,
        env=os.environ | {"PYTHONPATH": str(finished.code / "workflow")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "vgg16_bins_v2" in done.stdout and max(map(len, done.stdout.splitlines())) <= 110
