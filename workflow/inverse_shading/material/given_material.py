"""A user's .mtlx file to the ten inputs, refused where it says more than they hold."""

from pathlib import Path

import MaterialX as mx
import numpy as np

from inverse_shading.material.document import INPUTS, material_values
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.given_files import regular_file

MODEL = "standard_surface"

# Nodes of a document of the ten inputs alone.
NODES = (MODEL, "surfacematerial")

# Of other nodes, in a message.
MOST_LISTED = 8

# What colours without a colour space are, and the only space that is not converted.
LINEAR = ("", "lin_rec709")


def read_given_material(path: str | Path, library: mx.Document) -> np.ndarray:
    """Read a material that the ten inputs describe wholly.

    Args:
        library: see `document.standard_library`.

    Returns:
        float64 (10,), in the order of `parameters.PARAMETERS`.

    Raises:
        InputError: not a MaterialX file; no or several surface shaders, or another than
            standard_surface; an input that another node or a texture feeds; an input beyond the
            ten with another value than its default; colours in another space; nodes beside the
            shader and its material, such as a displacement; or a value that is not in [0, 1]. It
            names the file.
    """
    regular_file(path, "a MaterialX document")
    document = mx.createDocument()
    try:
        mx.readFromXmlString(document, Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, mx.ExceptionParseError) as error:
        raise InputError(
            f"{path}: can't be read as a MaterialX document ({error}). Export it again."
        ) from error
    # Before the library is part of the document, whose nodes it has then too.
    others = _other_nodes(document)
    document.setDataLibrary(library)
    try:
        _check_inputs(_only_shader(document))
        if others:
            raise InputError(
                f"found the further nodes {', '.join(others[:MOST_LISTED])}"
                f"{f' and {len(others) - MOST_LISTED} more' if len(others) > MOST_LISTED else ''}, "
                f"expected one {MODEL} and its material alone. Remove them."
            )
        valid, message = document.validate()
        if not valid:
            raise InputError(f"MaterialX finds it invalid ({message.strip()}). Correct it.")
        return material_values(document)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _other_nodes(document: mx.Document) -> list[str]:
    nodes = [node for node in document.getNodes() if node.getCategory() not in NODES]
    nodes += [node for graph in document.getNodeGraphs() for node in graph.getNodes()]
    return [f"{node.getName()} ({node.getCategory()})" for node in nodes]


def _only_shader(document: mx.Document) -> mx.Node:
    shaders = [node for node in document.getNodes() if node.getType() == "surfaceshader"]
    found = ", ".join(f"{node.getName()} ({node.getCategory()})" for node in shaders)
    if [node.getCategory() for node in shaders] != [MODEL]:
        raise InputError(
            f"found {f'the surface shaders {found}' if found else 'no surface shader'}, expected "
            f"one {MODEL} at the document's top. Export the material with that model."
        )
    return shaders[0]


def _check_inputs(shader: mx.Node) -> None:
    fed, further, spaces = [], [], []
    # Also where an input fits no definition, which is named below.
    definition = shader.getNodeDef(allowRoughMatch=True)
    if definition is None:
        raise InputError(
            f"found a {MODEL} that MaterialX {mx.getVersionString()} has no definition of, by its "
            "version or nodedef. Remove these two attributes."
        )
    for given in shader.getInputs():
        name, source = given.getName(), _source(given)
        default = definition.getActiveInput(name)
        if source:
            fed.append(f"{name} (from {source})")
        elif name not in INPUTS and (default is None or given.getValue() != default.getValue()):
            further.append(f"{name} = {given.getValueString()}")
        elif given.getType() == "color3" and given.getActiveColorSpace() not in LINEAR:
            spaces.append(f"{name} ({given.getActiveColorSpace()})")
    if fed:
        raise InputError(
            f"found inputs that other nodes or textures feed: {', '.join(fed)}; expected constants. "
            "Bake them to one value each."
        )
    if further:
        raise InputError(
            f"found inputs beyond the ten: {', '.join(further)}; expected {', '.join(INPUTS)} and all "
            "others at their defaults. Remove them."
        )
    if spaces:
        raise InputError(
            f"found colours in another space: {', '.join(spaces)}; expected lin_rec709. Convert them."
        )


def _source(given: mx.Input) -> str:
    """What feeds an input in place of a value; empty for a constant."""
    return given.getNodeName() or given.getNodeGraphString() or given.getInterfaceName()
