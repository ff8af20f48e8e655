"""Does one thing to a run that a cluster, a disk or a person does to it, and judges what comes of it.

A trial begins with a copy of an undisturbed, finished run. Some results are taken away, the command
that makes them again is given, the fault strikes, and the same command is given until it ends well.
What it says on the way must name a remedy, which is followed.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from tests.support.project import Project, without_seconds

# A run of the tiny workflow from nothing takes about one minute on two cores; one that takes
# longer than this hangs.
LIMIT_SECONDS = 300

SURVIVED = "survived"
REFUSED = "refused clearly"
# Snakemake met the fault between two jobs and ended with a traceback of its own; with the cause gone,
# the same command led to the undisturbed results.
ITS_OWN = "Snakemake's own error"
UNCLEAR = "unclear"
WRONG = "wrong"
# The job was over before the fault struck: nothing was tried.
MISSED = "missed"
# A fault that came too late is tried this many times in all.
TRIES = 4


class UnclearError(Exception):
    """A command ended otherwise than well or with a word that helps; holds what it said."""


@dataclass
class Fault:
    """What is done to a run.

    Attributes:
        group: row of the report.
        name: what exactly.
        targets: what the command asks for.
        lost: results that are taken away beforehand, so that the command has something to do.
        before: damages the files at rest.
        during: strikes while the command runs, whose process is the third argument; False if the
            command had done its work before.
        undo: what a person does about a refusal that asks for space or permission.
        mounts: whether it needs `can_mount`.
    """

    group: str
    name: str
    targets: list[str]
    lost: list[str]
    before: Callable[["Trial", np.random.Generator], None] = lambda trial, generator: None
    during: Callable[["Trial", np.random.Generator, subprocess.Popen], bool] | None = None
    undo: Callable[["Trial"], None] | None = None
    mounts: bool = False


@dataclass
class Trial:
    """One fault on one copy.

    Attributes:
        project: the copy.
        reference: the finished run that it is a copy of.
        haste: how many times earlier than drawn the fault strikes.
        notes: what happened, a few words each.
        mounts: file systems to be unmounted in the end.
    """

    project: Project
    reference: Project
    haste: int = 1
    notes: list[str] = field(default_factory=list)
    mounts: list[Path] = field(default_factory=list)

    @property
    def results(self) -> Path:
        return self.project.folder / "results"

    def usual_size(self, name: str) -> int:
        """Bytes of a result in the undisturbed run."""
        return (self.reference.folder / "results" / name).stat().st_size

    def usual_seconds(self, job: str) -> float:
        """How long a job took in the undisturbed run, by `haste`; `job` is rule and wildcards."""
        path = self.reference.folder / "results" / "timings" / f"{job}.tsv"
        return float(pd.read_csv(path, sep="\t")["s"].iloc[0]) / self.haste


@dataclass(frozen=True)
class Outcome:
    fault: Fault
    verdict: str
    notes: list[str]
    seconds: float


def can_mount() -> bool:
    """Whether this user may mount file systems; root may, but not in every container."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["mount", "-t", "tmpfs", "-o", "size=4096", "tmpfs", folder]
        mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0
        if mounted:
            subprocess.run(["umount", folder], check=True)
    return mounted


def attempt_until_struck(
    fault: Fault, reference: Project, folder: Path, seed: list[int]
) -> Outcome:
    """`attempt`, and again, up to `TRIES` times, where the fault came too late.

    Each try strikes twice as early: usual times are of the undisturbed run, which had other work beside
    it, and a machine may be far quicker now.
    """
    for number in range(TRIES):
        outcome = attempt(fault, reference, folder, [*seed, number], haste=2**number)
        if outcome.verdict != MISSED:
            break
    return outcome


def attempt(fault: Fault, reference: Project, folder: Path, seed: list[int], haste: int) -> Outcome:
    """Try one fault in a new folder, which is removed again.

    Args:
        seed: of all that is random about the fault.
        haste: see `Trial`.
    """
    start = time.monotonic()
    generator = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    trial = Trial(replace(reference, folder=folder / "run"), reference, haste)
    try:
        shutil.copytree(reference.folder, trial.project.folder)
        for name in fault.lost:
            # Not its checksum, of which Snakemake doesn't know either when it removes a file.
            (trial.results / name).unlink()
        fault.before(trial, generator)
        struck, output = _disturbed_run(trial, fault, generator)
        verdict = _recover(trial, fault, output) if struck else MISSED
        if verdict in (SURVIVED, REFUSED, ITS_OWN):
            wrong = differences(trial.project, reference, fault.targets)
            if wrong:
                trial.notes.append("differs: " + ", ".join(wrong[:5]))
                verdict = WRONG
    except UnclearError as error:
        trial.notes.append(str(error)[-1500:])
        verdict = UNCLEAR
    except subprocess.TimeoutExpired:
        trial.notes.append(f"not done in {LIMIT_SECONDS} s")
        verdict = UNCLEAR
    finally:
        _kill_all(trial.project.folder)
        for mount in reversed(trial.mounts):
            subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
    return Outcome(fault, verdict, trial.notes, time.monotonic() - start)


def differences(project: Project, reference: Project, targets: list[str]) -> list[str]:
    """Results that are not those of the reference: every file there is, and every target."""
    expected = {path.relative_to(reference.folder) for path in _results(reference)}
    found = {path.relative_to(project.folder) for path in _results(project)}
    wrong = [f"{path} is missing" for path in sorted(set(map(Path, targets)) - found)]
    wrong += [f"{path} is left over" for path in sorted(found - expected)]
    wrong += [
        str(path)
        for path in sorted(found & expected)
        if _content(project.folder / path) != _content(reference.folder / path)
    ]
    return wrong


def process_of(folder: Path, script: str, main: subprocess.Popen) -> psutil.Process | None:
    """Wait for the process of a script that runs in `folder`; None if `main` ends before."""
    while main.poll() is None:
        for process in _processes(folder):
            with _gone_is_fine():
                if any(part.endswith(f".{script}.py") for part in process.cmdline()):
                    return process
        time.sleep(0.01)
    return None


def _disturbed_run(trial: Trial, fault: Fault, generator: np.random.Generator) -> tuple[bool, str]:
    """Returns whether the fault struck, and what the command said if it failed by itself."""
    if fault.during is None:
        done = trial.project.complete(*fault.targets, timeout=LIMIT_SECONDS)
        struck, failed, output = True, done.returncode > 0, done.stdout
    else:
        with open(trial.project.folder.parent / "output.txt", "w+") as log:
            process = subprocess.Popen(
                trial.project.command(*fault.targets),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            struck = fault.during(trial, generator, process)
            process.wait(timeout=LIMIT_SECONDS)
            log.seek(0)
            failed, output = process.returncode > 0, log.read()
    # A full or locked disk strikes when something is written to it.
    return struck and (fault.undo is None or failed), output if failed else ""


def _recover(trial: Trial, fault: Fault, output: str) -> str:
    """Give the same command until it ends well, doing what it says; judge what it said."""
    verdict = SURVIVED
    # What the disturbed run itself said counts as well, if it ended by itself.
    for _ in range(8):
        if output:
            said, remedy = _follow_remedy(trial, fault, output)
            if said == UNCLEAR:
                trial.notes.append(output[-1500:])
                return UNCLEAR
            if remedy:
                trial.notes.append(remedy)
            verdict = max(verdict, said, key=(SURVIVED, REFUSED, ITS_OWN).index)
        done = trial.project.run(*fault.targets, check=False, timeout=LIMIT_SECONDS)
        if done.returncode == 0:
            return verdict
        output = done.stdout
    trial.notes.append(output[-1500:])
    return UNCLEAR


def _follow_remedy(trial: Trial, fault: Fault, output: str) -> tuple[str, str]:
    """Do what an error says.

    Returns:
        What to make of the error, and what it said: nothing if the command is simply to be given
        again.
    """
    deletions = re.findall(r"ERROR (\S+): .*?Delete (\S+) and run", output)
    if deletions:
        for _, name in deletions:
            (trial.project.folder / name).unlink(missing_ok=True)
        return REFUSED, f"said to delete {', '.join(sorted({name for _, name in deletions}))}"
    if "cannot be locked" in output and "--unlock" in output:
        trial.project.run("--unlock", timeout=LIMIT_SECONDS)
        return REFUSED, "said to unlock"
    if re.search(r'File ".*/inverse_shading/', output):
        # An exception that we let through.
        return UNCLEAR, ""
    # Of a prediction the picture's name comes first.
    unwritten = re.findall(r"(\S+): can't be written.*run the same command again", output)
    if unwritten and fault.undo is not None:
        fault.undo(trial)
        return REFUSED, f"named what can't be written ({', '.join(sorted(set(unwritten)))})"
    own = re.search(r"OSError.*(No space left on device|Read-only file system)", output)
    if own and fault.undo is not None:
        fault.undo(trial)
        return ITS_OWN, own[0]
    # A job that was killed: Snakemake names the rule, its log and its outputs.
    if re.search(r"Error in rule \w+", output) and re.search(
        r"died with <Signals|exit(ed with)? (code|status) (137|143)|exit code -\d+|"
        r"non-zero exit status (-9|137|143)",
        output,
    ):
        return SURVIVED, ""
    return UNCLEAR, ""


def _results(project: Project) -> Iterator[Path]:
    for path in (project.folder / "results").rglob("*"):
        # Those of files that hold seconds differ.
        if path.is_file() and "timings" not in path.parts and path.suffix != ".sha256":
            yield path


def _content(path: Path) -> object:
    """What must be equal: all bytes but seconds."""
    if path.suffix == ".json":
        with suppress(ValueError):
            return without_seconds(json.loads(path.read_bytes()))
    if path.name == "comparison.csv":
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        return table.drop(columns=[name for name in table if "seconds" in name]).to_csv()
    return path.read_bytes()


def _processes(folder: Path) -> Iterator[psutil.Process]:
    """Processes that work in `folder`, whoever started them."""
    for process in psutil.process_iter():
        with _gone_is_fine():
            if process.cwd() == str(folder.resolve()):
                yield process


def _kill_all(folder: Path) -> None:
    for process in list(_processes(folder)):
        with _gone_is_fine():
            if process.pid != os.getpid():
                process.send_signal(signal.SIGKILL)


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    with suppress(psutil.Error):
        yield
