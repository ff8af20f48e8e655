"""What every step shares while it runs: its log, its progress, the way it fails."""

import atexit
import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.interruption import Stopped, stoppable

logger = logging.getLogger("inverse_shading")

Item = TypeVar("Item")

# Often enough to see that something moves, seldom enough for twenty jobs on one terminal.
SECONDS_BETWEEN_REPORTS = 5.0


@contextmanager
def job(log_path: str | Path) -> Iterator[None]:
    """All that a script does: the block is `logged`, and the process ends with it.

    Python would first take apart every module that was imported. With PyTorch's that is a fifth of a
    small job's processor time. So what the block opens or starts, it closes and waits for. In a process
    that has more to do, take `logged`.
    """
    with logged(log_path):
        yield
    # What is asked for at a process's end, such as the removal of temporary folders, is done as ever.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


@contextmanager
def logged(log_path: str | Path) -> Iterator[None]:
    """Log to `log_path` and to the terminal while the block runs.

    An `InputError` ends the process with status 1 and its message alone, and so does a GPU whose
    memory is full; being asked to stop (see `interruption`) ends it with 128 + the signal's number,
    as shells count; any other exception ends it with status 1 and its traceback in both places.
    """
    log_path = Path(log_path)
    log_path.parent.mkdir(parents=True, exist_ok=True)
    name = " ".join(log_path.with_suffix("").parts[1:]).replace("%", "%%")
    # "delay" is left at False: a log that exists but is empty tells that the job has started.
    # Names of files may hold what isn't text in any encoding.
    file = logging.FileHandler(log_path, mode="w", encoding="utf-8", errors="backslashreplace")
    handlers = [file, logging.StreamHandler(sys.stderr)]
    form = logging.Formatter(f"%(asctime)s {name}: %(message)s", datefmt="%H:%M:%S")
    for handler in handlers:
        handler.setFormatter(form)
    logger.handlers = handlers
    logger.setLevel(logging.INFO)
    logger.propagate = False
    start = time.monotonic()
    try:
        with stoppable():
            yield
    except InputError as error:
        logger.error("ERROR %s", error)
        sys.exit(1)
    except Stopped as stop:
        logger.warning("%s after %.1f s", stop, time.monotonic() - start)
        sys.exit(128 + stop.signal)
    except BaseException as error:
        # PyTorch's, by its name: not every step has it.
        if type(error).__name__ == "OutOfMemoryError":
            logger.error(
                "ERROR The GPU's memory is full. Free memory on it (see nvidia-smi), or set device to "
                "cpu. %s",
                str(error).partition("\n")[0],
            )
        else:
            logger.exception("ERROR %s", error)
        sys.exit(1)
    logger.info("done in %.1f s", time.monotonic() - start)
    for handler in handlers:
        handler.flush()


def progress(items: Iterable[Item], total: int, unit: str) -> Iterator[Item]:
    """Pass `items` through, logging count, rate and time left every few seconds and at the end."""
    start = last = time.monotonic()
    done = 0
    for item in items:
        yield item
        done += 1
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_REPORTS or done == total:
            logger.info("%s", tqdm.format_meter(done, total, now - start, ncols=90, unit=unit))
            last = now
