"""A page with the report's WebGL renderer and nothing else, to call from a test through Selenium."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from selenium.webdriver import Chrome
from selenium.webdriver.support.wait import WebDriverWait

from inverse_shading.report.page.assets import page_asset
from inverse_shading.report.page.scripts import join_modules
from tests.support.browser import POLL

PAGE = """<!doctype html><meta charset="utf-8">
<script type="application/json" id="stages">STAGES</script>
<script type="module">
MODULE
const stages = JSON.parse(document.querySelector("#stages").text);
const renderers = {};
for (const [name, data] of Object.entries(stages)) {
  renderers[name] = new LiveRenderer(await readStage(data));
}
const coded = (array) => {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  let text = "";
  for (let start = 0; start < bytes.length; start += 32768) {
    text += String.fromCharCode(...bytes.subarray(start, start + 32768));
  }
  return btoa(text);
};
Object.assign(window, { NAMES, stages, renderers, coded });
</script>"""

# What tests call, by module.
USED = {
    "framing.js": ["frameLevels"],
    "live_renderer.js": ["LiveRenderer", "readStage"],
    "material_text.js": ["materialText"],
    "walk.js": ["walkAt"],
}


def write_live_page(path: Path, stages: Mapping[str, dict]) -> None:
    """A page whose `renderers` are of these stages, each made by `live_stage`."""
    names = {module: ", ".join(used) for module, used in USED.items()}
    lines = [f'import {{ {used} }} from "./{module}";\n' for module, used in names.items()]
    texts = {"entry.js": "".join(lines)}
    module = join_modules("entry.js", lambda name: texts.get(name) or page_asset(name))
    data = json.dumps(stages).replace("<", "\\u003c")
    path.write_text(
        PAGE.replace("NAMES", ", ".join(names.values()))
        .replace("MODULE", module)
        .replace("STAGES", data)
    )


def call(driver: Chrome, body: str, *arguments):
    """What an async function of `a`, the arguments, returns in the page.

    Raises:
        RuntimeError: what it threw.
    """
    script = (
        "const [a, done] = [[...arguments].slice(0, -1), arguments[arguments.length - 1]];"
        f"(async () => {{ {body} }})().then((value) => done({{ value }}),"
        " (error) => done({ error: String(error) }));"
    )
    answer = driver.execute_async_script(script, *arguments)
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer.get("value")


def open_live_page(driver: Chrome, path: Path) -> None:
    """Open the page and wait until its renderers are there."""
    driver.get(path.as_uri())
    WebDriverWait(driver, 60, POLL).until(
        lambda d: d.execute_script("return 'renderers' in window")
    )


def live_frame(driver: Chrome, name: str, values: np.ndarray) -> np.ndarray:
    """A frame of the browser's: uint8 (size, size, 3)."""
    text = call(driver, "return coded(renderers[a[0]].frame(a[1]))", name, list(map(float, values)))
    frame = np.frombuffer(base64.b64decode(text), np.uint8)
    side = round((frame.size / 4) ** 0.5)
    return frame.reshape(side, side, 4)[..., :3]
