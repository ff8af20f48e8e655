"""The .mtlx file of a predicted material, with where it came from."""

from collections.abc import Mapping

import MaterialX as mx
import numpy as np

from inverse_shading.material.document import make_material
from inverse_shading.material.parameters import DECIMALS

# Rec. 709 primaries, linear: what the ten inputs are and what the renderer computes in.
COLOR_SPACE = "lin_rec709"

# Attributes of the document, not of a node: readers pass over those that they don't know. A colon, as
# in namespaces of XML and MaterialX, would be taken for one.
PREFIX = "inverse_shading_"


def material_text(
    values: np.ndarray,
    provenance: Mapping[str, str],
    library: mx.Document | None = None,
) -> str:
    """A material as the text of a MaterialX document: one standard_surface and a material of it.

    Args:
        values: ten numbers in [0, 1] of at most `parameters.DECIMALS` decimals, which the text holds
            exactly.
        provenance: attributes of the document by name, which `PREFIX` is put before.
        library: see `document.make_material`.
    """
    document = make_material(values, library)
    document.setColorSpace(COLOR_SPACE)
    for name, text in provenance.items():
        document.setAttribute(f"{PREFIX}{name}", _plain(text))
    # Not MaterialX's own file writer, which takes a backslash for a slash and is silent if it fails.
    return mx.writeToXmlString(document)


def material_template(provenance: Mapping[str, str], library: mx.Document | None = None) -> str:
    """`material_text` with {0:.6f} to {9:.6f} in the places of the ten values, for pages to fill in."""
    # Six digits each, none of them a last 0, which stand nowhere else in the text.
    values = 0.123441 + np.arange(0, 20, 2) / 10**6
    text = material_text(values, provenance, library)
    for place, value in enumerate(values):
        text = text.replace(f"{value:.6f}", f"{{{place}:.{DECIMALS}f}}")
    return text


def _plain(text: str) -> str:
    """Text that is read back as it is; MaterialX writes a < as it stands, which is no XML."""
    return "".join(sign if sign.isprintable() and sign != "<" else "_" for sign in text)
