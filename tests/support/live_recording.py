"""The live picture of a report at work, as an animated picture: a slider is moved, then what can't be known walked.

python -m tests.support.live_recording REPORT.html PICTURE.webp
"""

import io
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from inverse_shading.material.parameters import ROUGHNESS
from tests.support.browser import browser, set_size

# Frames of each part, and how long one is shown in milliseconds.
MOVED, WALKED = 14, 14
DURATION = 150
SIZE = (1200, 800)
WIDTH = 720


def main(page: Path, output: Path) -> None:
    frames = []
    with tempfile.TemporaryDirectory() as profile, browser(Path(profile)) as driver:
        set_size(driver, *SIZE)
        driver.get(page.resolve().as_uri())
        driver.execute_script(
            # The smooth material, whose roughness shows most, with the look-alikes that differ most.
            "const images = JSON.parse(document.querySelector('#data-images').text);"
            "const { refined } = JSON.parse(document.querySelector('#data-names').text);"
            "const reach = ({ alternatives, materials }) => Math.max(0, ...alternatives.map((one) =>"
            " one.reduce((sum, v, i) => sum + (v - materials[refined][i]) ** 2, 0)))"
            f" * (materials[refined][{ROUGHNESS}] < 0.2);"
            "const [id] = Object.entries(images).sort((a, b) => reach(b[1]) - reach(a[1]))[0];"
            "const card = document.querySelector(`.card[data-image='${id}']`);"
            "[...card.querySelectorAll('.tile')].find((t) => t.dataset.name === refined)"
            ".querySelector('button').click();"
        )
        wait(driver)
        roughness = driver.find_element(By.CSS_SELECTOR, "[type=range][aria-label=Roughness]")
        start = float(roughness.get_attribute("value"))
        # There and back, slowly at the ends.
        swing = np.sin(np.linspace(0, np.pi, MOVED)) ** 2
        far = 0.1 if start > 0.5 else 0.9
        for value in start + (far - start) * swing:
            driver.execute_script(
                "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))",
                roughness,
                float(value),
            )
            wait(driver)
            frames.append(picture(driver))
        driver.find_element(By.CSS_SELECTOR, ".live [aria-pressed]").click()
        base = driver.find_element(By.CSS_SELECTOR, "[type=range][aria-label=Base]")
        for _ in range(WALKED):
            before = base.get_attribute("value")
            WebDriverWait(driver, 30, 0.02).until(
                lambda _, before=before: base.get_attribute("value") != before
            )
            frames.append(picture(driver))
    # A note of two lines moves the rest down.
    height = min(frame.height for frame in frames)
    frames = [frame.crop((0, 0, WIDTH, height)) for frame in frames]
    frames[0].save(
        output,
        save_all=True,
        append_images=frames[1:],
        duration=DURATION,
        loop=0,
        quality=60,
        method=6,
    )


def wait(driver: Chrome) -> None:
    """Until the live picture is whole."""
    busy = "return document.querySelector('.live canvas').ariaBusy"
    WebDriverWait(driver, 60, 0.02).until(lambda d: d.execute_script(busy) == "false")


def picture(driver: Chrome) -> Image.Image:
    view = driver.find_element(By.CSS_SELECTOR, ".live").screenshot_as_png
    image = Image.open(io.BytesIO(view)).convert("RGB")
    return image.resize(
        (WIDTH, round(image.height * WIDTH / image.width)), Image.Resampling.LANCZOS
    )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
