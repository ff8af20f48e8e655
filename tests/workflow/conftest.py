"""The tiny workflow, for all tests that ask what a change makes stale."""

import shutil

import pytest

from tests.support.project import Project


@pytest.fixture
def project(finished, tmp_path) -> Project:
    """A copy of the finished project, with all times and Snakemake's own records."""
    shutil.copytree(finished.code, tmp_path / "code")
    shutil.copytree(finished.folder, tmp_path / "run")
    return Project(tmp_path / "code", tmp_path / "run")
