"""The page's scripts: joined to one, and what they compute."""

import re
import subprocess
from pathlib import Path

import pytest

from inverse_shading.report.page import pictures_page
from inverse_shading.report.page.assets import page_asset
from inverse_shading.report.page.html import SCRIPT
from inverse_shading.report.page.scripts import join_modules
from tests.support.optional import need_programs

MODULES = {
    "page.js": 'import { one } from "./one.js";\nimport {\n  two,\n} from "./two.js";\nstart(one, two);\n',
    "one.js": 'import { two } from "./two.js";\nexport const one = () => two;\n',
    "two.js": "export function two() {}\n",
}


def test_a_module_stands_after_those_that_it_imports_and_each_once():
    text = join_modules("page.js", MODULES.get)
    assert text == "function two() {}\n\nconst one = () => two;\n\nstart(one, two);\n"


def test_modules_that_import_each_other_are_joined():
    circle = {
        "a.js": 'import { b } from "./b.js";\na;\n',
        "b.js": 'import { a } from "./a.js";\nb;\n',
    }
    assert join_modules("a.js", circle.get) == "b;\n\na;\n"


@pytest.mark.parametrize(
    "text",
    [
        'import plotly from "plotly";\n',
        'import * as one from "./one.js";\n',
        "export default 1;\n",
        "export { one };\n",
        'const text = "</script>";\n',
    ],
)
def test_what_can_not_be_joined_is_refused(text):
    with pytest.raises(ValueError, match=r"odd\.js: found"):
        join_modules("odd.js", {"odd.js": text}.get)


@pytest.mark.parametrize("script", [SCRIPT, pictures_page.SCRIPT])
def test_the_page_s_modules_joined_are_one_that_parses(tmp_path, script):
    need_programs("node")
    text = join_modules(script, page_asset)
    # The same name twice would be no JavaScript.
    for source, is_right in ((text, True), (text + "\nconst find = 1;\n", False)):
        (tmp_path / "page.mjs").write_text(source)
        done = subprocess.run(["node", "--check", tmp_path / "page.mjs"], capture_output=True)
        assert (done.returncode == 0) == is_right, done.stderr.decode()


def test_the_logic_of_the_scripts_holds_in_node():
    need_programs("node")
    files = sorted(Path(__file__).with_name("scripts").glob("*.test.js"))
    done = subprocess.run(["node", "--test", *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"^(?:#|ℹ) pass (\d+)", done.stdout, re.MULTILINE)[1]) > 0
