"""A headless Chromium that opens a page of a file, for tests and pictures of the report."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

# Seconds from one look at a page to the next, where something is waited for.
POLL = 0.05
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    # WebGL without a graphics card.
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def program(name: str) -> str:
    """Where a program lies.

    Raises:
        RuntimeError: nowhere; `make test` would have installed it.
    """
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} is missing. As root: sh envs/system-libraries.sh test")
    return found


@contextmanager
def browser(profile: Path) -> Iterator[webdriver.Chrome]:
    """A browser with a profile folder of its own, its console on record."""
    options = webdriver.ChromeOptions()
    options.binary_location = program("chromium")
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service(program("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


def set_size(driver: webdriver.Chrome, width: int, height: int, dark: bool = False) -> None:
    """The page's size in CSS pixels, also below what a window may be, and its colour scheme."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = {
        "prefers-color-scheme": "dark" if dark else "light",
        # A click would miss what is still gliding by.
        "prefers-reduced-motion": "reduce",
    }
    media = {"features": [{"name": name, "value": value} for name, value in features.items()]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
