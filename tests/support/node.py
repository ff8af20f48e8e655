"""Node, which runs modules of the page on data of a test."""

import json
import subprocess
from importlib.resources import files

from inverse_shading.report import page
from inverse_shading.report.page.html import TEMPLATES
from tests.support.optional import need_programs


def run_in_node(module, body, data):
    """What a function body returns that is given a module's names and `data`; both as JSON.

    Args:
        module: file name of one of the page's modules.
        body: of an asynchronous function of `page` (the module) and `data`.
    """
    need_programs("node")
    path = (files(page) / TEMPLATES / module).resolve().as_uri()
    script = (
        f"import * as page from {json.dumps(path)};"
        'import { readFileSync } from "node:fs";'
        "const data = JSON.parse(readFileSync(0));"
        f"const found = await (async () => {{ {body} }})();"
        "process.stdout.write(JSON.stringify(found));"
    )
    command = ["node", "--input-type=module", "--eval", script]
    done = subprocess.run(command, input=json.dumps(data), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
