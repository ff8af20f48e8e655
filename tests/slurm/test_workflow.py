"""Through SLURM the workflow gives what it gives on one machine, and asks for what it should."""

import json
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from tests.slurm.conftest import MODELS
from tests.support.project import without_seconds

ROOT = Path(__file__).parents[2]
GPU_RULES = ("features", "train", "evaluate")


def kind(job):
    """The rule of a job, or the group that it is of."""
    return job["Comment"].split("_wildcards_")[0]


def request(job):
    asked = ("Comment", "Partition", "TimeLimit", "MinMemoryNode", "NumCPUs")
    return {key: job[key] for key in asked} | {"GPU": job.get("TresPerJob")}


def span(job):
    return [datetime.fromisoformat(job[key]) for key in ("StartTime", "EndTime")]


def test_it_ends_well(finished):
    assert finished.runs[0].process.returncode == 0, finished.runs[0].output
    assert {job["JobState"] for job in finished.runs[0].jobs} == {"COMPLETED"}


def test_all_but_local_rules_went_through_slurm_in_as_few_submissions(finished):
    assert Counter(kind(job) for job in finished.runs[0].jobs) == {
        "rule_stage": 1,
        "rule_novel_stage": 1,
        "rule_novel_images": 1,
        "rule_shards_images_parameters_render": 1,
        "rule_splits_split": 1,
        "rule_features_features": 1,
        "rule_train": 2,
        "rule_evaluate": 2,
        "rule_baseline": 3,
        "rule_known_images_calibrate_part": 1,
        "rule_calibrate": 1,
        "rule_test_images_refine_part": 1,
        # Two models, three baselines and refinement.
        "rule_appearance": 6,
        "rule_figure_gallery": 1,
        "rule_report_page": 1,
    }


def test_every_submission_has_its_log(finished):
    logs = {path.stem: path for path in (finished.folder / "logs" / "slurm").rglob("*.log")}
    assert sorted(logs) == sorted(job["JobId"] for job in finished.runs[0].jobs)
    for job in finished.runs[0].jobs:
        # Groups are rules to the comment and groups to the folder.
        name = kind(job).removeprefix("rule_")
        folder = logs[job["JobId"]].relative_to(finished.folder / "logs" / "slurm").parts[0]
        assert folder in (f"rule_{name}", f"group_{name}")


def test_gpus_are_asked_for_where_they_are_used(finished):
    for job in finished.runs[0].jobs:
        on_gpu = kind(job).split("_")[-1] in GPU_RULES
        assert job.get("TresPerJob") == ("gres:gpu:1" if on_gpu else None), job
        assert job["Partition"] == ("gpu" if on_gpu else "cpu")


def test_a_group_asks_for_what_its_members_need_one_after_the_other(finished):
    """Two shards of three jobs: memory of one, run times of all."""
    (job,) = (job for job in finished.runs[0].jobs if "shards" in kind(job))
    assert job["NumCPUs"] == "4" and job["MinMemoryNode"] == "2000M"
    assert job["TimeLimit"] == "00:44:00"  # 2 * (2 + 10 + 10) minutes


@pytest.mark.parametrize("folder", ["renders", "images", "splits", "parameters"])
def test_files_are_those_of_one_machine(finished, local, folder):
    ours, theirs = (
        {path.name: path.read_bytes() for path in (each.folder / "results" / folder).iterdir()}
        for each in (finished, local)
    )
    assert len(ours) > 0 and ours == theirs


@pytest.mark.parametrize("model", MODELS)
def test_metrics_are_those_of_one_machine(finished, local, model):
    assert without_seconds(finished.metrics(model)) == without_seconds(local.metrics(model))


@pytest.mark.parametrize("baseline", ["constant", "ridge", "floor"])
def test_baselines_are_those_of_one_machine(finished, local, baseline):
    ours, theirs = (
        json.loads((each.folder / f"results/baselines/{baseline}/metrics.json").read_text())
        for each in (finished, local)
    )
    assert without_seconds(ours) == without_seconds(theirs)


@pytest.mark.parametrize("option", ["--workflow-profile", "--profile"])
def test_both_ways_to_name_the_profile_use_both_gpus_at_once(project, finished, option):
    """With --profile, Snakemake also reads profiles/default, whose limit is one GPU."""
    targets = [f"results/models/{model}/seeds/1/weights.safetensors" for model in MODELS]
    if option == "--profile":
        run = project.submit("--forcerun", "train", "--", *targets, form=(option, "profiles/slurm"))
        assert run.process.returncode == 0, run.output
    else:
        run = finished.runs[0]
    first, second = (job for job in run.jobs if kind(job) == "rule_train")
    assert max(span(first)[0], span(second)[0]) < min(span(first)[1], span(second)[1])

    reference = {
        job["Comment"]: request(job) for job in finished.runs[0].jobs if kind(job) == "rule_train"
    }
    assert {job["Comment"]: request(job) for job in (first, second)} == reference


def test_what_the_default_profile_sets_the_slurm_profile_sets_too():
    """Where both are read, the default profile wins key by key, so they must not differ."""
    default, slurm = (
        yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text())
        for name in ("default", "slurm")
    )
    # Limits one machine, or one submission; see `resource_scopes` in common.smk.
    assert default.pop("resources") == {"gpu": 1}
    assert {key: slurm.get(key) for key in default} == default


def test_each_member_of_a_group_has_all_of_its_cpus():
    """Members run one at a time, which Snakemake's sum for the group knows only by this."""
    profile = yaml.safe_load((ROOT / "profiles" / "slurm" / "config.yaml").read_text())
    assert profile["set-threads"] == dict.fromkeys(profile["groups"], profile["cores"])
