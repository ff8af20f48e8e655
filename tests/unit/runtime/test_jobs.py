"""What steps share while they run: a log whatever the names in it."""

import io
import sys

import pytest

from inverse_shading.runtime.jobs import job, logger


@pytest.fixture(autouse=True)
def own_logger(monkeypatch):
    for name in ("handlers", "level", "propagate"):
        monkeypatch.setattr(logger, name, getattr(logger, name))


def test_a_log_takes_any_name(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    log = tmp_path / "logs" / "100%_%(name)s_{x}.log"
    with job(log):
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
    with pytest.raises(SystemExit) as caught, job(log):
        raise error("Tried to allocate 2 GiB.\nMore.")
    text = log.read_text()
    assert caught.value.code == 1 and ("Traceback" in text) == is_traced
    assert "Tried to allocate 2 GiB." in text and ("nvidia-smi" in text) != is_traced
