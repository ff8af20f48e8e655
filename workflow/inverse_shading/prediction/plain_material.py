"""A .mtlx file as ten values, where it says nothing that ten values can't."""

from pathlib import Path

import MaterialX as mx
import numpy as np

from inverse_shading.material.document import INPUTS, material_values
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.given_files import regular_file

# Nodes that are no part of a material's look.
MATERIALS = ("surfacematerial",)

# Of what a document has beyond the ten inputs, in a message.
MOST_LISTED = 8

REMEDY = (
    f"Give a material of one standard_surface with constant {', '.join(INPUTS)} in [0, 1], all other "
    "inputs left at their defaults."
)


def read_plain_material(path: str | Path, library: mx.Document) -> np.ndarray:
    """Read a material of the ten inputs alone.

    Args:
        library: of MaterialX, see `document.standard_library`.

    Returns:
        float64 (10,), in the order of `parameters.PARAMETERS`.

    Raises:
        InputError: no MaterialX document, another surface model, textures or other nodes, inputs
            beyond the ten that aren't at their default, or values outside [0, 1]; it names the file.
    """
    document = mx.createDocument()
    regular_file(path, "a MaterialX document")
    try:
        # Not MaterialX's own reader of files, which takes a backslash for a slash.
        mx.readFromXmlString(document, Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, mx.ExceptionParseError) as error:
        raise InputError(
            f"{path}: can't be read as a MaterialX document ({error}). {REMEDY}"
        ) from error
    # Before the library is part of it, whose nodes the document has then too.
    others = _other_nodes(document)
    document.setDataLibrary(library)
    problems = others + _other_inputs(document)
    if problems:
        listed = "; ".join(problems[:MOST_LISTED])
        more = f" and {len(problems) - MOST_LISTED} more" if len(problems) > MOST_LISTED else ""
        raise InputError(f"{path}: found {listed}{more}. {REMEDY}")
    try:
        return material_values(document)
    except InputError as error:
        raise InputError(f"{path}: {error} {REMEDY}") from error


def _other_nodes(document: mx.Document) -> list[str]:
    """Nodes that ten values can't say: of textures, graphs, other surface models."""
    nodes = document.getNodes()
    count = sum(node.getCategory() == "standard_surface" for node in nodes)
    others = [node for node in nodes if node.getCategory() not in ("standard_surface", *MATERIALS)]
    others += [node for graph in document.getNodeGraphs() for node in graph.getNodes()]
    found = [f"the node {node.getCategory()} {node.getName()!r}" for node in others]
    return found + ([f"{count} standard_surface nodes"] if count > 1 else [])


def _other_inputs(document: mx.Document) -> list[str]:
    """Inputs of the standard_surface beyond the ten that aren't at their default."""
    found = []
    for shader in [
        node for node in document.getNodes() if node.getCategory() == "standard_surface"
    ]:
        definition = shader.getNodeDef()
        for given in shader.getInputs():
            name = given.getName()
            default = definition.getActiveInput(name) if definition else None
            value = given.getValueString()
            same = bool(value) and default is not None and given.getValue() == default.getValue()
            if name not in INPUTS and not same:
                found.append(f"the input {name} of {value or 'what another node gives'}")
    return found
