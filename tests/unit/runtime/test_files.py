"""Files are whole or absent, and prove it; killed writers leave nothing that stays."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import (
    atomic_path,
    check_seal,
    read_seal,
    seal,
    seal_path,
    sealed_path,
    write_sealed_text,
    write_text,
)

PACKAGE = Path(__file__).parents[3] / "workflow"


@pytest.mark.parametrize("opened", [atomic_path, sealed_path])
def test_a_failure_leaves_what_was_there(tmp_path, opened):
    path = tmp_path / "a.txt"
    write_sealed_text(path, "before")
    with pytest.raises(RuntimeError), opened(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "before"
    check_seal(path)
    assert sorted(tmp_path.iterdir()) == [path, seal_path(path)]


def test_the_checksum_is_what_sha256sum_reads(tmp_path):
    write_sealed_text(tmp_path / "a.txt", "content")
    done = subprocess.run(
        ["sha256sum", "--check", "a.txt.sha256"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout == "a.txt: OK\n"


@pytest.mark.parametrize("place", [0, 500, 999])
def test_every_bit_counts(tmp_path, place):
    path = tmp_path / "a.bin"
    with sealed_path(path) as temporary:
        temporary.write_bytes(bytes(1000))
    check_seal(path)
    content = bytearray(1000)
    content[place] = 4
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.bin: its contents don't match.*Delete .*a\.bin"):
        check_seal(path)
    seal(path)
    check_seal(path)


@pytest.mark.parametrize("content", [None, "", "0" * 63, "g" * 64, "\0\1\2"])
def test_a_missing_or_broken_checksum_is_refused(tmp_path, content):
    path = tmp_path / "a.txt"
    write_sealed_text(path, "content")
    seal_path(path).unlink()
    if content is not None:
        seal_path(path).write_text(content)
    with pytest.raises(InputError, match=r"a\.txt.*Delete .*a\.txt and run"):
        check_seal(path)


def test_a_missing_file_is_refused(tmp_path):
    path = tmp_path / "a.txt"
    write_sealed_text(path, "content")
    path.unlink()
    with pytest.raises(InputError, match=r"a\.txt: can't be read"):
        check_seal(path)


def test_the_checksum_of_a_new_file_replaces_the_old(tmp_path):
    path = tmp_path / "a.txt"
    write_sealed_text(path, "one")
    first = read_seal(path)
    write_sealed_text(path, "two")
    check_seal(path)
    assert read_seal(path) != first
    # The modes of ordinary files, whatever the temporary ones had.
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == seal_path(path).stat().st_mode & 0o777 == 0o666 & ~umask


@pytest.mark.parametrize("stem", ["n" * 250, "é" * 125, "b\udce9", "a\\b", "{x}", "a\nb"])
def test_files_of_any_name_are_written(tmp_path, stem):
    write_text(tmp_path / f"{stem}.txt", "whole")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["whole"]


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path):
    path = tmp_path / "a.txt"
    program = (
        "import sys, time; from inverse_shading.runtime.files import sealed_path\n"
        "with sealed_path(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half'); print('ready', flush=True); time.sleep(60)"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", program, path],
        env=os.environ | {"PYTHONPATH": str(PACKAGE)},
        stdout=subprocess.PIPE,
    )
    assert writer.stdout.readline() == b"ready\n"
    (left,) = tmp_path.iterdir()
    # While the writer lives, its file is its own.
    write_text(path, "other")
    assert left.exists()
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    write_text(tmp_path / "b.txt", "another name")
    assert left.exists()
    write_text(path, "whole")
    assert not left.exists() and path.read_text() == "whole"


def test_a_terminated_job_removes_its_temporary_file(tmp_path):
    program = (
        "import sys, time; from inverse_shading.runtime.files import atomic_path\n"
        "from inverse_shading.runtime.jobs import job\n"
        "with job(sys.argv[1] + '/log'), atomic_path(sys.argv[1] + '/a.txt') as temporary:\n"
        "    temporary.write_text('half'); print('ready', flush=True); time.sleep(60)"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path],
        env=os.environ | {"PYTHONPATH": str(PACKAGE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert writer.stdout.readline() == b"ready\n"
    writer.terminate()
    assert writer.wait(timeout=30) == 128 + signal.SIGTERM
    assert [entry.name for entry in tmp_path.iterdir()] == ["log"]
    assert "stopped by SIGTERM" in (tmp_path / "log").read_text()
