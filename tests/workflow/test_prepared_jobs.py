"""Jobs in prepared processes have what others have, see `tests.support.prepared_jobs`."""

import json
import os
import subprocess

import psutil
import pytest

from tests.support.prepared_jobs import THREADS
from tests.support.prepared_snakemake import job_command, run_prepared

TELL = """
import json, os, sys
found = {"torch": "torch" in sys.modules, "path": sys.path[:2], "folder": os.getcwd(), "arguments": sys.argv}
print(json.dumps(found), flush=True)
print("to the other stream", file=sys.stderr)
"""


def environment(**more):
    return os.environ | THREADS | {"PYTHONPATH": "/added"} | more


@pytest.mark.parametrize(
    ("ending", "status"), [("sys.exit(3)", 3), ("os.kill(os.getpid(), 9)", 137)]
)
def test_a_script_has_its_folder_its_streams_and_its_status(tmp_path, ending, status):
    script, folder = tmp_path / "script.py", tmp_path / "folder"
    script.write_text(TELL + ending)
    folder.mkdir()
    done = subprocess.run(
        [*job_command(), script], cwd=folder, env=environment(), capture_output=True, text=True
    )
    assert json.loads(done.stdout) == {
        "torch": True,
        "path": [str(tmp_path), "/added"],
        "folder": str(folder),
        "arguments": [str(script)],
    }
    assert done.stderr == "to the other stream\n"
    assert done.returncode == status


def test_snakemake_starts_its_jobs_so(tmp_path):
    """Else they would all be started as ever, and only the time would tell."""
    (tmp_path / "tell.py").write_text(
        "import sys\nopen(snakemake.output[0], 'w').write(str('torch' in sys.modules))"
    )
    (tmp_path / "Snakefile").write_text(
        "rule tell:\n    output: 'told.txt'\n    script: 'tell.py'\n"
    )
    arguments = ["--snakefile", tmp_path / "Snakefile", "--directory", tmp_path, "--cores", "1"]
    done = run_prepared(list(map(str, arguments)), timeout=300)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "told.txt").read_text() == "True"


def test_a_failure_has_its_traceback(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("raise ValueError('wrong')")
    done = subprocess.run(
        [*job_command(), script], env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stderr.endswith("ValueError: wrong\n")


def test_what_a_library_may_read_as_it_is_imported_starts_a_process_as_ever(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(TELL)
    done = subprocess.run(
        [*job_command(), script],
        env=environment(OMP_NUM_THREADS="2"),
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout)["torch"] is False


def test_a_job_ends_with_the_command_that_asked_for_it(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)")
    with subprocess.Popen(
        [*job_command(), script], env=environment(), stdout=subprocess.PIPE
    ) as client:
        job = psutil.Process(int(client.stdout.readline()))
        assert job.pid != client.pid
        client.kill()
        job.wait(60)
