"""Khronos' own judge of glTF files, from npm, for tests."""

import json
import os
import shutil
import subprocess

import pytest

PACKAGE = "gltf-validator@2.0.0-dev.3.10"

SCRIPT = """
const validator = require('gltf-validator');
const bytes = new Uint8Array(require('fs').readFileSync(process.argv[1]));
validator.validateBytes(bytes).then(report => console.log(JSON.stringify(report.issues)));
"""


def issues(path, folder):
    """What the validator says of a file; the test is skipped where it can't be had.

    Args:
        folder: to install into, unless NODE_PATH has the package.
    """
    if not (shutil.which("npm") and shutil.which("node")):
        pytest.skip("gltf-validator needs npm and node, which aren't there")
    places = [os.environ.get("NODE_PATH", ""), str(folder / "node_modules")]
    environment = os.environ | {"NODE_PATH": os.pathsep.join(filter(None, places))}

    def run(*command):
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)

    if run("node", "-e", "require('gltf-validator')").returncode:
        done = run("npm", "install", "--silent", "--no-save", "--prefix", str(folder), PACKAGE)
        if done.returncode:
            pytest.skip(f"npm can't install {PACKAGE}: {done.stderr[-300:]}")
    done = run("node", "-e", SCRIPT, str(path))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
