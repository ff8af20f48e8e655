"""Documents that tell the truth: links, paths, commands and diagrams name what there is."""

import copy
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import yaml
from snakemake.utils import update_config

from inverse_shading.command import main
from inverse_shading.config.check import check_config
from inverse_shading.material.document import standard_library
from inverse_shading.material.given_material import read_given_material
from inverse_shading.report.document import render_document
from inverse_shading.report.findings import read_findings, render_benchmarks
from inverse_shading.report.record import read_record
from tests.support.traced_numbers import untraced

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "workflow" / "inverse_shading"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
ARCHITECTURE = ROOT / "docs" / "architecture.md"
RESULTS, RECORD = ROOT / "docs" / "results.md", ROOT / "docs" / "record"
BENCHMARKS = ROOT / "docs" / "benchmarks.md"
SHIPPED = yaml.safe_load((ROOT / "config.yaml").read_text())
# Code is named from the top, or within the package.
ROOTS = (ROOT, PACKAGE)

# A block between fences, or lines indented by four spaces or more after an empty line.
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?<=\n\n)((?: {4}.*\n|\n(?= {4}))+)")


def each_document(function):
    return pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)(function)


def prose(path):
    return FENCED.sub("", path.read_text())


def anchors(path):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(path):
    """The words of every command line in a document's code blocks."""
    text = path.read_text()
    blocks = [block for kind, block in FENCED.findall(text) if kind != "mermaid"]
    for line in "\n".join(blocks + INDENTED.findall(FENCED.sub("", text))).splitlines():
        # A block may hold Python or YAML, with quotes that don't end on the line.
        if re.match(r"\s*(make|snakemake|inverse-shading|python|\S*/python|pytest) ", line):
            yield shlex.split(line, comments=True)


@each_document
def test_links_lead_to_files_and_headings(path):
    links = re.findall(r"\]\(([^)\s]+)\)", prose(path))
    broken = []
    for link in links:
        if re.match(r"https?://", link):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@each_document
def test_commands_name_targets_and_files_that_exist(path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    folders = ("tests/", "benchmarks/", "profiles/", "workflow/", "docs/", "envs/")
    for words in commands(path):
        program, *arguments = words
        named = [word for word in arguments if "=" not in word and not word.startswith("-")]
        if program == "make":
            assert set(named) <= targets, words
        if program == "inverse-shading":
            with pytest.raises(SystemExit) as end:
                main([named[0], "--help"])
            assert end.value.code == 0, words
        # A path, of a variable too, or a test in it: tests/unit/test_tree.py::test_one
        files = (word.rpartition("=")[2].partition("::")[0] for word in arguments)
        missing = [
            file for file in files if file.startswith(folders) and not (ROOT / file).exists()
        ]
        assert missing == [], words


@pytest.mark.parametrize("path", [ARCHITECTURE, ROOT / "CONTRIBUTING.md"], ids=lambda p: p.name)
def test_code_that_is_named_exists(path):
    named = re.findall(r"`([\w./]+(?:\.(?:py|smk|yaml|html|cff|toml|lock)|/))`", path.read_text())
    # A recipe's NAME stands for a file that is still to be written, in a folder that is there.
    places = {Path(name).parent if "NAME" in name else Path(name) for name in named}
    missing = {place for place in places if not any((root / place).exists() for root in ROOTS)}
    assert {place for place in missing if place.parts[0] != "results"} == set()


def test_the_results_are_those_of_the_record():
    assert RESULTS.read_text() == render_document(read_record(RECORD)), (
        "inverse-shading document docs/record --output docs/results.md"
    )


def test_the_benchmarks_are_those_of_the_record():
    assert BENCHMARKS.read_text() == render_benchmarks(read_findings(RECORD / "benchmarks")), (
        "inverse-shading document docs/record --output docs/results.md --benchmarks docs/benchmarks.md"
    )


def test_no_table_of_the_benchmarks_is_typed():
    template = PACKAGE / "report/templates/benchmarks.md.j2"
    assert [line for line in template.read_text().splitlines() if line.startswith("|")] == []


def test_every_number_of_the_results_stands_in_the_record():
    assert untraced(RESULTS.read_text(), RECORD) == []


@pytest.mark.parametrize("name", ["fine_tuning", "studies", "bfloat16", "second_stage", "losses"])
def test_what_stands_beside_the_run_has_the_values_of_its_searches(name):
    config = yaml.safe_load((RECORD / f"{name}.yaml").read_text())
    given = {
        (model, f"{section}.{key}"): value
        for model, settings in config["models"].items()
        for section, values in (settings or {}).items()
        if section != "seeds"
        for key, value in values.items()
    }
    trials = read_record(RECORD).trials
    assert given == {
        (model, key): float(value)
        for model, _ in given
        for key, value in min(
            (trial for trial in trials if trial["model"] == model),
            key=lambda trial: trial["validation_mse"],
        )["values"].items()
    }


def test_the_record_is_small():
    assert sum(path.stat().st_size for path in RECORD.rglob("*")) < 300_000


def shown_settings():
    """Parts of a configuration in documents: ids, and their YAML. The results quote a run's own file."""
    for path in set(DOCUMENTS) - {RESULTS}:
        blocks = [block for _, block in FENCED.findall(path.read_text())]
        for block in blocks + INDENTED.findall(prose(path)):
            try:
                settings = yaml.safe_load(textwrap.dedent(block))
            except yaml.YAMLError:
                continue
            # What isn't of these keys is a command, or another program's.
            if isinstance(settings, dict) and settings.keys() <= SHIPPED.keys():
                yield pytest.param(block, id=f"{path.name}: {'.'.join(settings)}")


@pytest.mark.parametrize("block", sorted(shown_settings(), key=lambda shown: shown.id))
def test_settings_that_are_shown_are_accepted(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in re.findall(r"[\w-]+\.(?:glb|hdr|obj|pth)\b", block):
        Path(name).touch()
    config = copy.deepcopy(SHIPPED)
    update_config(config, yaml.safe_load(textwrap.dedent(block)))
    check_config(config)


def test_every_room_is_in_the_table():
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms <= set(re.findall(r"^\| `(\w+)` \|", ARCHITECTURE.read_text(), re.MULTILINE))


def rules():
    text = "".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    return set(re.findall(r"^(?:use )?rule (?:\w+ as )?(\w+)", text, re.MULTILINE))


def diagram(path):
    """A document's diagram: rules by node, arrows, dashed arrows."""
    text = next(block for kind, block in FENCED.findall(path.read_text()) if kind == "mermaid")
    nodes = {
        node: re.findall(r"\w+", re.sub(r"<i>.*</i>|<br/>", " ", label))
        for node, label in re.findall(r'(\w+)\["(.*?)"\]', text)
    }
    arrows = re.findall(r'(\w+)(?:\[".*?"\])? (-->|-\.->) (\w+)', text)
    return (
        nodes,
        {(a, b) for a, kind, b in arrows if kind == "-->"},
        {(a, b) for a, kind, b in arrows if kind != "-->"},
    )


@pytest.fixture(scope="module")
def rule_graph(tmp_path_factory):
    """Rules that follow each other in a full run, as Snakemake itself has them."""
    folder = tmp_path_factory.mktemp("plan")
    result = subprocess.run(
        [sys.executable, "-m", "snakemake", "--rulegraph", "--directory", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = dict(re.findall(r'(\d+)\[label = "(\w+)"', result.stdout))
    arrows = re.findall(r"(\d+) -> (\d+)", result.stdout)
    return {(names[a], names[b]) for a, b in arrows if names[b] != "all"}


def joined(nodes, graph):
    """The graph between nodes that hold several rules each."""
    place = {rule: node for node, held in nodes.items() for rule in held}
    pairs = {(place[a], place[b]) for a, b in graph if a in place and b in place}
    return {(a, b) for a, b in pairs if a != b}


def reached(start, graph):
    found, waiting = set(), [start]
    while waiting:
        node = waiting.pop()
        after = {b for a, b in graph if a == node} - found
        found |= after
        waiting += after
    return found


def test_the_diagram_of_the_architecture_is_the_rule_graph(rule_graph):
    nodes, arrows, dashed = diagram(ARCHITECTURE)
    assert {rule for held in nodes.values() for rule in held} == rules()
    graph = joined(nodes, rule_graph)
    # Without arrows that a longer path implies.
    assert arrows == {(a, b) for a, b in graph if b not in reached(a, graph - {(a, b)})}
    # Nothing dashed runs in a full run.
    assert {node for pair in arrows for node in pair} & {b for _, b in dashed} == set()


def test_the_readme_s_diagram_follows_the_rule_graph(rule_graph):
    nodes, arrows, _ = diagram(ROOT / "README.md")
    assert {rule for held in nodes.values() for rule in held} <= rules()
    for before, after in arrows:
        follow = set().union(*(reached(rule, rule_graph) for rule in nodes[before]))
        assert follow & set(nodes[after]), (before, after)


def test_the_material_of_the_page_on_own_objects_can_be_rendered(tmp_path):
    blocks = [block for _, block in FENCED.findall((ROOT / "docs/your-own-object.md").read_text())]
    (text,) = (re.search(r"<materialx.*</materialx>", block, re.DOTALL).group() for block in blocks)
    (tmp_path / "copper.mtlx").write_text(text)
    values = read_given_material(tmp_path / "copper.mtlx", standard_library())
    np.testing.assert_allclose(values, [0.9, 0.8, 0.4, 0.25, 0.7, 0.35, 1, 1, 1, 0.8])
