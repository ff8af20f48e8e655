"""What goes wrong on a cluster: jobs that fail, are cancelled, run out of time or memory, a node that
is drained, a Snakemake that is killed."""

import os
import shutil
import signal

import pytest
import yaml

from tests.slurm.cluster import wait_until
from tests.slurm.conftest import ClusterProject, end_all
from tests.support.project import Project, copy_code

SHARDS = ("results/renders/000000-000019.tar", "results/renders/000020-000039.tar")
SHARDS_JOB = "rule_shards_parameters_render"


def bring_back_to_stage(project):
    """As if nothing had been rendered yet; return what had."""
    renders = {name: (project.folder / name).read_bytes() for name in SHARDS}
    for folder in ("parameters", "renders"):
        shutil.rmtree(project.folder / "results" / folder)
    shutil.rmtree(project.folder / "logs")
    return renders


def start_rendering(project):
    """A run that is rendering, and the job that does."""
    run = project.start("--", *SHARDS)
    job = run.wait_for("RUNNING", SHARDS_JOB)
    logs = project.folder / "logs" / "render"
    run.wait_until(lambda: logs.is_dir() and any(logs.iterdir()), 90, "rendering begun")
    return run, job


def state(run, job):
    return next(each["JobState"] for each in run.jobs if each["JobId"] == job["JobId"])


def test_a_job_that_fails_is_reported_with_its_log(project):
    mesh = project.folder / "ball.obj"
    mesh.write_bytes(mesh.read_bytes()[:1000])
    run = project.submit("--retries", "0", "--", "results/stage.safetensors")
    assert run.process.returncode == 1
    (job,) = run.jobs
    assert job["JobState"] == "FAILED"
    log = project.folder / "logs" / "slurm" / "rule_stage" / f"{job['JobId']}.log"
    assert str(log) in run.output
    # In SLURM's log, in the rule's own, and printed in the end.
    for text in (log.read_text(), (project.folder / "logs" / "stage.log").read_text(), run.output):
        assert "ERROR ball.obj" in text


def test_a_cancelled_job_is_tried_again_in_the_same_run_when_the_node_is_back(project):
    renders = bring_back_to_stage(project)
    run, job = start_rendering(project)
    node = ("scontrol", "update", "NodeName=localhost")
    project.cluster.command(*node, "State=DRAIN", "Reason=test")
    try:
        project.cluster.command("scancel", job["JobId"])
        second = run.wait_for("PENDING", SHARDS_JOB)
        assert state(run, job) == "CANCELLED"
        assert not any((project.folder / name).exists() for name in SHARDS)
    finally:
        project.cluster.command(*node, "State=RESUME")
    assert run.end() == 0, run.output
    assert [each["JobState"] for each in run.jobs] == ["CANCELLED", "COMPLETED"]
    assert second["JobId"] == run.jobs[1]["JobId"]
    assert {name: (project.folder / name).read_bytes() for name in SHARDS} == renders


def test_a_killed_snakemake_says_how_to_go_on_and_does(project):
    renders = bring_back_to_stage(project)
    killed, job = start_rendering(project)
    os.kill(killed.process.pid, signal.SIGKILL)
    killed.end()
    # The job runs on, with nobody to wait for it. It is cancelled at once, since it ends in seconds.
    assert state(killed, job) == "RUNNING"
    project.cluster.command("scancel", f"--name={killed.name}")
    wait_until(lambda: state(killed, job) == "CANCELLED", 90, "job cancelled")

    refused = project.submit("--", *SHARDS)
    assert refused.process.returncode == 1 and "--unlock" in refused.output
    unlocked = project.submit("--unlock")
    assert unlocked.process.returncode == 0, unlocked.output
    again = project.submit("--", *SHARDS)
    assert again.process.returncode == 0, again.output
    assert {name: (project.folder / name).read_bytes() for name in SHARDS} == renders


def test_a_training_told_to_stop_goes_on_in_the_next_try(project, local, tmp_path):
    config = project.config
    config["models"]["vgg16_v1"]["training"] = {"max_epochs": 1500}
    project.config = config
    model = "results/models/vgg16_v1/seeds/1"
    run = project.start("--", f"{model}/weights.safetensors")
    job = run.wait_for("RUNNING", "rule_train_wildcards_vgg16_v1_1")
    log = project.folder / "logs" / "train" / "vgg16_v1" / "1.log"
    run.wait_until(lambda: log.exists() and "epoch 1/1500" in log.read_text(), 60, "training begun")
    # What SLURM sends before a time limit: to the processes of the job, which is not cancelled.
    project.cluster.command("scancel", "--signal=TERM", job["JobId"])
    assert run.end() == 0, run.output
    first, second = run.jobs
    assert (first["JobState"], second["JobState"]) == ("FAILED", "COMPLETED")
    logs = project.folder / "logs" / "slurm" / "rule_train" / "vgg16_v1_1"
    assert "wrote a checkpoint" in (logs / f"{first['JobId']}.log").read_text()
    assert "going on from a checkpoint" in (logs / f"{second['JobId']}.log").read_text()

    shutil.copytree(local.folder, tmp_path / "alone")
    alone = Project(local.code, tmp_path / "alone")
    alone.config = config
    alone.run(f"{model}/weights.safetensors", timeout=200)
    for name in ("weights.safetensors", "history.csv"):
        assert (project.folder / model / name).read_bytes() == (
            alone.folder / model / name
        ).read_bytes()


LIMITED = """\
rule train:
    output: "time"
    script: "time.py"

rule stage:
    output: "memory"
    script: "memory.py"
"""

# Needs more than any try's time, unless a checkpoint is there. Only the signal before the time limit has
# one written.
TIME = """\
import os, signal, sys, time

def stop(*_):
    open("checkpoint", "w").close()
    sys.exit(1)

signal.signal(signal.SIGTERM, stop)
if not os.path.exists("checkpoint"):
    time.sleep(3600)
open(snakemake.output[0], "w").close()
"""

MEMORY = """\
import time

block = bytearray(b"x") * 600_000_000
time.sleep(8)
open(snakemake.output[0], "w").close()
"""


@pytest.fixture(scope="module", autouse=True)
def limited(cluster, tmp_path_factory):
    """Two rules that outgrow what the profile gives them at first, with a site's smaller numbers.

    Runs beside the other tests of this module, and mostly sleeps: time limits are whole minutes.
    """
    base = tmp_path_factory.mktemp("limited")
    code = copy_code(base / "code")
    (code / "Snakefile").write_text(LIMITED)
    (code / "time.py").write_text(TIME)
    (code / "memory.py").write_text(MEMORY)
    path = code / "profiles" / "slurm" / "config.yaml"
    profile = yaml.safe_load(path.read_text())
    train = profile["set-resources"]["train"]
    assert (train["runtime"], train["slurm_extra"]) == ("240 * attempt", "'--signal=TERM@120'")
    # The signal comes after a minute and a half: by then the script must have begun, on any machine.
    train |= {"runtime": "2 * attempt", "slurm_extra": "'--signal=TERM@30'"}
    assert profile["default-resources"]["mem_mb"] == "2000 * attempt"
    profile["default-resources"]["mem_mb"] = "500 * attempt"
    path.write_text(yaml.safe_dump(profile))
    (base / "run").mkdir()
    (base / "run" / "config.yaml").write_text("{}")
    project = ClusterProject(code, base / "run", cluster, [])
    yield project.start("--", "time", "memory")
    end_all(project.runs)


def tries(run, rule):
    jobs = [job for job in run.jobs if job["Comment"] == f"rule_{rule}"]
    return sorted(jobs, key=lambda job: int(job["JobId"]))


def test_a_job_out_of_time_is_signalled_and_tried_again_with_more(limited):
    assert limited.end() == 0, limited.output
    first, second = tries(limited, "train")
    assert (first["JobState"], first["TimeLimit"]) == ("FAILED", "00:02:00")
    assert (second["JobState"], second["TimeLimit"]) == ("COMPLETED", "00:04:00")
    assert (limited.output_file.parent / "run" / "checkpoint").exists()


def test_a_job_out_of_memory_is_tried_again_with_more(limited):
    assert limited.end() == 0, limited.output
    first, second = tries(limited, "stage")
    assert (first["JobState"], first["MinMemoryNode"]) == ("FAILED", "500M")
    assert (second["JobState"], second["MinMemoryNode"]) == ("COMPLETED", "1000M")
    logs = limited.output_file.parent / "run" / "logs" / "slurm" / "rule_stage"
    assert "exceeded memory limit" in (logs / f"{first['JobId']}.log").read_text()
