"""Readers that do each thing wrong, so that it is known that the harness tells."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from inverse_shading.runtime.errors import InputError
from tests.fuzz.harness import (
    CRASH,
    HANG,
    OVER_MEMORY,
    REFUSED,
    RIGHT,
    TRACEBACK,
    WRONG,
    Input,
    Kind,
    Trial,
)

# Bytes that these may take.
MEMORY = 1 << 27


def says(text: str, cause: type[BaseException] | None = None) -> Callable[[], None]:
    """A reader that refuses in these words."""

    def read() -> None:
        raise InputError(text) from (cause() if cause else None)

    return read


def crashes() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def hangs() -> None:
    time.sleep(3600)


def takes_memory() -> None:
    # Pages are taken when they are written to.
    (b"x" * (2 * MEMORY)).count(b"y")


CLEAR = "a.png: found nothing. Save it again."

# Of each: what it does, the verdict, and what must come of it if that is known beforehand.
READERS: dict[str, tuple[Callable[[], object], str, str | None]] = {
    "accepts well": (lambda: "well", RIGHT, None),
    "accepts ill": (lambda: "ill", WRONG, None),
    "accepts what must be refused": (lambda: "well", WRONG, REFUSED),
    "refuses clearly": (says(CLEAR), REFUSED, None),
    "refuses what is good": (says(CLEAR), TRACEBACK, RIGHT),
    "names no file": (says("Found nothing. Save it again."), TRACEBACK, None),
    "names no remedy": (says("a.png: found nothing."), TRACEBACK, None),
    "refuses when memory is used up": (says(CLEAR, MemoryError), OVER_MEMORY, None),
    "raises": (lambda: [][0], TRACEBACK, None),
    "ends the process": (lambda: os._exit(0), CRASH, None),
    "crashes": (crashes, CRASH, None),
    "hangs": (hangs, HANG, None),
    "takes memory": (takes_memory, OVER_MEMORY, None),
}


def make(name: str) -> Callable[[Input, Path, Path], Trial]:
    read, _, expected = READERS[name]
    return lambda one, folder, shared: Trial(
        read, lambda found: None if found == "well" else "ill", ("a.png",), expected
    )


KINDS = {name: Kind("misbehaviour", 1, make(name), listed=True) for name in READERS}
