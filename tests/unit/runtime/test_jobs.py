"""What steps share while they run: a log whatever the names in it."""

import io
import sys

from inverse_shading.runtime.jobs import job, logger


def test_a_log_takes_any_name(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    for name in ("handlers", "level", "propagate"):
        monkeypatch.setattr(logger, name, getattr(logger, name))
    log = tmp_path / "logs" / "100%_%(name)s_{x}.log"
    with job(log):
        logger.info("read %s", "b\udce9.png")
    lines = log.read_text().splitlines()
    assert lines[0].endswith("100%_%(name)s_{x}: read b\\udce9.png")
    assert "done in" in lines[1]
    assert "Logging error" not in sys.stderr.getvalue()
