"""Snakemake's jobs in processes that have imported PyTorch before: most of a small job's time is that import.

A server imports the libraries once. This file, run as a command, asks it for a process that runs a script,
and waits for its end. Nothing of the workflow's own code is imported beforehand, so every job reads it anew.

What such jobs don't show: an import that is missing, what depends on the order of strings in sets, which all
processes of one server share, and memory and processor time, which Snakemake measures of the command. So
the workflow is run once as a user would, and with such jobs only after a change.
"""

import contextlib
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Mapping

_LIBRARIES = (
    "jinja2",
    "matplotlib.figure",
    "numpy",
    "optuna",
    "pandas",
    "PIL.Image",
    "pydantic",
    "scipy.optimize",
    "scipy.stats",
    "snakemake.script",
    "torch._dynamo",
    "torchvision",
)
# What libraries read as they are imported. Jobs of a tiny workflow have one thread.
THREADS = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "GOTO_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMEXPR_NUM_THREADS",
    ),
    "1",
)
# What they read later, or what changes no result.
_FREE = {"OPENBLAS_THREAD_TIMEOUT", "PYTHONPATH", "TEMP", "TEMPDIR", "TMP", "TMPDIR"}
_FREE |= {"COLUMNS", "LINES", "OLDPWD", "PWD", "PYTEST_CURRENT_TEST", "SHLVL", "_"}
_FREE |= {"HTTPS_PROXY", "TORCH_HOME", "https_proxy", "__EGL_VENDOR_LIBRARY_FILENAMES"}

# Answers a client whose environment isn't the server's: it starts the script as ever.
_AS_EVER = b"as ever"

# Kept, since a server ends when its standard input is closed.
_servers = []


def start_server() -> list[str]:
    """Start a server that ends with this process.

    Returns:
        The command that runs a script, whose name is to be appended.
    """
    import secrets
    import subprocess

    address = f"prepared-jobs-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(f"\0{address}")
        listener.listen(16)
        server = subprocess.Popen(
            # -P: the folder of this file is no place for modules.
            [sys.executable, "-P", __file__, "--serve", str(listener.fileno())],
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
            env=_fixed(os.environ) | THREADS,
        )
    _servers.append(server)
    # -IS: without what makes Python's start long.
    return [sys.executable, "-IS", __file__, address]


def _fixed(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in _FREE}


def _serve(listener: socket.socket) -> str | None:
    """Give a process to everyone who asks.

    Returns:
        In such a process, the script to run; None when the standard input has ended.
    """
    import gc
    import importlib

    # A key press ends the tests, and they end this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    environment = dict(os.environ)
    for library in _LIBRARIES:
        importlib.import_module(library)
    # What there is now is no garbage: looking for it would copy its pages in every process.
    gc.freeze()
    # So that the system forgets processes that have ended.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        if not os.fork():
            listener.close()
            return _attend(connection, environment)
        connection.close()
    return None


def _attend(connection: socket.socket, environment: dict[str, str]) -> str:
    """Fork the script's process, in which alone this returns, and tell the client how that ends."""
    message, streams, *_ = socket.recv_fds(connection, 2**20, 3)
    # Nothing comes from a client that was killed.
    request = json.loads(message) if message else os._exit(0)
    if _fixed(request["environment"]) != environment:
        connection.send(_AS_EVER)
        os._exit(0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    process = os.fork()
    if not process:
        connection.close()
        return _become(streams, **request)
    for stream in streams:
        os.close(stream)
    # The client sends no more: what can be read is its end.
    ended = os.pidfd_open(process)
    if ended not in select.select([ended, connection], [], [])[0]:
        os.kill(process, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    with contextlib.suppress(BrokenPipeError):
        connection.send(str(status).encode())
    os._exit(0)


def _become(streams: list[int], script: str, folder: str, environment: dict[str, str]) -> str:
    """Take over the client's streams, folder and environment, as a process of its own has them."""
    import random
    import tempfile

    import numpy as np

    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.update(environment)
    sys.argv = [script]
    folders = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:0] = [script.rpartition("/")[0], *folders]
    # What a process has that nobody has told: its folder for temporary files, and other random numbers.
    tempfile.tempdir = None
    random.seed()
    np.random.seed()
    return script


def _ask(address: str, script: str) -> int:
    """Run a script in a process of the server, with this one's streams, folder and environment.

    Returns:
        The exit status, as shells count: 128 and a signal's number where that ended it.
    """
    folder = os.getcwd()  # noqa: PTH109, pathlib's import would take longer than all else
    request = {"script": script, "folder": folder, "environment": dict(os.environ)}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(f"\0{address}")
        socket.send_fds(connection, [json.dumps(request).encode()], [0, 1, 2])
        answer = connection.recv(16)
    if answer == _AS_EVER:
        os.execv(sys.executable, [sys.executable, script])
    if not answer:
        sys.exit(
            "The process is gone that waits for the script's end, see tests/support/prepared_jobs.py."
        )
    status = int(answer)
    return 128 - status if status < 0 else status


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        with socket.socket(fileno=int(sys.argv[2])) as listener:
            script = _serve(listener)
        if script is not None:
            import runpy

            # This process ends with the script, however that ends.
            runpy.run_path(script, run_name="__main__")
    else:
        sys.exit(_ask(*sys.argv[1:]))
