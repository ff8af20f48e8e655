"""The child process of `harness.Worker`: makes inputs, has them read, and judges what came of it."""

import importlib
import json
import os
import re
import resource
import sys
import tempfile
import time
import traceback
from pathlib import Path

from inverse_shading.runtime.errors import InputError
from tests.fuzz.harness import (
    OVER_MEMORY,
    REFUSED,
    RIGHT,
    TRACEBACK,
    WRONG,
    Input,
    Trial,
)

# Libraries that an input loads are mapped beside what it takes itself.
MAPPED_BYTES = 3 << 30

# A process that has grown by so much is replaced, lest one input's leak is counted as another's.
SPENT_BYTES = 1 << 30

VERBS = (
    "Add|Change|Check|Choose|Copy|Correct|Delete|Export|Fetch|Give|In the workflow's folder|Install|"
    "Leave|Make|Name|Put|Remove|Rename|Render|Replace|Run|Save|Scale|Shorten|Split|Train|Use|Write"
)
REMEDY = re.compile(rf"(?:^|[.!?)] |; )(?:If [^,.]*, )?(?:{VERBS}|delete|fetch)\b.*\.$", re.DOTALL)


def judge(trial: Trial) -> tuple[str, str]:
    """The verdict on what comes of a trial, and details."""
    try:
        found = trial.read()
    except InputError as error:
        if any(isinstance(cause, MemoryError) for cause in _causes(error)):
            return OVER_MEMORY, str(error)
        problem = unclear(str(error), trial.named)
        if trial.expected == RIGHT:
            problem = "refused, and shouldn't be"
        return (TRACEBACK, f"{problem}: {error}") if problem else (REFUSED, str(error))
    except AssertionError as error:
        # A case's own word on what was done to other files.
        return WRONG, str(error)
    except MemoryError as error:
        return OVER_MEMORY, _last_lines(error)
    except BaseException as error:
        return TRACEBACK, _last_lines(error)
    if trial.expected == REFUSED:
        return WRONG, "accepted, and shouldn't be"
    try:
        problem = trial.judge(found)
    # A judge that stumbles has met what should have been refused.
    except Exception as error:
        problem = _last_lines(error)
    return (WRONG, problem) if problem else (RIGHT, "")


def unclear(message: str, named: tuple[str, ...]) -> str | None:
    """What a refusal lacks, if anything."""
    missing = [name for name in named if name not in message]
    if missing:
        return f"doesn't name {', '.join(missing)}"
    if message.startswith("The configuration is wrong:"):
        told = re.compile("found|must|allowed")
        lines = [line for line in message.splitlines()[1:] if not told.search(line)]
        return f"doesn't say what was found in {lines[0]!r}" if lines else None
    return None if REMEDY.search(message) else "says no remedy"


def main() -> None:
    # What libraries print is no answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    module, limit, shared = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    kinds = importlib.import_module(module).KINDS
    started = _resident("VmRSS")
    most = _resident("VmSize") + limit + MAPPED_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        one = Input(*json.loads(line))
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            trial = kinds[one.kind].make(one, Path(folder), shared)
            print("made", file=answers, flush=True)
            # The peak begins anew.
            Path("/proc/self/clear_refs").write_text("5")
            before, children, start = _resident("VmRSS"), _children(), time.monotonic()
            verdict, note = judge(trial)
            seconds = time.monotonic() - start
            # A decoder may run in a child of its own; of those only the largest is known.
            child = _children() if _children() > children else 0
            peak = max(_resident("VmHWM") - before, child)
            if peak > limit:
                verdict, note = OVER_MEMORY, f"{peak >> 20} MB; {verdict}; {note}"
        spent = _resident("VmRSS") - started > SPENT_BYTES or verdict == OVER_MEMORY
        answer = [verdict, note[-1500:], seconds, peak, spent]
        print(json.dumps(answer), file=answers, flush=True)


def _resident(key: str) -> int:
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{key}:\s+(\d+) kB", status)[1]) << 10


def _children() -> int:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10


def _causes(error: BaseException | None):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _last_lines(error: BaseException) -> str:
    return "".join(traceback.format_exception(error, limit=-3)).strip()


if __name__ == "__main__":
    main()
