"""Documents of typed values, changed in a few places: Hypothesis draws where, and what is there then.

Drawn by a process of their own that has imported nothing of the package: Hypothesis tries constants of
all modules that are loaded, and an input is to depend on its name alone.
"""

import copy
import math
import pickle
import subprocess
import sys
from pathlib import Path

import hypothesis
import yaml
from hypothesis import strategies as st

from tests.fuzz.harness import Input

# Examples kept of one run of Hypothesis, which draws more: some are alike.
BLOCK = 250

WORDS = [
    "1e-4",
    "80",
    "nan",
    ".inf",
    "best\n",
    " ",
    "a.b",
    "{x}",
    "../x",
    "null",
    "random",
    "cpu",
    "A" * 300,
]
NUMBERS = st.one_of(
    st.integers(-2, 300), st.integers(), st.floats(0, 1), st.floats(), st.integers(0, 99).map(float)
)
SCALARS = st.one_of(
    st.none(), st.booleans(), NUMBERS, NUMBERS, st.text(max_size=6), st.sampled_from(WORDS)
)
VALUES = st.one_of(
    SCALARS,
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.dictionaries(st.text(max_size=4) | st.sampled_from(WORDS), SCALARS, max_size=2),
)


def near(value: object) -> st.SearchStrategy:
    """What a careless hand writes in the place of a value."""
    if isinstance(value, bool) or value is None:
        return SCALARS
    if isinstance(value, (int, float)):
        return st.sampled_from(
            [
                value + 1,
                value / 2,
                value * 1000,
                -value,
                float(value),
                str(value),
                [value],
                math.nan,
                math.inf,
            ]
        )
    if isinstance(value, str):
        return st.sampled_from([f"{value}\n", value.upper(), f"{value} ", [value], {value: 1}, ""])
    if isinstance(value, list):
        return st.sampled_from([[], value * 2, value[:1], [value], None, {"x": 1}])
    return st.sampled_from([{}, [], None, [value], "x", 0])


def places(value: object, above: tuple = ()) -> list[tuple]:
    """Paths of all parts of a document."""
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    return [path for key in keys for path in [(*above, key), *places(value[key], (*above, key))]]


@st.composite
def changed(draw, document: dict) -> dict:
    """The document with one to three parts replaced, left out, or added beside others."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        *above, last = draw(st.sampled_from(places(document) or [("x",)]))
        holder = document
        for key in above:
            holder = holder[key]
        way = draw(st.sampled_from(["near", "near", "any", "any", "out", "beside"]))
        if way == "out" and last in (holder if isinstance(holder, dict) else ()):
            del holder[last]
        elif way == "beside" and isinstance(holder, dict):
            holder[draw(st.text(max_size=4) | st.sampled_from(WORDS))] = draw(VALUES)
        elif isinstance(holder, list) or last in holder:
            holder[last] = draw(near(holder[last]) if way == "near" else VALUES)
    return document


def drawn(kind: str, one: Input, shared: Path, path: Path) -> dict:
    """The changed document of an input's number.

    Args:
        kind: a name for the blocks' files.
        path: of the undamaged document, YAML or JSON.
    """
    number, place = divmod(one.number, BLOCK)
    block = shared / f"{kind}-{one.seed}-{number}.pickle"
    if not block.exists():
        command = [sys.executable, "-m", "tests.fuzz.values", path, block, one.seed, number]
        subprocess.run(list(map(str, command)), check=True)
    examples = pickle.loads(block.read_bytes())
    return examples[place % len(examples)]


def main(path: str, block: str, seed: str, number: str) -> None:
    document = yaml.safe_load(Path(path).read_text())
    found = {}

    @hypothesis.seed(int(seed) * 1000 + int(number))
    @hypothesis.settings(
        max_examples=2 * BLOCK,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(changed(document))
    def collect(example: dict) -> None:
        found.setdefault(repr(example), example)

    collect()
    # Another worker may draw the same block.
    temporary = Path(f"{block}.{id(found)}")
    temporary.write_bytes(pickle.dumps(list(found.values())[:BLOCK]))
    temporary.rename(block)


if __name__ == "__main__":
    main(*sys.argv[1:])
