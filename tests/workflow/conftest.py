"""A tiny workflow, run once, for all tests that ask what a change makes stale."""

import shutil

import pytest

from tests.support.project import TINY, Project, made_once, run_whole


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Project:
    """The tiny workflow, run from nothing to the end. Not to be changed: ask for `project`."""
    return made_once(tmp_path_factory, "finished", lambda folder: run_whole(folder, TINY))


@pytest.fixture
def project(finished, tmp_path) -> Project:
    """A copy of the finished project, with all times and Snakemake's own records."""
    shutil.copytree(finished.code, tmp_path / "code")
    shutil.copytree(finished.folder, tmp_path / "run")
    return Project(tmp_path / "code", tmp_path / "run")
