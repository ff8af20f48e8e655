"""What Markdown written from templates shares: the environment, and tables."""

import re
from collections.abc import Iterable, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from inverse_shading.evaluation.paired_tests import format_signed


def markdown_environment() -> Environment:
    """Templates of this room, with filters for paragraphs and numbers; undefined names are errors."""
    environment = Environment(
        loader=PackageLoader(__package__),
        undefined=StrictUndefined,
        finalize=_plain,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "bold": lambda text: f"**{text}**" if text else "",
        "fixed": lambda value, decimals: f"{value:.{decimals}f}",
        "flow": lambda text: re.sub(r"\s*\n\s*", " ", text.strip()) + "\n",
        "signed": format_signed,
    }
    return environment


def table_lines(headers: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> list[str]:
    """The lines of a table.

    Args:
        headers: of the columns.
        rows: their cells.
        texts: how many columns, from the left, are text; numbers stand on the right of theirs.
    """
    rules = [" --- " if place < texts else " ---: " for place in range(len(headers))]
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return [
        f"| {' | '.join(headers)} |",
        f"|{'|'.join(rules)}|",
        *(f"| {' | '.join(row)} |" for row in cells),
    ]


def _plain(value: object) -> object:
    """A value as Markdown shows it: a text is no HTML and one line, a list has a line for each text."""
    if isinstance(value, list):
        return "\n".join(map(_plain, value))
    if not isinstance(value, str):
        return value
    # A tag, comment or address in angle brackets begins so; "< 0.001" doesn't.
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", " ".join(value.splitlines()))
