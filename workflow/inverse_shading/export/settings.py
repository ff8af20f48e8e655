"""Keys of the configuration that exports depend on."""

from typing import Literal

from inverse_shading.export.file_names import ENDINGS
from inverse_shading.runtime.sections import Section, key

TargetName = Literal[tuple(ENDINGS)]


class Exports(Section):
    """How a material's constants in another shading model are found, and when they are called near."""

    restarts: int = key("Starting points to try after the first.", 3, ge=0, le=50)
    tolerance: float = key(
        "Root mean square in levels of 255 up to which no further start is tried.",
        0.25,
        ge=0,
        le=50,
    )
    pixels: int = key("Pixels of the object that constants are found on.", 3000, ge=600, le=1000000)
    visible: float = key(
        "Root mean square in levels of 255 by which a picture may change within an interval.",
        0.5,
        gt=0,
        le=50,
    )
    draws: int = key("Draws of a posterior that its intervals are made of.", 100, ge=10, le=1000)
    held: float = key(
        "Root mean square in levels of 255 up to which a target holds a material.",
        2.0,
        gt=0,
        le=255,
    )
