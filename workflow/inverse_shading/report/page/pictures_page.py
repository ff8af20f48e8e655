"""A page of the user's pictures: each beside its render, live, with a place for further ones."""

from pathlib import Path

from markupsafe import Markup

from inverse_shading.report.page.assets import page_asset, page_environment
from inverse_shading.report.page.scripts import join_modules
from inverse_shading.runtime.files import write_text

SCRIPT = "pictures_page.js"


def write_pictures_page(output: str | Path, **data: object) -> None:
    """Write the page: one HTML file that makes no request.

    The same data give the same bytes.

    Args:
        data: what its script reads by these names, see `pictures_page.js`: stage, pictures, network,
            labels, template, limits, search.
    """
    environment = page_environment()
    page = environment.get_template("pictures_page.html").render(
        data=data,
        styles=page_asset("report.css") + page_asset("pictures_page.css"),
        script=Markup(join_modules(SCRIPT, page_asset)),
    )
    write_text(output, page)
