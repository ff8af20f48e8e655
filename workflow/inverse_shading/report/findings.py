"""What benchmarks find, kept in files, and docs/benchmarks.md, which is written from them.

Its prose is in templates/benchmarks.md.j2. A file of findings is sealed JSON with the keys `KEYS`.
"""

import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from inverse_shading.report.machine import describe_machine
from inverse_shading.report.markdown import markdown_environment, table_lines
from inverse_shading.runtime.artefacts import read_json, unusable, write_json
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import check_seal, write_text

TEMPLATE = "benchmarks.md.j2"
KEYS = ("command", "machine", "tables", "numbers")


class Findings:
    """What one run of a benchmark finds: printed at once, and kept where that is asked for.

    Attributes:
        tables: by name, each with `headers`, `rows` and `texts` as `markdown.table_lines` takes them.
        numbers: single ones by name, as text.
    """

    def __init__(self) -> None:
        self.tables: dict[str, dict] = {}
        self.numbers: dict[str, str] = {}
        # Before the benchmark puts load on it itself.
        self._machine = describe_machine() | {"load": round(os.getloadavg()[0], 1)}

    def table(
        self, name: str, headers: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1
    ) -> None:
        """Keep a table and print it in Markdown."""
        kept = {"headers": list(headers), "rows": [list(row) for row in rows], "texts": texts}
        self.tables[name] = kept
        print("\n".join(table_lines(**kept)), flush=True)

    def number(self, name: str, value: str, text: str) -> None:
        """Keep a number and print it behind what it is."""
        self.numbers[name] = value
        print(f"{text}: {value}", flush=True)

    def write(self, path: str | Path | None) -> None:
        """Write the file, with the command and the machine; nothing where no path is given."""
        if path is not None:
            content = (_command(), self._machine, self.tables, self.numbers)
            write_json(path, dict(zip(KEYS, content, strict=True)))


def _command() -> str:
    """The command line of this process as somebody else would give it: without where to keep."""
    program, *arguments = sys.argv
    arguments = list(arguments)
    while "--keep" in arguments:
        place = arguments.index("--keep")
        del arguments[place : place + 2]
    return shlex.join(["python", f"benchmarks/{Path(program).name}", *arguments])


class _Page:
    """What the template asks of all findings."""

    def __init__(self, findings: Mapping[str, dict]):
        self._findings = findings

    def command(self, name: str) -> str:
        """How a benchmark was run."""
        return self._findings[name]["command"]

    def table(self, name: str, table: str) -> list[str]:
        """The lines of one of its tables."""
        return table_lines(**self._findings[name]["tables"][table])

    def number(self, name: str, number: str) -> str:
        """A single number of it."""
        return self._findings[name]["numbers"][number]

    def machine(self, name: str) -> str:
        """Where it was run: processor, cores, memory, and the load before where that was noted."""
        machine = self._findings[name]["machine"]
        text = f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB"
        load = machine["load"]
        return text if load is None else f"{text}; load of the machine before: {load}"


def read_findings(folder: str | Path) -> dict[str, dict]:
    """All files of findings in a folder, by their names without suffix.

    Raises:
        InputError: there is none, or one can't be read or was changed by hand.
    """
    paths = sorted(Path(folder).glob("*.json"))
    if not paths:
        raise InputError(
            f"{folder}: found no findings of a benchmark, expected files that "
            "`python benchmarks/NAME.py --keep FILE` writes"
        )
    found = {}
    for path in paths:
        check_seal(path)
        found[path.stem] = read_json(path, "findings of a benchmark", KEYS)
        for name, table in found[path.stem]["tables"].items():
            if any(len(row) != len(table["headers"]) for row in table["rows"]):
                raise unusable(path, f"has a row of another length in the table {name}")
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
