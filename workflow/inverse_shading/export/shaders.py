"""Stages whose pixels are shaded by another shading model, or by MaterialX's translation to it.

They are stages as `scene.stage_file` has them, of the same surface and light, so the same program
renders them. What their uniforms take is the numbers of `Target.columns`, or the ten inputs.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import MaterialX as mx
import MaterialX.PyMaterialXGenGlsl as mx_glsl
import MaterialX.PyMaterialXGenShader as mx_shader

from inverse_shading.export.targets import Mode, Target
from inverse_shading.material.document import INPUTS, MATERIAL_NAME, SHADER_NAME
from inverse_shading.scene.shader import generate_shader, pack_pixel_stage
from inverse_shading.scene.stage_file import Stage

TRANSLATION_NAME = "translation"


def add_inputs(node: mx.Node, values: Mapping[str, Any]) -> None:
    """Set inputs of a node to constants: floats, whole numbers, and three numbers for a colour."""
    for name, value in values.items():
        node.setInputValue(name, mx.Color3(*value) if isinstance(value, list) else value)


def target_stage(stage: Stage, target: Target, mode: Mode, library: mx.Document) -> Stage:
    """The stage as a target's shader shows it; its uniforms take `Target.columns`.

    Args:
        mode: one of `Target.modes`.
        library: see `document.standard_library`.
    """
    document = _document(library)
    shader = document.addNode(target.node, SHADER_NAME, "surfaceshader")
    add_inputs(shader, mode.values)
    places, first = {}, 0
    for given in target.inputs:
        places[f"{SHADER_NAME}_{given.name}"] = tuple(range(first, first + given.channels))
        first += given.channels
    return _stage(stage, document, shader, places)


def translated_stage(stage: Stage, target: Target, library: mx.Document) -> Stage:
    """The stage as MaterialX's own translation shows it; its uniforms take the ten inputs.

    Args:
        library: see `document.standard_library`.
    """
    document = _document(library)
    translation = document.addNode(target.translation, TRANSLATION_NAME, "multioutput")
    for name, places in INPUTS.items():
        translation.setInputValue(name, 0.5 if len(places) == 1 else mx.Color3(0.5, 0.5, 0.5))
    shader = document.addNode(target.node, SHADER_NAME, "surfaceshader")
    defined = shader.getNodeDef()
    for output in translation.getNodeDef().getActiveOutputs():
        name = output.getName().removesuffix("_out")
        # What is not varied keeps its default, and normals are the surface's own.
        if defined.getActiveInput(name) is not None and output.getType() in ("float", "color3"):
            connected = shader.addInput(name, output.getType())
            connected.setConnectedNode(translation)
            connected.setOutputString(output.getName())
    return _stage(
        stage,
        document,
        shader,
        {f"{TRANSLATION_NAME}_{name}": places for name, places in INPUTS.items()},
    )


def _document(library: mx.Document) -> mx.Document:
    document = mx.createDocument()
    document.setDataLibrary(library)
    return document


def _stage(
    stage: Stage, document: mx.Document, shader: mx.Node, uniforms: Mapping[str, tuple[int, ...]]
) -> Stage:
    material = document.addMaterialNode(MATERIAL_NAME, shader)
    generated = generate_shader(mx_glsl.GlslShaderGenerator, document.getDataLibrary(), material)
    text = generated.getSourceCode(mx_shader.PIXEL_STAGE)
    missing = [
        name for name in uniforms if not re.search(rf"^uniform \w+ {name}\b", text, re.MULTILINE)
    ]
    if missing:
        raise RuntimeError(
            f"MaterialX {mx.getVersionString()} generated no uniform {', '.join(missing)} of "
            f"{shader.getCategory()}. Install the version that pyproject.toml pins."
        )
    return replace(
        stage,
        pixel_stage=_packed(text, uniforms, stage.environment_samples),
        uniforms=dict(uniforms),
        materialx_version=mx.getVersionString(),
    )


def _packed(text: str, uniforms: Iterable[str], environment_samples: int) -> str:
    # UsdPreviewSurface asks for a bitangent, for its normal map that is flat here.
    text = re.sub(r"^ *vec3 bitangentWorld;\n", "", text, flags=re.MULTILINE)
    text = text.replace("vd.bitangentWorld", "cross(vd.normalWorld, vd.tangentWorld)")
    # What the translation is given and the ten inputs don't say stays as it is, so its nodes fall away.
    kept = "|".join(uniforms)
    further = rf"^uniform(?= \w+ (?!(?:{kept})\b){TRANSLATION_NAME}_\w+ = )"
    text = re.sub(further, "const", text, flags=re.MULTILINE)
    return pack_pixel_stage(text, uniforms, environment_samples)
