"""What a page of pictures finds against what the command finds: network, refinement, time, bytes.

python benchmarks/pictures_page.py MODEL_FOLDER PICTURE …

Needs Chromium and chromedriver. Pictures show the model's stage, at best held-out renders of it. The
command predicts them twice, with and without refinement; a page that carries the model takes the same
files, answers and refines. RMS are in levels of 255, before rounding, over the compared pixels, each by
its own renderer.
"""

import argparse
import base64
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT)]

from selenium.webdriver.support.wait import WebDriverWait

from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.prediction.predict import predict_pictures
from inverse_shading.prediction.session import Options
from inverse_shading.prediction.view import write_view
from inverse_shading.report.findings import Findings, add_keep
from tests.support.browser import browser
from tests.support.live_page import call

# The page shows what it finds; nothing but that is measured.
IN_PAGE = """
const bytes = Uint8Array.from(atob(a[0]), (sign) => sign.charCodeAt(0));
const start = performance.now();
await page.takeFiles([new File([bytes], "picture")]);
const answered = performance.now();
const { entry } = page.shown;
const answer = entry.answer;
await page.refine();
const seconds = [answered - start, performance.now() - answered].map((ms) => ms / 1000);
return { answer, rms: entry.rms, renders: entry.renders, seconds };
"""


def main(model: str, pictures: list[str], keep: Path | None) -> None:
    """Predict, write the pages, let one answer and refine, and print how they compare."""
    findings = Findings()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = {}
        for refine in (False, True):
            options = Options(refine=refine)
            records = predict_pictures(pictures, model, folder / str(refine), options).records
            made[refine] = [json.loads(record.read_text()) for record in records]
        page = folder / "page.html"
        write_view(records[:1], page, model=model)
        sizes = [f"{page.stat().st_size / 1e6:.2f} MB"]
        write_view([], page, model=model, carries_network=True)
        sizes.append(f"{page.stat().st_size / 1e6:.2f} MB")
        found = []
        for picture, record, one in zip(
            pictures, made[True], in_browser(page, pictures), strict=True
        ):
            found.append(one)
            left = f"{one['rms']:.3f}, the command's {record['refinement']['rms']:.3f}"
            print(f"{Path(picture).name}: RMS {left}", flush=True)
    answers = [[one["parameters"][n]["expected"] for n in PARAMETERS] for one in made[False]]
    apart = np.abs(np.array([one["answer"] for one in found]) - answers)
    rms = np.array([one["rms"] for one in found])
    further = rms - [one["refinement"]["rms"] for one in made[True]]
    seconds = np.median([one["seconds"] for one in found], axis=0)
    renders = [
        np.mean([one["renders"] for one in ones])
        for ones in (found, [one["refinement"] for one in made[True]])
    ]
    above = f"{further.mean():.3f}, {further.max():.3f}"
    rows = [
        ["the network's ten numbers, largest difference from the command's", f"{apart.max():.5f}"],
        ["refined: RMS, mean", f"{rms.mean():.3f}"],
        ["refined: RMS above the command's, mean, largest", above],
        ["renders of a refinement, mean: page, command", ", ".join(f"{n:.1f}" for n in renders)],
        [
            "seconds of framing and answer, of refinement, medians",
            "{:.1f}, {:.1f}".format(*seconds),
        ],
        ["page of one picture", sizes[0]],
        ["page that carries the model", sizes[1]],
    ]
    findings.table("page", ["", f"{len(pictures)} pictures"], rows)
    findings.write(keep)


def in_browser(page: Path, pictures: list[str]) -> Iterator[dict]:
    """What the page finds of each picture, as `IN_PAGE` returns it."""
    with tempfile.TemporaryDirectory() as profile, browser(Path(profile)) as driver:
        driver.set_script_timeout(600)
        # Of Selenium's own connection, shorter than a refinement on a busy machine.
        driver.command_executor.client_config.timeout = 600
        driver.get(page.as_uri())
        WebDriverWait(driver, 60).until(lambda d: d.execute_script("return 'page' in window"))
        time.sleep(1)
        for picture in pictures:
            data = base64.b64encode(Path(picture).read_bytes()).decode()
            yield call(driver, IN_PAGE, data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", help="folder of a model on pixels")
    parser.add_argument("pictures", nargs="+", metavar="PICTURE")
    add_keep(parser)
    given = parser.parse_args()
    main(given.model, given.pictures, given.keep)
