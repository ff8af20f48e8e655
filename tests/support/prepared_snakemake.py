"""Snakemake in a process that has imported it before: half of a small plan's time is that import.

Nothing of the workflow's own code is imported beforehand, so each command reads it anew. Its jobs have
prepared processes as well, see `prepared_jobs`.
"""

import multiprocessing
import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache

from tests.support.prepared_jobs import start_server

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["snakemake.cli", "pydantic", "numpy", "smart_open"])


def run_prepared(
    arguments: list[str],
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run Snakemake's command line to its end, in the environment that the first call had.

    Args:
        environment: variables beside those.

    Returns:
        Exit status, and as `stdout` what was printed to both streams.

    Raises:
        subprocess.TimeoutExpired: it took more than `timeout` seconds, and was killed.
    """
    with tempfile.NamedTemporaryFile(
        "r", prefix="snakemake-", suffix=".txt", errors="backslashreplace"
    ) as output:
        process = _processes.Process(
            target=_run, args=(arguments, output.name, environment or {}, shlex.join(job_command()))
        )
        process.start()
        try:
            process.join(timeout)
            if process.exitcode is None:
                raise subprocess.TimeoutExpired(arguments, timeout, output.read())
        finally:
            # Whatever ended the wait, a key press too.
            process.kill()
            process.join()
        return subprocess.CompletedProcess(arguments, process.exitcode, output.read())


@cache
def job_command() -> tuple[str, ...]:
    """The command that runs a job's script, whose name is to be appended."""
    return tuple(start_server())


def _run(arguments: list[str], output: str, environment: Mapping[str, str], python: str) -> None:
    from snakemake.cli import main
    from snakemake.script import PythonScript

    def execute_script(self: PythonScript, fname: str, edit: bool = False) -> None:
        """Snakemake's own, for which `python` is the Python that Snakemake runs in."""
        self._execute_cmd("{python} {fname:q}", python=python, fname=fname, is_python_script=True)

    PythonScript.execute_script = execute_script
    os.environ.update(environment)
    file = os.open(output, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(file, stream)
    main(arguments)
