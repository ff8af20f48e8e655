"""JSON that is checked against a section: every key, its type and its range."""

from pathlib import Path

from inverse_shading.runtime.artefacts import read_json, unusable
from inverse_shading.runtime.wording import Form, parse_section


def read_section(path: str | Path, what: str, section: type[Form]) -> Form:
    """Read JSON that a section describes.

    Args:
        what: the file is, such as "a calibration".
        section: what it must hold.

    Raises:
        InputError: missing, damaged, or other than the section; it names every wrong key.
    """
    content = read_json(path, what)
    try:
        return parse_section(section, content)
    except ValueError as error:
        raise unusable(path, f"can't be read as {what} ({error})") from error
