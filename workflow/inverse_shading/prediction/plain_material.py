"""A .mtlx file as ten values, where it says nothing that ten values can't."""

from pathlib import Path

import MaterialX as mx
import numpy as np

from inverse_shading.material.document import INPUTS, material_values
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.given_files import regular_file

# Nodes that are no part of a material's look.
MATERIALS = ("surfacematerial",)

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
    document.setDataLibrary(library)
    problems = _problems(document)
    if problems:
        raise InputError(f"{path}: found {'; '.join(problems)}. {REMEDY}")
    try:
        return material_values(document)
    except InputError as error:
        raise InputError(f"{path}: {error} {REMEDY}") from error


def _problems(document: mx.Document) -> list[str]:
    """What in a document ten values can't say."""
    nodes = document.getNodes()
    shaders = [node for node in nodes if node.getCategory() == "standard_surface"]
    others = [node for node in nodes if node.getCategory() not in ("standard_surface", *MATERIALS)]
    others += [node for graph in document.getNodeGraphs() for node in graph.getNodes()]
    problems = [f"a {node.getCategory()} ({node.getName()})" for node in others]
    if len(shaders) > 1:
        problems.append(f"{len(shaders)} standard_surface nodes")
    for shader in shaders[:1]:
        definition = shader.getNodeDef()
        for given in shader.getInputs():
            name = given.getName()
            default = definition.getActiveInput(name) if definition else None
            plain = name in INPUTS or (
                given.getValueString()
                and default is not None
                and given.getValue() == default.getValue()
            )
            if not plain:
                value = given.getValueString() or "what another node gives"
                problems.append(f"the input {name} of {value}")
    return problems
