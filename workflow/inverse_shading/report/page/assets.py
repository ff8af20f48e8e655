"""What pages are made of: the templates, styles and scripts that lie beside this module."""

from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = "templates"


def page_environment() -> Environment:
    """Where the templates are found. What they are given is escaped unless it is `Markup`."""
    return Environment(
        loader=PackageLoader(__package__, TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page_asset(name: str) -> Markup:
    """A style or script as it is, not to be escaped."""
    return Markup((files(__package__) / TEMPLATES / name).read_text(encoding="utf-8"))
