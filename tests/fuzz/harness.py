"""Hands inputs to child processes with limits of memory and time, and tells what came of each.

An input is named by seed, kind and number, and is made again from these three alone. Number 0 of every
kind is undamaged and must be accepted; so a reader that refuses everything fails too.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).parents[2]

REFUSED = "refused clearly"
RIGHT = "accepted rightly"
WRONG = "wrongly accepted"
# Also a refusal that doesn't name the file or the remedy, and one of a good input.
TRACEBACK = "traceback or unclear"
CRASH = "crash"
HANG = "hang"
OVER_MEMORY = "over memory"
FAILURES = [WRONG, TRACEBACK, CRASH, HANG, OVER_MEMORY]
VERDICTS = [REFUSED, RIGHT, *FAILURES]

LIMIT_SECONDS = 30
# Resident, above what the process had before.
LIMIT_BYTES = 4 << 30
# What isn't under test: libraries are loaded, a small model is trained.
PREPARATION_SECONDS = 300


@dataclass(frozen=True)
class Trial:
    """One input, and what is asked of whoever reads it.

    Attributes:
        read: has it read; raises InputError where it is refused.
        judge: says what is wrong with what was read; nothing if it is right.
        named: what a refusal must name: the file, a key.
        expected: REFUSED or RIGHT where only that is right.
    """

    read: Callable[[], Any]
    judge: Callable[[Any], str | None]
    named: tuple[str, ...]
    expected: str | None = None


class Input(NamedTuple):
    """The name of an input."""

    kind: str
    number: int
    seed: int = 1

    @property
    def generator(self) -> np.random.Generator:
        """Of all that is random about it."""
        return np.random.default_rng([self.seed, zlib.crc32(self.kind.encode()), self.number])


@dataclass(frozen=True)
class Kind:
    """Inputs of one kind.

    Attributes:
        group: row of the table.
        count: how many are tried in the whole campaign.
        make: writes the input of a name into the first folder. The second is common to all inputs,
            for what takes long to make.
        listed: whether it is a single case, made by hand.
    """

    group: str
    count: int
    make: Callable[[Input, Path, Path], Trial]
    listed: bool = False


class Outcome(NamedTuple):
    """What came of an input: the verdict, details, seconds taken and bytes at most."""

    verdict: str
    note: str = ""
    seconds: float = 0.0
    peak: int = 0


class Worker:
    """A child process for one input after the other, replaced when it ends.

    Args:
        shared: the folder that is common to all inputs.
        limit: seconds that an input may take.
        memory: bytes that it may take.
        kinds: the module that has them.
    """

    def __init__(
        self,
        shared: Path,
        limit: float = LIMIT_SECONDS,
        memory: int = LIMIT_BYTES,
        kinds: str = "tests.fuzz.kinds",
    ):
        self._command = [sys.executable, "-m", "tests.fuzz.worker", kinds, str(memory), str(shared)]
        self._limit, self._process, self._late = limit, None, False

    def attempt(self, one: Input) -> Outcome:
        """Make and try one input."""
        if self._process is None:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # It imports what is tested here, and leaves nothing elsewhere when it is killed.
                env=os.environ
                | {"PYTHONPATH": f"{ROOT / 'workflow'}:{ROOT}", "TMPDIR": self._command[-1]},
                # A group of its own is killed with its children.
                start_new_session=True,
                text=True,
            )
        self._process.stdin.write(json.dumps(one) + "\n")
        self._process.stdin.flush()
        # The first line says that the input is made.
        answer = self._read(PREPARATION_SECONDS) and self._read(self._limit)
        if not answer:
            status = self.close()
            if self._late:
                self._late = False
                return Outcome(HANG, f"not done in {self._limit} s")
            return Outcome(CRASH, f"{signal.Signals(-status).name if status < 0 else status}")
        *outcome, spent = json.loads(answer)
        if spent:
            self.close()
        return Outcome(*outcome)

    def close(self) -> int:
        """End the process and its children; returns its status."""
        process, self._process = self._process, None
        if process is None:
            return 0
        # One that has ended by itself keeps its status.
        self._kill(process)
        process.communicate()
        return process.returncode

    def _read(self, limit: float) -> str:
        timer = threading.Timer(limit, self._stop)
        timer.start()
        line = self._process.stdout.readline()
        timer.cancel()
        return line

    def _stop(self) -> None:
        self._late = True
        self._kill(self._process)

    @staticmethod
    def _kill(process: subprocess.Popen) -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def run(inputs: Iterable[Input], shared: Path, processes: int) -> Iterator[tuple[Input, Outcome]]:
    """Try inputs in several processes; gives each with its outcome, in order."""
    inputs, workers, local = list(inputs), [], threading.local()

    def attempt(one: Input) -> Outcome:
        if not hasattr(local, "worker"):
            local.worker = Worker(shared)
            workers.append(local.worker)
        return local.worker.attempt(one)

    with ThreadPoolExecutor(processes) as threads:
        try:
            yield from zip(inputs, threads.map(attempt, inputs), strict=True)
        finally:
            threads.shutdown(cancel_futures=True)
            for worker in workers:
                worker.close()


def portion(kinds: dict[str, Kind], total: int, seed: int) -> list[Input]:
    """All named cases, and about `total` inputs over the other kinds, by their counts, two at least."""
    share = total / max(1, sum(kind.count for kind in kinds.values() if not kind.listed))
    return [
        Input(name, number, seed)
        for name, kind in kinds.items()
        for number in range(1 if kind.listed else max(2, round(share * kind.count)))
    ]
