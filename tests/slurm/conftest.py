"""The tiny workflow through SLURM, and on this machine for comparison."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.slurm.cluster import Cluster, wait_until
from tests.support.project import TINY, Project, copy_code, write_ball

# Two models, one on each network: what is tested here doesn't depend on how many they are.
MODELS = ("vgg16_v1", "resnet50_v3")
ALL_MODELS = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())["models"]
CONFIG = TINY | {
    # Only what asks a training to stop has one written.
    "checkpoint_seconds": 600,
    "models": {
        name: TINY["models"].get(name, {}) if name in MODELS else None for name in ALL_MODELS
    },
}

# What tests hold against the same of one machine; beside it that run makes no more than this needs.
COMPARED = [
    *(f"results/models/{model}/metrics.json" for model in MODELS),
    *(f"results/baselines/{name}/metrics.json" for name in ("constant", "ridge", "floor")),
]

FORM = ("--workflow-profile", "profiles/slurm")

# What this cluster needs beyond the profile: it has no accounting, and its jobs take ten seconds. They
# are looked for after 3 seconds, and then after 13 more.
SITE = ("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "3")


@dataclass
class Run:
    """One command of Snakemake that submits to SLURM, perhaps still going on."""

    cluster: Cluster
    process: subprocess.Popen
    output_file: Path

    @property
    def output(self) -> str:
        return self.output_file.read_text()

    @property
    def name(self) -> str:
        """What all its jobs are named."""
        self.wait_until(lambda: "SLURM run ID: " in self.output, 60, "run named")
        return re.search(r"SLURM run ID: (\S+)", self.output)[1]

    @property
    def jobs(self) -> list[dict[str, str]]:
        return self.cluster.jobs(self.name)

    def wait_until(self, condition, seconds: float, what: str):
        """What `condition` answers, as soon as that is true.

        Raises:
            AssertionError: Snakemake ended before.
            TimeoutError: it was not true within `seconds`.
        """

        def going_on():
            ended = self.process.poll() is not None
            answer = condition()
            assert answer or not ended, f"{what}: Snakemake ended before\n{self.output}"
            return answer

        return wait_until(going_on, seconds, what)

    def wait_for(self, state: str, comment: str, seconds: float = 90) -> dict[str, str]:
        """The first job of this kind in this state, as soon as there is one."""

        def found():
            wanted = (state, comment)
            return [job for job in self.jobs if (job["JobState"], job["Comment"]) == wanted]

        return self.wait_until(found, seconds, f"{comment} {state}")[0]

    def end(self, seconds: float = 300) -> int:
        """Exit status."""
        return self.process.wait(seconds)


@dataclass
class ClusterProject(Project):
    cluster: Cluster
    runs: list[Run]

    def start(self, *arguments: str, form=FORM) -> Run:
        """The documented command, given in the folder with the code."""
        command = [
            sys.executable, "-m", "snakemake", *form, *SITE, "--nocolor",
            "--directory", self.folder, "--configfile", self.folder / "config.yaml", *arguments,
        ]  # fmt: skip
        output_file = self.folder.parent / f"output-{len(self.runs)}.txt"
        with output_file.open("w") as output:
            process = subprocess.Popen(
                list(map(str, command)),
                cwd=self.code,
                env=self.cluster.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.runs.append(Run(self.cluster, process, output_file))
        return self.runs[-1]

    def submit(self, *arguments: str, form=FORM) -> Run:
        """Run to the end."""
        run = self.start(*arguments, form=form)
        run.end()
        return run


def end_all(runs: list[Run]) -> None:
    """A test that failed on the way leaves no Snakemake behind; its jobs go with the cluster."""
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
            run.process.wait(10)


@pytest.fixture(scope="session")
def cluster():
    with Cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def both(cluster, tmp_path_factory):
    """The workflow through SLURM and on this machine, side by side: the first mostly waits."""
    projects = []
    for name in ("finished", "local"):
        base = tmp_path_factory.mktemp(name)
        (base / "run").mkdir()
        code, folder = copy_code(base / "code"), base / "run"
        slurm = name == "finished"
        project = ClusterProject(code, folder, cluster, []) if slurm else Project(code, folder)
        project.config = CONFIG
        write_ball(folder / "ball.obj")
        projects.append(project)
    finished, local = projects
    try:
        run = finished.start()
        # Both runs share the processors here, in CI with `make test` too, and took 600 s there.
        local.run(*COMPARED, timeout=1200)
        run.end(1200)
        yield finished, local
    finally:
        end_all(finished.runs)


@pytest.fixture(scope="session")
def finished(both) -> ClusterProject:
    """The workflow through SLURM, from nothing. Not to be changed: ask for `project`."""
    return both[0]


@pytest.fixture(scope="session")
def local(both) -> Project:
    """The same without SLURM."""
    return both[1]


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished workflow that may be changed."""
    shutil.copytree(finished.code, tmp_path / "code")
    shutil.copytree(finished.folder, tmp_path / "run")
    project = ClusterProject(tmp_path / "code", tmp_path / "run", finished.cluster, [])
    yield project
    end_all(project.runs)
