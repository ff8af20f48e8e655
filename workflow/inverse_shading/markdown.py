"""Tables in Markdown."""

from collections.abc import Iterable, Mapping, Sequence

# Alignment of a column.
TEXT, NUMBER = "---", "---:"


def markdown_table(headers: Mapping[str, str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table; `headers` has the alignment of each column."""
    lines = [_line(headers), _line(headers.values())]
    return lines + [_line(cell.replace("|", "\\|") for cell in row) for row in rows]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
