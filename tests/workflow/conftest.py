"""A tiny workflow, run once, for all tests that ask what a change makes stale."""

import shutil

import pytest
from project import TINY, Project, copy_code, write_ball


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Project:
    """The tiny workflow, run from nothing to the end. Not to be changed: ask for `project`."""
    base = tmp_path_factory.mktemp("finished")
    (base / "run").mkdir()
    project = Project(copy_code(base / "code"), base / "run")
    project.config = TINY
    write_ball(base / "run" / "ball.obj")
    project.run()
    return project


@pytest.fixture
def project(finished, tmp_path) -> Project:
    """A copy of the finished project, with all times and Snakemake's own records."""
    shutil.copytree(finished.code, tmp_path / "code")
    shutil.copytree(finished.folder, tmp_path / "run")
    return Project(tmp_path / "code", tmp_path / "run")
