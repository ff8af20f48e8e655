"""Node, which runs modules of the page on data of a test."""

import json
import subprocess
from importlib.resources import files

from inverse_shading.report import page
from inverse_shading.report.page.assets import TEMPLATES
from tests.support.optional import need_programs


def run_in_node(modules, body, data):
    """What a function body returns that is given the names of modules and `data`; both as JSON.

    Args:
        modules: file names of modules of the page.
        body: of an asynchronous function of `page` (all that the modules export) and `data`.
    """
    need_programs("node")
    paths = [(files(page) / TEMPLATES / module).resolve().as_uri() for module in modules]
    script = (
        f"const modules = await Promise.all({json.dumps(paths)}.map((path) => import(path)));"
        "const page = Object.assign({}, ...modules);"
        'import { readFileSync } from "node:fs";'
        "const data = JSON.parse(readFileSync(0));"
        f"const found = await (async () => {{ {body} }})();"
        "process.stdout.write(JSON.stringify(found));"
    )
    command = ["node", "--input-type=module", "--eval", script]
    done = subprocess.run(command, input=json.dumps(data), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
