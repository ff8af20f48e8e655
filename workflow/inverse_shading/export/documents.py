"""Texts of exported materials: OpenPBR as a MaterialX document, USD as a layer in ASCII."""

from collections.abc import Mapping
from typing import Any

import MaterialX as mx
import numpy as np

from inverse_shading.export.shaders import add_inputs
from inverse_shading.material.document import INPUTS, MATERIAL_NAME, SHADER_NAME

# Rec. 709 primaries, linear: what the renderer computes in.
COLOR_SPACE = "lin_rec709"

USD = """\
#usda 1.0
(
    defaultPrim = "Materials"
    metersPerUnit = 1
    upAxis = "Y"
)

def Scope "Materials"
{{
    def Material "Exported"
    {{
        token outputs:mtlx:surface.connect = </Materials/Exported/StandardSurface.outputs:out>
        token outputs:surface.connect = </Materials/Exported/PreviewSurface.outputs:surface>

        def Shader "StandardSurface"
        {{
            uniform token info:id = "ND_standard_surface_surfaceshader"
{standard}
            token outputs:out
        }}

        def Shader "PreviewSurface"
        {{
            uniform token info:id = "UsdPreviewSurface"
{preview}
            token outputs:surface
        }}
    }}
}}
"""


def materialx_text(node: str, values: Mapping[str, Any], library: mx.Document) -> str:
    """A MaterialX document with one surface shader of constant inputs and a material of it.

    Args:
        node: of the shader.
        values: of its inputs, see `shaders.add_inputs`.
        library: see `document.standard_library`.
    """
    document = mx.createDocument()
    document.setDataLibrary(library)
    document.setColorSpace(COLOR_SPACE)
    shader = document.addNode(node, SHADER_NAME, "surfaceshader")
    add_inputs(shader, values)
    document.addMaterialNode(MATERIAL_NAME, shader)
    valid, message = document.validate()
    if not valid:
        raise RuntimeError(f"MaterialX rejects the {node} made of {dict(values)}: {message}")
    return mx.writeToXmlString(document)


def usd_text(material: np.ndarray, preview: Mapping[str, Any]) -> str:
    """A USD layer: a UsdShade material with the MaterialX network and a UsdPreviewSurface.

    Renderers that know MaterialX show the material itself, the others the preview.

    Args:
        material: (10,) in the order of `parameters.PARAMETERS`.
        preview: inputs of UsdPreviewSurface.
    """
    standard = {
        name: [float(v) for v in material[list(places)]] if len(places) > 1 else material[places[0]]
        for name, places in INPUTS.items()
    }
    return USD.format(standard=_attributes(standard), preview=_attributes(preview))


def _attributes(values: Mapping[str, Any]) -> str:
    lines = []
    for name, value in values.items():
        if isinstance(value, list):
            lines.append(f"color3f inputs:{name} = ({', '.join(map(_number, value))})")
        else:
            kind = "int" if isinstance(value, int) else "float"
            lines.append(f"{kind} inputs:{name} = {_number(value)}")
    return "\n".join(f"            {line}" for line in lines)


def _number(value: float) -> str:
    return f"{value:.9g}"
