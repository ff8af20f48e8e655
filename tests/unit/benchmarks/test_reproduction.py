"""The benchmark of the whole workflow: from the first job's start to the last one's end, by rule."""

import os
import sys
from pathlib import Path

import pytest

from inverse_shading.report.findings import read_findings
from tests.support.record_inputs import write_model, write_timing

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "benchmarks"))

import reproduction


def ended(results, name, seconds, end):
    write_timing(results, name, seconds)
    os.utime(results / "timings" / f"{name}.tsv", (end, end))


def measure(monkeypatch, tmp_path, *more):
    arguments = [
        "reproduction.py",
        str(tmp_path / "results"),
        "--keep",
        str(tmp_path / "kept.json"),
        *more,
    ]
    monkeypatch.setattr(sys, "argv", arguments)
    return reproduction.main()


def test_minutes_are_from_the_first_start_to_the_last_end(monkeypatch, tmp_path):
    results = tmp_path / "results"
    (results / "parameters").mkdir(parents=True)
    (results / "parameters/000000-000001.csv").write_text("id\n000000000\n000000001\n")
    write_model(results, "vgg16_v1", 0.03)
    # Two renders side by side, then a training: 1000 - 30 to 1240.
    ended(results, "render/000000-000000", 30.0, 1000.0)
    ended(results, "render/000001-000001", 20.0, 1000.0)
    ended(results, "train/vgg16_v1/1", 60.0, 1240.0)
    ended(results, "train/left_from_another_run/1", 50.0, 1230.0)
    assert measure(monkeypatch, tmp_path) == 0
    found = read_findings(tmp_path)["kept"]
    assert found["numbers"] == {"images": "2", "minutes": "4.5"}
    stages = {row[0]: row[1:3] for row in found["tables"]["stages"]["rows"]}
    assert stages == {"`render`": ["2", "50"], "`train`": ["1", "60"]}


def test_the_share_of_some_stages_is_told(monkeypatch, tmp_path, capsys):
    results = tmp_path / "results"
    (results / "parameters").mkdir(parents=True)
    (results / "parameters/000000-000001.csv").write_text("id\n000000000\n000000001\n")
    # 20 s alone and 10 s of three, nothing for 10 s, then 20 s alone: 50 s in which something ran.
    for name, seconds, end in (
        ("render/000000-000001", 30.0, 1030.0),
        ("calibrate/000000-000001", 10.0, 1030.0),
        ("calibrate", 10.0, 1030.0),
        ("refine", 20.0, 1060.0),
    ):
        ended(results, name, seconds, end)
    for stages, expected in (
        (["calibrate"], "13.3 %"),
        (["calibrate", "refine"], "53.3 %"),
        (["render"], "46.7 %"),
        (["calibrate", "refine", "render"], "100.0 %"),
    ):
        assert measure(monkeypatch, tmp_path, "--share", *stages) == 0
        assert read_findings(tmp_path)["kept"]["numbers"]["share"] == expected
    with pytest.raises(SystemExit):
        measure(monkeypatch, tmp_path, "--share", "calibrate", "refined")
    assert "--share: found refined, which the run has no times of" in capsys.readouterr().err


def test_a_folder_without_times_is_refused(monkeypatch, tmp_path, capsys):
    with pytest.raises(SystemExit):
        measure(monkeypatch, tmp_path)
    assert "found no timings, expected the results of a finished run" in capsys.readouterr().err
