"""What steps share while they run: a log whatever the names in it."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from inverse_shading.runtime.jobs import logged, logger

PACKAGE = Path(__file__).parents[3] / "workflow"


@pytest.fixture(autouse=True)
def own_logger(monkeypatch):
    for name in ("handlers", "level", "propagate"):
        monkeypatch.setattr(logger, name, getattr(logger, name))


def test_a_log_takes_any_name(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    log = tmp_path / "logs" / "100%_%(name)s_{x}.log"
    with logged(log):
        logger.info("read %s", "b\udce9.png")
    lines = log.read_text().splitlines()
    assert lines[0].endswith("100%_%(name)s_{x}: read b\\udce9.png")
    assert "done in" in lines[1]
    assert "Logging error" not in sys.stderr.getvalue()


class OutOfMemoryError(RuntimeError):
    """Of PyTorch's name."""


@pytest.mark.parametrize("error, is_traced", [(OutOfMemoryError, False), (RuntimeError, True)])
def test_a_full_gpu_is_one_line_and_no_traceback(tmp_path, error, is_traced):
    log = tmp_path / "logs" / "train.log"
    with pytest.raises(SystemExit) as caught, logged(log):
        raise error("Tried to allocate 2 GiB.\nMore.")
    text = log.read_text()
    assert caught.value.code == 1 and ("Traceback" in text) == is_traced
    assert "Tried to allocate 2 GiB." in text and ("nvidia-smi" in text) != is_traced


def test_a_job_ends_its_process_without_taking_it_apart(tmp_path):
    program = (
        "import atexit, sys\n"
        "from inverse_shading.runtime.jobs import job\n"
        "class Imported:\n"
        "    def __del__(self): print('taken apart')\n"
        "imported = Imported()\n"
        "atexit.register(print, 'asked for')\n"
        "with job(sys.argv[1]): print('done')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "logs" / "step.log"],
        env=os.environ | {"PYTHONPATH": str(PACKAGE)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "done\nasked for\n"
    assert "done in" in (tmp_path / "logs" / "step.log").read_text()
