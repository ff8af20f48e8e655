"""What holds for all tests of one pytest process."""

import importlib.util

import pytest

from tests.support.optional import need_programs
from tests.support.project import TINY, Project, made_once, run_whole

# Mesa's llvmpipe and Triton bring an LLVM each. torch imports Triton late, for instance in
# an optimiser's first step; if an OpenGL context has loaded Mesa's LLVM by then, the process dies
# of a segmentation fault. The other order is harmless. Steps of the workflow either render or train.
# What does both, `prediction.session`, imports Triton first.
if importlib.util.find_spec("triton") is not None:
    import triton  # noqa: F401


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Project:
    """The tiny workflow, run from nothing to the end. Not to be changed."""
    return made_once(tmp_path_factory, "finished", lambda folder: run_whole(folder, TINY))


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    """A browser, for one page at a time: its start takes seconds."""
    from tests.support.browser import browser

    need_programs("chromium", "chromedriver")
    with browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """What a test logs, with escapes for what isn't UTF-8, such as the names of some files.

    Processes that run tests side by side hand on nothing else, and end with an internal error.
    """
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections
    ]
    return report
