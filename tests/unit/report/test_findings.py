"""What benchmarks find: printed, kept, and read again for docs/benchmarks.md."""

import json
import sys

import pytest

from inverse_shading.report.findings import Findings, read_findings
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import write_sealed_text

HEADERS, ROWS = ["what", "way", "speed"], [["a", "ours", "2.0"], ["a", "plain", "1.0"]]


def keep(folder, monkeypatch):
    path = folder / "speed.json"
    command = ["benchmarks/speed.py", "--rounds", "3", "--keep", str(path), "--kind", "two words"]
    monkeypatch.setattr(sys, "argv", command)
    findings = Findings()
    findings.table("speeds", HEADERS, ROWS, texts=2)
    findings.number("difference", "1/255", "largest difference")
    findings.write(path)
    return path


def test_what_is_printed_is_kept_with_the_command_and_the_machine(tmp_path, monkeypatch, capsys):
    keep(tmp_path, monkeypatch)
    assert capsys.readouterr().out.splitlines() == [
        "| what | way | speed |",
        "| --- | --- | ---: |",
        "| a | ours | 2.0 |",
        "| a | plain | 1.0 |",
        "largest difference: 1/255",
    ]
    found = read_findings(tmp_path)["speed"]
    assert found["tables"] == {"speeds": {"headers": HEADERS, "rows": ROWS, "texts": 2}}
    assert found["numbers"] == {"difference": "1/255"}
    assert found["command"] == "python benchmarks/speed.py --rounds 3 --kind 'two words'"
    assert found["machine"]["cores"] >= 1 and found["machine"]["load"] >= 0
    assert "torch" in found["machine"]["versions"]


def test_nothing_is_kept_unasked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Findings().write(None)
    assert list(tmp_path.iterdir()) == []


def test_a_changed_number_is_refused(tmp_path, monkeypatch):
    path = keep(tmp_path, monkeypatch)
    path.write_text(path.read_text().replace("2.0", "3.0"))
    with pytest.raises(InputError, match=r"speed\.json: its contents don't match the checksum"):
        read_findings(tmp_path)


def test_a_folder_without_findings_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"found no findings .* --keep FILE"):
        read_findings(tmp_path)


@pytest.mark.parametrize(
    "change, expected",
    [
        (lambda content: content.pop("machine"), "found no machine"),
        (lambda content: content["tables"]["speeds"]["rows"][1].pop(), "in the table speeds"),
    ],
)
def test_findings_that_lack_something_are_refused(tmp_path, monkeypatch, change, expected):
    path = keep(tmp_path, monkeypatch)
    content = json.loads(path.read_text())
    change(content)
    write_sealed_text(path, json.dumps(content))
    with pytest.raises(InputError, match=expected):
        read_findings(tmp_path)
