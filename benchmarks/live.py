"""The browser's frames against this project's own, and what a stage costs a page.

python benchmarks/live.py [--mesh FILE …] [--materials 20] [--frame-size 448]

Needs Chromium and chromedriver. Each stage, the built-in one first, is written to a page as the report
has it; the same random materials are rendered there and here. Differences are in levels of 255, inside
the silhouette less three pixels at its edge.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT)]

from scipy.ndimage import binary_erosion

from inverse_shading.render.frames import Renderer
from inverse_shading.report.findings import Findings, add_keep
from inverse_shading.report.live_stage import live_stage
from inverse_shading.scene.make_stage import BUILTIN, write_stage
from inverse_shading.scene.stage_file import read_stage
from tests.support.browser import browser
from tests.support.live_page import live_frame, open_live_page, write_live_page

STAGE = {
    "environment": "builtin",
    "camera": {"azimuth": 0.0, "elevation": 20.0, "field_of_view": 25.0, "fill": 0.95},
    "background": [0.42, 0.43, 0.45],
}
FRAMING = {"image_size": 224, "margin": 0.04, "filter": "lanczos"}
EDGE = 3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mesh", nargs="*", default=[], help="further objects")
    parser.add_argument("--environment", default="builtin", help="their light and the first one's")
    parser.add_argument("--materials", type=int, default=20)
    parser.add_argument("--frame-size", type=int, default=448)
    add_keep(parser)
    arguments = parser.parse_args()
    findings = Findings()
    materials = np.random.default_rng(0).random((arguments.materials, 10))
    with tempfile.TemporaryDirectory() as folder:
        stages, data = {}, {}
        for mesh in [BUILTIN, *arguments.mesh]:
            name = Path(mesh).stem
            stages[name] = Path(folder) / f"{name}.safetensors"
            config = STAGE | {"mesh": mesh, "environment": arguments.environment}
            write_stage(stages[name], config, arguments.frame_size, 16, "cpu")
            data[name] = live_stage(read_stage(stages[name]), FRAMING, "cpu")
        page = Path(folder) / "page.html"
        write_live_page(page, data)
        rows = []
        with browser(Path(folder) / "profile") as driver:
            driver.set_script_timeout(600)
            open_live_page(driver, page)
            for name, path in stages.items():
                size = len(json.dumps(data[name])) / 1000
                rows.append([name, f"{size:.0f}", *compare(driver, name, path, materials)])
    headers = "stage, kB in the page, largest difference, differ by more than 1, s a frame"
    findings.table("frames", headers.split(", "), rows)
    findings.write(arguments.keep)


def compare(driver, name: str, path: Path, materials: np.ndarray) -> list[str]:
    """Cells of the table: largest difference, share of pixels that differ by more, seconds."""
    largest, more, seconds = 0, [], []
    with Renderer(path, "cpu") as renderer:
        inside = binary_erosion(renderer.mask, iterations=EDGE)
        for values in materials:
            expected = renderer.render(values)[inside].astype(int)
            start = time.perf_counter()
            found = live_frame(driver, name, values)[inside]
            seconds.append(time.perf_counter() - start)
            difference = np.abs(found - expected).max(axis=-1)
            largest = max(largest, int(difference.max()))
            more.append((difference > 1).mean())
    return [str(largest), f"{100 * np.mean(more):.2f} %", f"{np.median(seconds):.2f}"]


if __name__ == "__main__":
    main()
