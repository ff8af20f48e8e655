"""Programs and packages that some tests need, and a machine may lack: a browser, Node, npm's packages."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def need_programs(*names: str) -> None:
    """Skip the test, or in CI fail it, where a program is missing."""
    for name in names:
        if shutil.which(name) is None:
            _leave_out(f"{name} is missing")


def npm_package(name: str) -> Path:
    """Folder of an installed package. Skips the test, or in CI fails it, where there is none."""
    folder = ROOT / "node_modules" / name
    if not folder.is_dir():
        _leave_out(f"npm's package {name} is missing; with npm, `make npm-packages` installs it")
    return folder


def _leave_out(problem: str) -> None:
    # A green run there must have run all tests.
    if os.environ.get("CI"):
        pytest.fail(problem)
    pytest.skip(problem)
