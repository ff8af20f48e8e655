"""A tiny workflow in a folder of its own, as tests run, change and break it."""

import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath

import pytest
import yaml
from filelock import FileLock

from tests.support.prepared_snakemake import run_prepared

ROOT = Path(__file__).parents[2]

# A training that can be caught in the act.
CAUGHT = {"max_epochs": 40}

# Small enough to run whole in about a minute on two cores: every kind of job that the comparison needs but
# `train_streamed`, a model of every head.
TINY = {
    "n_images": 40,
    "shard_size": 20,
    "threads": 1,
    "stage": {"mesh": "ball.obj"},
    "render": {"frame_size": 64, "environment_samples": 4, "device": "cpu"},
    "framing": {"image_size": 56},
    "trunks": {"vgg16": {"weights": "random"}, "resnet50": {"weights": "random"}},
    "features": {"precision": "float32"},
    "device": "cpu",
    "checkpoint_seconds": 0,
    "training": {"max_epochs": 2},
    "models": {
        "vgg16_v1": {"training": dict(CAUGHT)},
        "vgg16_bins_v2": {
            "head": {"channels": 4},
            "objective": {"count": 11},
            "training": dict(CAUGHT),
        },
        "resnet50_v3": {
            "head": {"hidden_sizes": [8, 8]},
            "training": {"max_epochs": 3, "batch_size": 2},
        },
        # Other heads on the same trunks, and another decoding: their jobs would be like those above.
        "vgg16_v2": None,
        "vgg16_bins_v1": None,
        "vgg16_bins_v1_expected": None,
        "vgg16_bins_v2_expected": None,
        "resnet50_v2": None,
        "perceptron": {"head": {"hidden_sizes": [8]}, "training": {"max_epochs": 2}},
        "pixel_components": {
            "head": {"components": 8, "hidden_sizes": [8]},
            "training": {"max_epochs": 2},
        },
        "streamed": None,
    },
    "predictions": {"model": "pixel_components"},
    "studies": {"ablation": {"models": {"pixel_components_only_20": None}}},
    "baselines": {"thumbnail_size": 14},
    "appearance": {"images": 4},
    "refinement": {"stride": 2, "calibration_images": 2},
    "figures": {"example_images": 8, "gallery_images": 2, "report_images": 2},
}


@dataclass
class Project:
    """A copy of the workflow's code and a folder with its results, both free to be changed."""

    code: Path
    folder: Path

    @property
    def config(self) -> dict:
        return yaml.safe_load((self.folder / "config.yaml").read_text())

    @config.setter
    def config(self, value: dict) -> None:
        (self.folder / "config.yaml").write_text(yaml.safe_dump(value, sort_keys=False))

    def arguments(self, *arguments: str) -> list[str]:
        """Those of Snakemake that stand for the command given in `folder`, with its config."""
        arguments = [
            "--snakefile", self.code / "Snakefile", "--directory", self.folder,
            "--configfile", self.folder / "config.yaml", "--cores", "2", "--nocolor", *arguments,
        ]  # fmt: skip
        return list(map(str, arguments))

    def command(self, *arguments: str) -> list[str]:
        """The command a user would give."""
        return [sys.executable, "-m", "snakemake", *self.arguments(*arguments)]

    def run(
        self, *arguments: str, check: bool = True, timeout: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the command to its end; as `stdout` there is what it printed to both streams.

        Raises:
            AssertionError: it failed, and `check` is set.
            subprocess.TimeoutExpired: it took more than `timeout` seconds.
        """
        done = self.complete(*arguments, timeout=timeout)
        if check and done.returncode:
            raise AssertionError(f"ended with {done.returncode}:\n{done.stdout}")
        return done

    def complete(self, *arguments: str, timeout: float | None) -> subprocess.CompletedProcess[str]:
        """What `command` does, sooner, see `prepared_snakemake`."""
        return run_prepared(self.arguments(*arguments), timeout=timeout)

    def planned(self, *targets: str) -> set[str]:
        """The jobs that would run now, see `job_name`."""
        rows = self.run("--summary", *targets).stdout.splitlines()
        start = next(i for i, row in enumerate(rows) if row.startswith("output_file"))
        header = rows[start].split("\t")
        jobs = set()
        for row in rows[start + 1 :]:
            cells = dict(zip(header, row.split("\t"), strict=False))
            if cells["plan"] == "update pending":
                jobs.add(job_name(cells["rule"], cells["output_file"]))
        return jobs

    def metrics(self, model: str) -> dict:
        return json.loads((self.folder / f"results/models/{model}/metrics.json").read_text())


def made_once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Project]
) -> Project:
    """What takes minutes to make and isn't changed, made by one of the processes that run the tests.

    Args:
        make: fills a folder.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # the processes' common one
    folder, done = base / name, base / f"{name}.done"
    with FileLock(base / f"{name}.lock"):
        if not done.exists():
            make(folder)
            done.touch()
    return Project(folder / "code", folder / "run")


def run_whole(folder: Path, config: dict) -> Project:
    """Run a workflow with a mesh of its own from nothing to its end."""
    (folder / "run").mkdir(parents=True)
    project = Project(copy_code(folder / "code"), folder / "run")
    project.config = config
    write_ball(folder / "run" / "ball.obj")
    # As a user would, see `prepared_jobs`.
    done = subprocess.run(project.command(), capture_output=True, text=True)
    assert not done.returncode, done.stdout + done.stderr
    # Where times are kept in whole seconds, what is changed later must be newer.
    time.sleep(1)
    return project


def write_ball(path: Path, rings: int = 16, sectors: int = 24) -> None:
    """A user's own mesh: a sphere without normals, texture coordinates or tangents."""
    lines = ["v 0 1 0", "v 0 -1 0"]
    for ring in range(1, rings):
        for sector in range(sectors):
            polar, angle = math.pi * ring / rings, 2 * math.pi * sector / sectors
            x, z = math.sin(polar) * math.cos(angle), math.sin(polar) * math.sin(angle)
            lines.append(f"v {x:.6f} {math.cos(polar):.6f} {z:.6f}")

    def vertex(ring, sector):
        return 3 + (ring - 1) * sectors + sector % sectors

    for sector in range(sectors):
        lines.append(f"f 1 {vertex(1, sector + 1)} {vertex(1, sector)}")
        lines.append(f"f 2 {vertex(rings - 1, sector)} {vertex(rings - 1, sector + 1)}")
        for ring in range(1, rings - 1):
            corners = (
                (ring, sector),
                (ring, sector + 1),
                (ring + 1, sector + 1),
                (ring + 1, sector),
            )
            lines.append("f " + " ".join(str(vertex(*corner)) for corner in corners))
    path.write_text("\n".join(lines) + "\n")


def job_name(rule: str, output: str) -> str:
    """The rule, and what of its output's path tells the job from others of the rule."""
    _, *folders, file = PurePath(output).with_suffix("").parts
    if rule.startswith("figure_"):
        return "/".join([*folders, file])
    if rule in ("train", "train_streamed", "evaluate"):
        # models/MODEL/seeds/SEED
        return f"{rule}/{folders[1]}/{folders[3]}"
    if rule in ("collect", "describe", "baseline", "search"):
        return f"{rule}/{folders[1]}"
    if rule == "appearance":
        # models/MODEL, baselines/BASELINE or refined
        return f"{rule}/{folders[-1]}"
    if rule == "refine":
        return rule
    # Folders begin with what is made there, which the rule says already.
    return "/".join([rule, *folders[1:], file]) if folders else rule


def without_seconds(value):
    """The same metrics without what differs from run to run."""
    if isinstance(value, dict):
        return {k: without_seconds(item) for k, item in value.items() if "seconds" not in k}
    return [without_seconds(item) for item in value] if isinstance(value, list) else value


def copy_code(target: Path) -> Path:
    target.mkdir(parents=True)
    for name in ("workflow", "profiles", "envs"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "config.yaml", "README.md", "CITATION.cff"):
        shutil.copy2(ROOT / name, target / name)
    return target
