"""The configuration's section on framing, which a model's card repeats."""

from typing import Literal

from inverse_shading.runtime.sections import Section, key


class Framing(Section):
    """From the frame to the network's input."""

    image_size: int = key("Side of the network's input in pixels.", 224, ge=32, le=1024)
    margin: float = key(
        "Free border round the silhouette, as a share of its size.", 0.04, ge=0, le=1
    )
    filter: Literal["box", "bilinear", "hamming", "bicubic", "lanczos"] = key(
        "Resampling filter, antialiased.", "lanczos"
    )
