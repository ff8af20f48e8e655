"""Packages of npm that tests use, installed by `make test` where there is npm."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def npm_package(name: str) -> Path:
    """Folder of an installed package. Skips the test where there is none, but never in CI."""
    folder = ROOT / "node_modules" / name
    if shutil.which("node") is None or not folder.is_dir():
        problem = f"npm's package {name} is missing; npm ci installs it where node and npm are"
        if os.environ.get("CI"):
            pytest.fail(problem)
        pytest.skip(problem)
    return folder
