"""The tiny workflow, for all tests that ask what a change makes stale."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.project import Project


@pytest.fixture
def project(finished, tmp_path) -> Iterator[Project]:
    """A copy of the finished project, with all times and Snakemake's own records.

    Weights of trunks, most of its bytes, are the same files: whoever changes one takes another in its
    place, as jobs do.
    """
    shutil.copytree(finished.code, tmp_path / "code")
    shutil.copytree(finished.folder, tmp_path / "run", copy_function=copy_or_link)
    trunks = sorted((finished.folder / "results" / "trunks").iterdir())
    states = list(map(state, trunks))
    yield Project(tmp_path / "code", tmp_path / "run")
    assert list(map(state, trunks)) == states, "the test wrote into the file of all others"


def copy_or_link(source: str, target: str) -> None:
    file = Path(source)
    if file.parent.name == "trunks" and file.suffix == ".safetensors":
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
