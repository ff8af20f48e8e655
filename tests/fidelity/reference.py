"""MaterialX's own GlslRenderer, run as a program of its own: python reference.py REQUEST ANSWER.

It opens an X display and sets OpenGL up for the whole process, so tests and the benchmark keep it
apart from their own. REQUEST is an .npz with

    mesh            path of a mesh file
    radiance, irradiance   float32 (height, width, 3), linear
    view, projection       float64 (4, 4), column vectors
    frame_size, environment_samples
    values          float64 (n, 10), in the order of inverse_shading.material.parameters.PARAMETERS
    files           paths of (m,) .mtlx files, which are opened as any viewer opens them

ANSWER is an .npz with `frames`, uint8 (n, size, size, 3), `seconds`, float64 (n,), of each material
from setting its inputs to having its pixels, and `file_frames`, uint8 (m, size, size, 3).
"""

import ctypes
import sys
import time
from pathlib import Path

import MaterialX as mx
import MaterialX.PyMaterialXGenGlsl as mx_gen_glsl
import MaterialX.PyMaterialXGenShader as mx_gen_shader
import MaterialX.PyMaterialXRender as mx_render
import MaterialX.PyMaterialXRenderGlsl as mx_render_glsl
import numpy as np

from inverse_shading.material.document import (
    INPUTS,
    MATERIAL_NAME,
    SHADER_NAME,
    make_material,
    standard_library,
)


def matrix(columns: np.ndarray) -> mx.Matrix44:
    """MaterialX multiplies row vectors from the left, so its matrices are the transposed ones."""
    return mx.Matrix44(*columns.T.ravel().tolist())


def image(pixels: np.ndarray) -> mx_render.Image:
    height, width, channels = pixels.shape
    result = mx_render.Image.create(width, height, channels, mx_render.BaseType.FLOAT)
    result.createResourceBuffer()
    content = np.ascontiguousarray(pixels, np.float32)
    ctypes.memmove(result.getResourceBuffer(), content.ctypes.data, content.nbytes)
    return result


def generate_shader(material: mx.Node, library: mx.Document) -> mx_gen_shader.Shader:
    """The shader as MaterialX's viewer would make it: a uniform for every input."""
    generator = mx_gen_glsl.GlslShaderGenerator.create()
    colors = mx_gen_shader.DefaultColorManagementSystem.create(generator.getTarget())
    colors.loadLibrary(library)
    generator.setColorManagementSystem(colors)
    context = mx_gen_shader.GenContext(generator)
    context.registerSourceCodeSearchPath(mx.getDefaultDataSearchPath())
    options = context.getOptions()
    options.hwSpecularEnvironmentMethod = (
        mx_gen_shader.HwSpecularEnvironmentMethod.SPECULAR_ENVIRONMENT_FIS
    )
    options.shaderInterfaceType = mx_gen_shader.ShaderInterfaceType.SHADER_INTERFACE_COMPLETE
    # As in MaterialX's viewer: colours of other spaces become linear ones.
    options.targetColorSpaceOverride = "lin_rec709"
    return generator.generate(SHADER_NAME, material, context)


def read_document(path: str, library: mx.Document) -> mx.Document:
    """A file as MaterialX's viewer loads it; nothing of this project's has a hand in it."""
    document = mx.createDocument()
    mx.readFromXmlFile(document, mx.FilePath(path))
    document.importLibrary(library)
    valid, message = document.validate()
    assert valid, f"{path}: {message}"
    return document


def sole_material(document: mx.Document) -> mx.Node:
    """The one thing in a document that a viewer would offer to render."""
    [material] = mx_gen_shader.findRenderableElements(document)
    assert material.getCategory() == "surfacematerial"
    return material


def set_up(request) -> mx_render_glsl.GlslRenderer:
    size = int(request["frame_size"])
    renderer = mx_render_glsl.GlslRenderer.create(size, size, mx_render.BaseType.UINT8)
    renderer.initialize()
    renderer.setImageHandler(mx_render_glsl.GLTextureHandler.create(None))

    geometry = renderer.getGeometryHandler()
    geometry.addLoader(mx_render.CgltfLoader.create())
    assert geometry.loadGeometry(mx.FilePath(str(request["mesh"])), False)

    camera = mx_render.Camera.create()
    camera.setViewportSize(mx.Vector2(size, size))
    camera.setWorldMatrix(mx.Matrix44.IDENTITY)
    camera.setViewMatrix(matrix(request["view"]))
    camera.setProjectionMatrix(matrix(request["projection"]))
    renderer.setCamera(camera)

    lights = mx_render.LightHandler.create()
    lights.setEnvRadianceMap(image(request["radiance"]))
    lights.setEnvIrradianceMap(image(request["irradiance"]))
    lights.setEnvSampleCount(int(request["environment_samples"]))
    renderer.setLightHandler(lights)
    return renderer


def frame(renderer: mx_render_glsl.GlslRenderer, size: int) -> np.ndarray:
    captured = renderer.captureImage(None)
    assert captured.getBaseType() == mx_render.BaseType.UINT8
    channels = captured.getChannelCount()
    content = ctypes.string_at(captured.getResourceBuffer(), size * size * channels)
    # OpenGL's first row is the lowest.
    return np.frombuffer(content, np.uint8).reshape(size, size, channels)[::-1, :, :3].copy()


def main(request_path: str, answer_path: str) -> None:
    request = np.load(request_path)
    renderer, library = set_up(request), standard_library()
    size = int(request["frame_size"])
    frames, seconds, file_frames = [], [], []
    document = make_material([0.5] * 10, library)
    renderer.createProgram(generate_shader(document.getNode(MATERIAL_NAME), library))
    for values in request["values"]:
        start = time.perf_counter()
        for name, places in INPUTS.items():
            text = ", ".join(repr(float(values[place])) for place in places)
            value = mx.Value.createValueFromStrings(text, "float" if len(places) == 1 else "color3")
            renderer.updateUniform(f"{SHADER_NAME}_{name}", value)
        renderer.render()
        frames.append(frame(renderer, size))
        seconds.append(time.perf_counter() - start)
    for path in request["files"].tolist():
        document = read_document(path, library)
        renderer.createProgram(generate_shader(sole_material(document), library))
        renderer.render()
        file_frames.append(frame(renderer, size))
    np.savez(
        Path(answer_path),
        frames=np.array(frames),
        seconds=np.array(seconds),
        file_frames=np.array(file_frames, np.uint8).reshape(-1, size, size, 3),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
