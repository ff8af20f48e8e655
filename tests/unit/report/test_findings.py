"""What benchmarks find: printed, kept, and read again for docs/benchmarks.md."""

import json
import sys
from pathlib import Path

import pytest

from inverse_shading.report.findings import Findings, read_findings, render_benchmarks
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import write_sealed_text

ROOT = Path(__file__).parents[3]
HEADERS, ROWS = ["what", "way", "speed"], [["a", "ours", "2.0"], ["a", "plain", "1.0"]]


def keep(folder, monkeypatch):
    path = folder / "speed.json"
    arguments = ["--rounds", "3", "--keep", str(path), "--kind", "two words"]
    monkeypatch.setattr(sys, "argv", ["benchmarks/speed.py", *arguments])
    findings = Findings()
    findings.table("speeds", HEADERS, ROWS, texts=2)
    findings.number("difference", "1/255", "largest difference")
    findings.write(path)
    return path


def test_what_is_printed_is_kept_with_the_command_and_the_machine(tmp_path, monkeypatch, capsys):
    keep(tmp_path, monkeypatch)
    assert capsys.readouterr().out.splitlines() == [
        "",
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


def test_the_command_is_kept_as_others_would_give_it(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/somewhere/benchmarks/speed.py", "--of", "another"])
    path = tmp_path / "speed.json"
    arguments = [f"--keep={path}", "--weights", "/home/me/weights.pth", "--results", "demo/results"]
    arguments += [f"--model={tmp_path}", "../../me/picture.png", str(tmp_path)]
    Findings(arguments).write(path)
    expected = (
        "python benchmarks/speed.py --weights weights.pth --results demo/results "
        f"--model=DIR/{tmp_path.name} picture.png DIR/{tmp_path.name}"
    )
    assert read_findings(tmp_path)["speed"]["command"] == expected


def test_every_benchmark_that_makes_findings_can_keep_them():
    texts = {path.name: path.read_text() for path in (ROOT / "benchmarks").glob("*.py")}
    told = {name for name, text in texts.items() if "findings.table(" in text or "tell_" in text}
    assert told == {name for name, text in texts.items() if "add_keep(" in text}
    assert told == {
        name for name, text in texts.items() if ".write(" in text and "Findings(" in text
    }


def test_what_is_not_kept_is_said_to_be_missing(tmp_path, monkeypatch):
    keep(tmp_path, monkeypatch)
    text = render_benchmarks(read_findings(tmp_path))
    assert "(not measured)" in text and "| what |" not in text and ".venv/bin/(" not in text


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
        (
            lambda content: content["tables"]["speeds"]["rows"][1].pop(),
            r"found a table speeds that isn't one, .* --keep FILE` writes it",
        ),
        (lambda content: content["tables"]["speeds"].pop("rows"), "found a table speeds"),
    ],
)
def test_findings_that_lack_something_are_refused(tmp_path, monkeypatch, change, expected):
    path = keep(tmp_path, monkeypatch)
    content = json.loads(path.read_text())
    change(content)
    write_sealed_text(path, json.dumps(content))
    with pytest.raises(InputError, match=expected):
        read_findings(tmp_path)
