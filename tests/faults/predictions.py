"""Faults of `inverse-shading predict`, a command of its own beside the workflow."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from tests.faults.catalogue import enlarge_disk, protect, put_on_small_disk, unprotect
from tests.faults.harness import Fault, Trial
from tests.support.project import Project

MODEL = "results/models/pixel_components"
OUTPUT = "results/predictions"
NAMES = ("first", "second", "third")
FILES = [f"predictions/{name}.{kind}" for name in NAMES for kind in ("mtlx", "json", "png")]
TIMING = "predict"


class Predictions(Project):
    """A finished workflow and pictures, of which the command makes materials."""

    def command(self, *arguments: str) -> list[str]:
        # What it makes is always all: `arguments` are those of Snakemake.
        command = [sys.executable, "-m", "inverse_shading", "predict", self.folder / "pictures"]
        command += ["--model", self.folder / MODEL, "--output", self.folder / OUTPUT, "--quiet"]
        return list(map(str, command))

    def complete(self, *arguments: str, timeout: float | None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )


def predicted(finished: Project, folder: Path) -> Predictions:
    """Copy a finished workflow, and make materials of some of its test images there."""
    shutil.copytree(finished.folder, folder / "run")
    project = Predictions(finished.code, folder / "run")
    images = np.load(project.folder / "results/images/000020-000039.npy")
    (project.folder / "pictures").mkdir()
    for name, image in zip(NAMES, images, strict=False):
        Image.fromarray(image).save(project.folder / "pictures" / f"{name}.png")
    start = time.monotonic()
    project.run()
    timing = project.folder / "results" / "timings" / f"{TIMING}.tsv"
    timing.write_text(f"s\n{time.monotonic() - start:.4f}\n")
    return project


def draw_prediction_faults(count: int, seed: int) -> list[Fault]:
    """Draw faults: the command killed, its disk full, its folder read-only, in turn."""
    generator = np.random.default_rng(seed)
    makers = [_killed, _full_disk, _write_protected]
    return [makers[index % len(makers)](generator) for index in range(count)]


def _fault(group: str, name: str, **how) -> Fault:
    targets = [f"results/{file}" for file in FILES]
    return Fault(f"predict: {group}", f"predict: {name}", targets, FILES, **how)


def _killed(generator: np.random.Generator) -> Fault:
    # The second half is when it writes: before, it starts.
    share = float(generator.uniform(0.3, 1))

    def during(trial: Trial, generator: np.random.Generator, main: subprocess.Popen) -> bool:
        time.sleep(share * trial.usual_seconds(TIMING))
        running = main.poll() is None
        main.kill()
        return running

    return _fault("SIGKILL", f"SIGKILL after {share:.0%} of its usual time", during=during)


def _full_disk(generator: np.random.Generator) -> Fault:
    share = float(generator.uniform(0, 0.9))

    def before(trial: Trial, generator: np.random.Generator) -> None:
        put_on_small_disk(trial, trial.results, share * sum(map(trial.usual_size, FILES)))

    name = f"disk full, with room for {share:.0%} of the materials"
    return _fault("disk full", name, before=before, undo=enlarge_disk, mounts=True)


def _write_protected(generator: np.random.Generator) -> Fault:
    share = float(generator.uniform(0, 0.8))

    def during(trial: Trial, generator: np.random.Generator, main: subprocess.Popen) -> bool:
        time.sleep(share * trial.usual_seconds(TIMING))
        protect(trial, trial.project.folder / OUTPUT)
        return True

    name = f"folder read-only after {share:.0%} of its usual time"
    return _fault("permission", name, during=during, undo=unprotect, mounts=True)
