"""Ten values ↔ a MaterialX document with one `standard_surface`."""

from collections.abc import Sequence

import MaterialX as mx
import numpy as np

from inverse_shading.material.parameters import (
    BASE,
    BASE_COLOR,
    DECIMALS,
    METALNESS,
    PARAMETERS,
    ROUGHNESS,
    SPECULAR,
    SPECULAR_COLOR,
)
from inverse_shading.material.values import check_values
from inverse_shading.runtime.errors import InputError

# Not "material" or another type: MaterialX looks a name up in its own library as well.
SHADER_NAME = "surface_shader"
MATERIAL_NAME = "surface_material"

# Input of standard_surface → its places among PARAMETERS: one for a float, three for a color3.
INPUTS = {
    "base": (BASE,),
    "base_color": tuple(BASE_COLOR),
    "specular": (SPECULAR,),
    "specular_roughness": (ROUGHNESS,),
    "specular_color": tuple(SPECULAR_COLOR),
    "metalness": (METALNESS,),
}


def standard_library() -> mx.Document:
    """Load MaterialX's own node definitions and implementations."""
    library = mx.createDocument()
    mx.loadLibraries(mx.getDefaultDataLibraryFolders(), mx.getDefaultDataSearchPath(), library)
    return library


def make_material(
    values: Sequence[float] | np.ndarray, library: mx.Document | None = None
) -> mx.Document:
    """Make a valid document with a standard_surface of these inputs and a material of it.

    All inputs but the ten keep their defaults.

    Args:
        values: ten numbers in [0, 1], in the order of `PARAMETERS`; colours are linear.
        library: what `standard_library` returned, to load it once for many documents.

    Raises:
        InputError: other than ten values in [0, 1].
    """
    values = check_values(values)
    document = mx.createDocument()
    document.setDataLibrary(library or standard_library())
    shader = document.addNode("standard_surface", SHADER_NAME, "surfaceshader")
    for name, places in INPUTS.items():
        numbers = [float(values[place]) for place in places]
        shader.setInputValue(name, numbers[0] if len(numbers) == 1 else mx.Color3(*numbers))
    document.addMaterialNode(MATERIAL_NAME, shader)
    valid, message = document.validate()
    if not valid:
        raise RuntimeError(f"MaterialX rejects the material made of {values.tolist()}: {message}")
    return document


def material_values(document: mx.Document) -> np.ndarray:
    """Read the ten values back from a document's first standard_surface.

    An input that the document leaves out has the default of the node's definition.

    Returns:
        float64 of shape (10,), in the order of `PARAMETERS`.

    Raises:
        InputError: no standard_surface, an input fed by another node, or a value outside [0, 1].
    """
    shaders = [node for node in document.getNodes() if node.getCategory() == "standard_surface"]
    if not shaders:
        raise InputError(
            "The MaterialX document has no standard_surface node at its top; expected one with "
            "constant inputs."
        )
    definition = shaders[0].getNodeDef()
    values = np.empty(len(PARAMETERS))
    for name, places in INPUTS.items():
        given = shaders[0].getInput(name)
        if given is not None and not given.getValueString():
            raise InputError(
                f"The standard_surface {shaders[0].getName()!r} takes its input {name} from "
                "another node; expected a constant."
            )
        value = (given or definition.getActiveInput(name)).getValue()
        values[list(places)] = value.asTuple() if len(places) > 1 else value
    # MaterialX holds float32 and writes six digits; rounding gives back what the tables hold.
    return check_values(values.round(DECIMALS))
