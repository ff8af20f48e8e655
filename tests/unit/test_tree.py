"""The tree as it is handed on: pins that agree, no large file, results an empty folder."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from inverse_shading.runtime.provenance import code_digests

ROOT = Path(__file__).parents[2]


def pins(lines):
    found = {}
    for line in lines:
        match = re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", line)
        if match:
            found[match[1].lower().replace("_", "-")] = match[2]
    return found


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def lock():
    return pins((ROOT / "envs" / "requirements.lock").read_text().splitlines())


def test_every_dependency_is_pinned_and_the_lock_has_the_same_version():
    development = project()["optional-dependencies"]["development"]
    wanted = pins(project()["dependencies"] + development)
    assert len(wanted) == len(project()["dependencies"]) + len(development)
    assert {name: lock().get(name) for name in wanted} == wanted


@pytest.mark.parametrize("name", ["render", "train", "predict", "card"])
def test_conda_has_the_same_pins_as_the_lock(name):
    environment = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text())
    packages = environment["dependencies"][-1]["pip"]
    found = pins(packages)
    assert len(found) == len(packages) > 0
    assert {package: lock().get(package) for package in found} == found


DISTRIBUTIONS = importlib.metadata.packages_distributions()


def scripts_with_environments():
    """Each rule's script, and the conda environment that it runs in; a twin's are the other's."""
    paths = re.compile(r'    (conda|script):\n\s+"../(.+)"')
    start = re.compile(r"^(?:use )?rule (\w+)(?: as (\w+) with)?:$", re.MULTILINE)
    for file in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        _, *parts = start.split(file.read_text())
        rules = {}
        for name, twin, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            found = dict(paths.findall(body))
            rules[twin or name] = rules[name] | found if twin else found
        for found in rules.values():
            if "conda" in found:
                yield found["script"], Path(found["conda"]).stem


def test_a_rule_that_is_another_s_twin_is_covered():
    found = list(scripts_with_environments())
    assert found.count(("scripts/stage.py", "render")) == 2


@pytest.mark.parametrize(("script", "name"), list(scripts_with_environments()))
def test_conda_has_what_the_rules_code_imports(script, name):
    """Also what it imports inside functions, and whatever else brings it along."""
    workflow = ROOT / "workflow"
    files = code_digests([workflow / script], workflow / "inverse_shading")
    imported = set()
    for file in files:
        path = workflow / (script if file == Path(script).name else file)
        for node in ast.walk(ast.parse(path.read_text())) if path.suffix == ".py" else ():
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module.partition(".")[0])
    needed = {
        DISTRIBUTIONS.get(module, [module])[0].lower().replace("_", "-")
        for module in imported - sys.stdlib_module_names - {"inverse_shading"}
    }
    environment = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text())
    assert needed <= set(pins(environment["dependencies"][-1]["pip"]))


def test_what_the_user_fixed_is_in_the_lock():
    fixed = [
        "snakemake",
        "torch",
        "torchvision",
        "pandas",
        "numpy",
        "pillow",
        "materialx",
        "pyyaml",
    ]
    assert set(fixed) <= set(lock())


def tracked():
    listing = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listing.stdout.split("\0") if name]


def test_no_file_is_over_a_megabyte():
    assert [path for path in tracked() if path.exists() and path.stat().st_size > 1_000_000] == []


def test_results_is_tracked_as_an_empty_folder():
    results = ROOT / "results"
    assert [path for path in tracked() if results in path.parents] == [results / ".gitkeep"]


def test_one_version_everywhere():
    from inverse_shading import __version__

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert project()["version"] == __version__ == citation["version"]


@pytest.mark.parametrize(
    ("module", "scripts"),
    [
        ("pictures/tiff.py", {"predict", "predictions_page"}),
        ("pictures/decoded.py", {"predict", "predictions_page"}),
        (
            "material/labels.py",
            {
                "figure_error_by_parameter",
                "figure_predicted_against_true",
                "predict",
                "predictions_page",
                "report_page",
            },
        ),
        ("network/stage_outputs.py", {"stage_outputs"}),
        (
            "network/frozen_part.py",
            {
                "evaluate",
                "predict",
                "predictions_page",
                "search",
                "stage_outputs",
                "train",
                "train_streamed",
            },
        ),
        (
            "network/heads.py",
            {"evaluate", "predict", "predictions_page", "search", "train", "train_streamed"},
        ),
    ],
)
def test_a_module_is_reached_by_these_scripts_and_no_others(module, scripts):
    """Its edit makes their outputs stale, so an import too many costs hours."""
    workflow = ROOT / "workflow"
    package = workflow / "inverse_shading"
    found = {
        script.stem
        for script in (workflow / "scripts").glob("*.py")
        if f"inverse_shading/{module}" in code_digests([script], package)
    }
    assert found == scripts
