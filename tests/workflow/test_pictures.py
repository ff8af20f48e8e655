"""Pictures whose names the workflow can't use are refused by name, and the others planned."""

import os
import re

import pytest
import yaml

from tests.support.prepared_snakemake import run_prepared
from tests.support.project import ROOT


def run(folder, names, *arguments, alternatives=0, **predictions):
    """Run the target `predictions` with empty pictures of these names."""
    (folder / "images").mkdir()
    for name in names:
        (folder / "images" / os.fsdecode(name)).touch()
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["predictions"] = {"alternatives": alternatives, **predictions}
    (folder / "settings.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    command = [
        "--snakefile", ROOT / "Snakefile", "--directory", folder,
        "--configfile", folder / "settings.yaml", "--cores", "1", "--nocolor", *arguments, "predictions",
    ]  # fmt: skip
    done = run_prepared(list(map(str, command)))
    return done.returncode, done.stdout


def test_odd_names_are_refused_and_the_others_planned(tmp_path):
    odd = [b"{x}.png", b"<y>.png", b"b\xe9.png", b"n" * 200 + b".png", b"a.png", b"a.jpg"]
    good = [
        b"ok.png",
        rb"a\b.png",
        b"a'b $HOME.png",
        b"[a]*?.png",
        b"100% %s.png",
        "ä.png".encode(),
    ]
    status, output = run(tmp_path, odd + good, "--dry-run")
    assert status == 0, output
    jobs = dict(line.split() for line in output.splitlines() if re.fullmatch(r"\w+ +\d+", line))
    assert (jobs["predict"], jobs["predictions_page"]) == (str(len(good)), "1")
    for name in ("{x}.png", "<y>.png", "b\\udce9.png", f"{'n' * 200}.png"):
        assert f"ERROR predictions.folder: images/{name}: found " in output
    assert "found a.jpg and a.png, expected one picture of the name" in output
    assert "Traceback" not in output


def test_a_material_that_would_be_an_alternative_or_an_export_is_refused(tmp_path):
    names = [b"a.png", b"a_alternative_2.png", b"a_alternative_3.png", b"a_openpbr.png"]
    status, output = run(tmp_path, names, "--dry-run", alternatives=2, to=["openpbr"])
    assert status == 0, output
    assert "a_alternative_2.png: its material would take the place of an alternative" in output
    assert "a_openpbr.png: its material would take the place of an export of a." in output
    assert "a_alternative_3.png" not in output.partition("Job stats")[0]


@pytest.mark.parametrize("name", [b"{x}.png", b"b\xe9.png"])
def test_refused_pictures_end_the_run_with_an_error(tmp_path, name):
    status, output = run(tmp_path, [name])
    assert status == 1
    assert "1 of the pictures can't be used" in output and "Traceback" not in output


def test_without_a_model_nothing_is_made_but_the_stage(tmp_path):
    status, output = run(tmp_path, [b"a.png"], "--dry-run", model=None)
    assert status == 0, output
    jobs = output.partition("Job stats")[2].partition("total")[0]
    assert "stage" in jobs and "predict " in jobs
    for rule in ("render", "train", "calibrate", "trunk"):
        assert rule not in jobs
