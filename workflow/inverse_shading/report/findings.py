"""What benchmarks find, kept in files, and docs/benchmarks.md, which is written from them.

Its prose is in templates/benchmarks.md.j2. A file of findings is sealed JSON with the keys `KEYS`.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from inverse_shading.report.machine import describe_machine
from inverse_shading.report.markdown import markdown_environment, table_lines
from inverse_shading.runtime.artefacts import read_json, write_json
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import write_text

TEMPLATE = "benchmarks.md.j2"
KEYS = ("command", "machine", "tables", "numbers")
TABLE_KEYS = ("headers", "rows", "texts")
ABSENT = "not measured"


def add_keep(parser: argparse.ArgumentParser) -> None:
    """The option that every benchmark has: where `Findings.write` writes."""
    parser.add_argument(
        "--keep",
        metavar="FILE",
        type=Path,
        help="JSON to write for docs/benchmarks.md, in docs/record/benchmarks",
    )


class Findings:
    """What one run of a benchmark finds: printed at once, and kept where that is asked for.

    Args:
        arguments: of its command line; None takes this process's.
        measures: False where it reads what was measured before; the machine's load then says nothing.

    Attributes:
        tables: by name, each with `headers`, `rows` and `texts` as `markdown.table_lines` takes them.
        numbers: single ones by name, as text.
    """

    def __init__(self, arguments: Sequence[str] | None = None, measures: bool = True) -> None:
        self.tables: dict[str, dict] = {}
        self.numbers: dict[str, str] = {}
        self._command = _shown_command(sys.argv[1:] if arguments is None else arguments)
        # Before the benchmark puts load on it itself.
        load = round(os.getloadavg()[0], 1) if measures else None
        self._machine = describe_machine() | {"load": load}

    def table(
        self, name: str, headers: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1
    ) -> None:
        """Keep a table and print it in Markdown, a blank line before it."""
        kept = {"headers": list(headers), "rows": [list(row) for row in rows], "texts": texts}
        self.tables[name] = kept
        print("\n" + "\n".join(table_lines(**kept)), flush=True)

    def number(self, name: str, value: str, text: str) -> None:
        """Keep a number and print it behind what it is."""
        self.numbers[name] = value
        print(f"{text}: {value}", flush=True)

    def write(self, path: str | Path | None) -> None:
        """Write the file, with the command and the machine; nothing where no path is given."""
        if path is not None:
            content = (self._command, self._machine, self.tables, self.numbers)
            write_json(path, dict(zip(KEYS, content, strict=True)))


def _shown_command(arguments: Sequence[str]) -> str:
    """A command line as others would give it: without where to keep, and without folders of theirs.

    A file elsewhere keeps its name alone; a folder elsewhere is called DIR/NAME, as in the documents.
    """
    shown, given = [], iter(arguments)
    for argument in given:
        if argument == "--keep":
            next(given, None)
        elif not argument.startswith("--keep="):
            option, equals, value = argument.rpartition("=")
            path = Path(value)
            is_elsewhere = path.is_absolute() or ".." in path.parts
            name = f"DIR/{path.name}" if path.is_dir() else path.name
            shown.append(f"{option}{equals}{name}" if is_elsewhere else argument)
    return shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *shown])


class _Page:
    """What the template asks of all findings. What isn't kept is said to be missing in its place."""

    def __init__(self, findings: Mapping[str, dict]):
        self._findings = findings

    def command(self, name: str) -> str:
        """How a benchmark was run, with the repository's own Python."""
        found = self._findings.get(name)
        return f".venv/bin/{found['command']}" if found else f"({ABSENT})"

    def table(self, name: str, table: str) -> list[str]:
        """The lines of one of its tables."""
        kept = self._findings.get(name, {}).get("tables", {})
        return table_lines(**kept[table]) if table in kept else [f"({ABSENT})"]

    def number(self, name: str, number: str) -> str:
        """A single number of it."""
        return self._findings.get(name, {}).get("numbers", {}).get(number, f"({ABSENT})")

    def machine(self, name: str) -> str:
        """Where it was run: processor, cores, memory, and the load before, as far as that is known."""
        machine = self._findings.get(name, {}).get("machine", {})
        forms = {
            "processor": "{}",
            "cores": "{} cores",
            "memory_gib": "{} GiB",
            "load": "load before {}",
        }
        known = [
            form.format(machine[key]) for key, form in forms.items() if machine.get(key) is not None
        ]
        return ", ".join(known) or ABSENT


def read_findings(folder: str | Path) -> dict[str, dict]:
    """All files of findings in a folder, by their names without suffix.

    Raises:
        InputError: there is none, or one can't be read or was changed by hand.
    """
    remedy = "`python benchmarks/NAME.py --keep FILE` writes it"
    paths = sorted(Path(folder).glob("*.json"))
    if not paths:
        raise InputError(
            f"{folder}: found no findings of a benchmark, expected at least one file: {remedy}."
        )
    found = {}
    for path in paths:
        found[path.stem] = content = read_json(path, "findings of a benchmark", KEYS)
        for name, table in content["tables"].items():
            lengths = {len(row) for row in table.get("rows", ())}
            if table.keys() != set(TABLE_KEYS) or lengths - {len(table["headers"])}:
                raise InputError(
                    f"{path}: found a table {name} that isn't one, expected {', '.join(TABLE_KEYS)} "
                    f"and rows as long as the headers: {remedy}."
                )
    return found


def render_benchmarks(findings: Mapping[str, dict]) -> str:
    """The document.

    Args:
        findings: of `read_findings`.
    """
    return markdown_environment().get_template(TEMPLATE).render(page=_Page(findings))


def write_benchmarks(folder: str | Path, output: str | Path) -> None:
    """Write the document from a folder of findings.

    Raises:
        InputError: see `read_findings`, or the file can't be written.
    """
    write_text(output, render_benchmarks(read_findings(folder)))
