"""Numbers of a document that stand in no file of its record."""

import json
import math
import re
from bisect import bisect_left
from decimal import Decimal
from pathlib import Path

from inverse_shading.report import document, verdicts

NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)?(?![\w.]*\w)")
# What the prose says itself: sizes, levels, bins. The poster's figures are in the record.
CONSTANTS = {"1001", "255", "448", "512", "2048"}


def significant(text):
    """Numbers of a text with three digits or more that count."""
    found = []
    for number in NUMBER.findall(text):
        digits = number.replace(".", "").lstrip("0")
        if len(digits if "." in number else digits.rstrip("0")) >= 3:
            found.append(number)
    return found


def prose_constants():
    """Those that the template and the claims hold."""
    template = Path(document.__file__).parent / "templates" / document.TEMPLATE
    claims = "\n".join(verdicts.LISTED.values())
    return set(significant(template.read_text() + claims))


def untraced(text, folder):
    """Numbers of three digits or more that are neither in a record, rounded, nor constants."""
    files = [*folder.rglob("*.csv"), *folder.rglob("*.json")]
    # What benchmarks keep is no part of the run.
    files = [path for path in files if path.parent != folder / "benchmarks"]
    source = "\n".join(path.read_text() for path in files)
    # Also those inside texts, such as a version or a configuration.
    known = {abs(float(number)) for number in re.findall(r"\d+(?:\.\d+)?(?:e-?\d+)?", source)}
    facts = json.loads((folder / "record.json").read_text())
    words = set(re.findall(r"[\d.]+", json.dumps(facts)))
    published = [
        line.split(",")
        for line in (folder / "comparison.csv").read_text().splitlines()
        if "poster (published)" in line
    ]
    roots = {math.sqrt(float(cell)) for line in published for cell in line[1:] if _is_number(cell)}
    values = sorted(known | roots)
    return [
        number
        for number in significant(text)
        if number not in CONSTANTS and number not in words and not _is_near(values, number)
    ]


def _is_number(cell):
    return re.fullmatch(r"\d+(\.\d+)?", cell) is not None


def _is_near(values, number):
    """Whether one of the sorted values is this number, rounded to as many decimals as it has."""
    decimals = max(0, -Decimal(number).as_tuple().exponent)
    half = 0.5 * 10.0**-decimals + 1e-12
    nearest = bisect_left(values, float(number) - half)
    return nearest < len(values) and values[nearest] <= float(number) + half
