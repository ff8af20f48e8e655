"""Pictures of a whole page at the widths of a desk and of a phone.

python -m tests.support.screenshots REPORT.html FOLDER    writes report_1400.png, report_390.png, and the same
                                                          in dark with _dark in their names, into FOLDER
"""

import base64
import sys
import tempfile
import time
from pathlib import Path

from tests.support.browser import browser, set_size

# Name of a picture: width in pixels, and whether the page is dark.
PICTURES = {
    "1400": (1400, False),
    "1400_dark": (1400, True),
    "390": (390, False),
    "390_dark": (390, True),
}


def main(page: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile, browser(Path(profile)) as driver:
        for name, (width, dark) in PICTURES.items():
            set_size(driver, width, 900, dark)
            driver.get(page.resolve().as_uri())
            time.sleep(2)
            height = driver.execute_script("return document.documentElement.scrollHeight")
            set_size(driver, width, height, dark)
            time.sleep(1)
            picture = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
            (folder / f"report_{name}.png").write_bytes(base64.b64decode(picture["data"]))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
