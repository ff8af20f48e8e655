"""A page of the user's pictures: each beside its render, live, with a place for further ones."""

from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from inverse_shading.report.page.scripts import join_modules
from inverse_shading.runtime.files import write_text

TEMPLATES = "templates"
SCRIPT = "pictures_page.js"


def write_pictures_page(output: str | Path, **data: object) -> None:
    """Write the page: one HTML file that makes no request.

    The same data give the same bytes.

    Args:
        data: what its script reads by these names, see `pictures_page.js`: stage, pictures, network,
            labels, template, limits, search.
    """
    environment = Environment(
        loader=PackageLoader(__package__, TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("pictures_page.html").render(
        data=data,
        styles=_text("report.css") + _text("pictures_page.css"),
        script=Markup(join_modules(SCRIPT, _text)),
    )
    write_text(output, page)


def _text(name: str) -> Markup:
    """A file beside the template, as it is."""
    return Markup((files(__package__) / TEMPLATES / name).read_text(encoding="utf-8"))
