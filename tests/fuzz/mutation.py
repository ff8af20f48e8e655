"""Damage to files and values, drawn from a generator."""

import copy
import json
import re
from typing import NamedTuple

import numpy as np

# What counts and offsets are most often not made for.
INTEGERS = [0, 1, 2, 127, 128, 255, 256, 32767, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1]
WORDS = [
    "nan",
    "inf",
    "-inf",
    "1e400",
    "-1",
    "0",
    "1",
    "-0.0",
    "4294967296",
    "9" * 5000,
    "",
    "x",
    "/",
]
VALUES = [
    None, True, False, 0, 1, -1, -4, 3, 7, 65535, 2**31, 2**32, 2**53 + 1, 10**30, 0.5, -0.5, 1e-300,
    1e300, float("nan"), float("inf"), 80.0, "", "x", "80", "1e-4", "best\n", "../x", "/dev/zero", "é\0",
    [], [0], [1, 2, 3], ["x"], {}, {"x": 1}, [[]], [None],
]  # fmt: skip


class Damage(NamedTuple):
    """A damaged file.

    Attributes:
        content: its bytes.
        start, stop: the undamaged file's bytes that are no longer what they were.
        cut: whether it is the undamaged file without its end.
        moved: whether what comes after has moved.
    """

    content: bytes
    start: int
    stop: int
    cut: bool = False
    moved: bool = False


def damage(content: bytes, generator: np.random.Generator) -> Damage:
    """Flip bits, cut, overwrite, delete, repeat, copy elsewhere, or set an integer."""
    size = len(content)
    # Every other time where heads are.
    reach = min(size, 256) if generator.integers(2) else size
    start = int(generator.integers(reach))
    length = min(size - start, int(generator.choice([1, 2, 4, 16, 64, 512])))
    stop = start + length
    before, inside, after = content[:start], content[start:stop], content[stop:]
    way = int(generator.integers(8))
    if way <= 1:
        return flip(content, start, generator)
    if way == 2:
        return Damage(before, start, size, cut=True)
    if way == 3:
        return Damage(before + generator.bytes(length) + after, start, stop)
    if way == 4:
        return Damage(before + after, start, size, cut=not after, moved=True)
    if way == 5:
        return Damage(before + 2 * inside + after, start, size, moved=True)
    if way == 6:
        source = int(generator.integers(size - length + 1))
        return Damage(before + content[source : source + length] + after, start, stop)
    width = min(size - start, int(generator.choice([1, 2, 4])))
    value = int(generator.choice(INTEGERS)) % 256**width
    order = "little" if generator.integers(2) else "big"
    changed = before + value.to_bytes(width, order) + content[start + width :]
    return Damage(changed, start, start + width)


def flip(content: bytes, start: int, generator: np.random.Generator) -> Damage:
    """Flip one bit of the byte at `start`."""
    changed = bytearray(content)
    changed[start] ^= 1 << int(generator.integers(8))
    return Damage(bytes(changed), start, start + 1)


def damage_text(text: str, generator: np.random.Generator) -> str:
    """Put another word in the place of a few."""
    for _ in range(int(generator.integers(1, 4))):
        words = list(re.finditer(r"[^\s,]+", text))
        if not words:
            break
        word = words[int(generator.integers(len(words)))]
        text = text[: word.start()] + str(generator.choice(WORDS)) + text[word.end() :]
    return text


def damage_json(document, generator: np.random.Generator):
    """A document in which a few members are replaced, taken away or added."""
    document = copy.deepcopy(document)
    for _ in range(int(generator.integers(1, 3))):
        holders = list(_holders(document))
        if not holders:
            break
        holder = holders[int(generator.integers(len(holders)))]
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = keys[int(generator.integers(len(keys)))]
        value = copy.deepcopy(VALUES[int(generator.integers(len(VALUES)))])
        way = int(generator.integers(8))
        if way == 0:
            del holder[key]
        elif way == 1 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        elif way == 1:
            holder["further"] = value
        else:
            holder[key] = value
    return document


def _holders(document):
    """Every object and list of a document that isn't empty."""
    if isinstance(document, (dict, list)) and document:
        yield document
        for part in document.values() if isinstance(document, dict) else document:
            yield from _holders(part)


def encoded(document) -> bytes:
    return json.dumps(document).encode()
