"""Khronos' own judge of glTF files, from npm, for tests."""

import json
import subprocess

from tests.support.optional import need_programs, npm_package

SCRIPT = """
const validator = require(process.argv[1]);
const bytes = new Uint8Array(require('fs').readFileSync(process.argv[2]));
validator.validateBytes(bytes).then(report => console.log(JSON.stringify(report.issues)));
"""


def issues(path):
    """What the validator says of a file; the test is left out where it can't be had."""
    need_programs("node")
    command = ["node", "-e", SCRIPT, str(npm_package("gltf-validator")), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
