"""GLSL and ESSL for the ten inputs: MaterialX writes them once, with the inputs as uniforms."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import MaterialX as mx
import MaterialX.PyMaterialXGenGlsl as mx_glsl
import MaterialX.PyMaterialXGenShader as mx_shader

from inverse_shading.material.document import (
    INPUTS,
    MATERIAL_NAME,
    SHADER_NAME,
    make_material,
    standard_library,
)
from inverse_shading.material.parameters import PARAMETERS

# Names of the values that the generated vertex stage hands on, all vec3 in world space.
SURFACE = ("positionWorld", "normalWorld", "tangentWorld")


@dataclass(frozen=True)
class SurfaceShader:
    """What MaterialX wrote, as it is.

    Attributes:
        vertex_stage, pixel_stage: GLSL.
        essl_pixel_stage: the same pixel stage in ESSL, which WebGL 2 compiles.
        uniforms: name of each input's uniform → its places among the ten values.
    """

    vertex_stage: str
    pixel_stage: str
    essl_pixel_stage: str
    uniforms: dict[str, tuple[int, ...]]


def surface_shader() -> SurfaceShader:
    """Generate a standard_surface whose every input is a uniform, lit by an environment alone.

    Raises:
        RuntimeError: this version of MaterialX writes another text than the renderer understands.
    """
    library = standard_library()
    document = make_material([0.5] * len(PARAMETERS), library)
    shader, essl = (
        generate_shader(generator, library, document.getNode(MATERIAL_NAME))
        for generator in (mx_glsl.GlslShaderGenerator, mx_glsl.EsslShaderGenerator)
    )
    pixel_stage = shader.getSourceCode(mx_shader.PIXEL_STAGE)
    uniforms = {}
    for name, places in INPUTS.items():
        uniform = f"{SHADER_NAME}_{name}"
        if not re.search(rf"^uniform \w+ {uniform}\b", pixel_stage, re.MULTILINE):
            raise RuntimeError(
                f"MaterialX {mx.getVersionString()} generated no uniform {uniform}; expected one "
                "for each input. Install the version that pyproject.toml pins."
            )
        uniforms[uniform] = places
    return SurfaceShader(
        shader.getSourceCode(mx_shader.VERTEX_STAGE),
        pixel_stage,
        essl.getSourceCode(mx_shader.PIXEL_STAGE),
        uniforms,
    )


def generate_shader(
    generator_class: type[mx_glsl.GlslShaderGenerator], library: mx.Document, material: mx.Node
) -> mx_shader.Shader:
    """Generate a material's shader whose every input is a uniform, lit by an environment alone.

    The reflection is integrated by filtered importance sampling (SPECULAR_ENVIRONMENT_FIS), which
    is MaterialX's reference for real time.

    Args:
        generator_class: of MaterialX, for GLSL or one of its dialects.
        library: see `document.standard_library`.
        material: the material's node.
    """
    generator = generator_class.create()
    colors = mx_shader.DefaultColorManagementSystem.create(generator.getTarget())
    colors.loadLibrary(library)
    generator.setColorManagementSystem(colors)
    context = mx_shader.GenContext(generator)
    context.registerSourceCodeSearchPath(mx.getDefaultDataSearchPath())
    options = context.getOptions()
    options.hwSpecularEnvironmentMethod = (
        mx_shader.HwSpecularEnvironmentMethod.SPECULAR_ENVIRONMENT_FIS
    )
    # Complete: with a reduced interface the inputs would be constants in the text.
    options.shaderInterfaceType = mx_shader.ShaderInterfaceType.SHADER_INTERFACE_COMPLETE
    return generator.generate(SHADER_NAME, material, context)


# Arrays of more samples than this would crowd a pixel's memory out.
MOST_SHARED = 64

RADIANCE = re.compile(r"^vec3 mx_environment_radiance\(.*?^\}\n", re.MULTILINE | re.DOTALL)

# A line of mx_environment_radiance → what stands in its place. Two loops and no branch: llvmpipe jumps
# over a loop that no pixel enters, and over nothing else.
SHARING = {
    "\n{\n": """
{
    bool reused = shared_filled && !fd.refraction && shared_N == N && shared_V == V
        && shared_X == X && shared_alpha == alpha;
    shared_filled = !fd.refraction;
    shared_N = N;
    shared_V = V;
    shared_X = X;
    shared_alpha = alpha;

""",
    "    for (int i = 0; i < envRadianceSamples; i++)\n": """\
    int missingSamples = reused ? 0 : envRadianceSamples;
    for (int i = 0; i < missingSamples; i++)
""",
    "        // Compute the Fresnel term.\n": """\
        shared_color[i] = sampleColor;
        shared_VdotH[i] = VdotH;
        shared_G[i] = mx_ggx_smith_G2(NdotL, NdotV, avgAlpha);
    }
    for (int i = 0; i < envRadianceSamples; i++)
    {
        // Compute the Fresnel term.
""",
    "        vec3 F = mx_compute_fresnel(VdotH, fd);\n": """\
        vec3 F = mx_compute_fresnel(shared_VdotH[i], fd);
""",
    "        float G = mx_ggx_smith_G2(NdotL, NdotV, avgAlpha);\n": """\
        float G = shared_G[i];
""",
    "        radiance += sampleColor * FG;\n": """\
        radiance += shared_color[i] * FG;
""",
}

SHARED = """\
bool shared_filled = false;
vec3 shared_N, shared_V, shared_X;
vec2 shared_alpha;
vec3 shared_color[COUNT];
float shared_VdotH[COUNT];
float shared_G[COUNT];

"""


def share_samples(pixel_stage: str, count: int) -> str:
    """Let the second integral of the environment's reflection take the samples of the first.

    A standard_surface integrates twice, for its dielectric and for its conductor. Where both have
    the same roughness, directions, colours and geometric terms are the same to the bit, and only
    the Fresnel terms differ. Other pixels are shaded as before.

    Args:
        count: of samples.

    Raises:
        RuntimeError: this version of MaterialX writes another text than expected.
    """
    found = RADIANCE.search(pixel_stage)
    function = found[0] if found else ""
    for line, text in SHARING.items():
        if function.count(line) != 1:
            raise RuntimeError(
                f"MaterialX {mx.getVersionString()} generated a mx_environment_radiance with "
                f"{line.strip()!r} {function.count(line)} times, expected once. Install the version "
                "that pyproject.toml pins."
            )
        function = function.replace(line, text)
    return pixel_stage.replace(found[0], SHARED.replace("COUNT", str(count)) + function)


# Instead of the rasteriser, main fills the surface from the packed G-buffer: texel for pixel.
# A value that is no number leaves alpha at 0, which the renderer looks for.
PACKED_MAIN = """
uniform sampler2D g_position;
uniform sampler2D g_normal;
uniform sampler2D g_tangent;

void main()
{
    ivec2 texel = ivec2(gl_FragCoord.xy);
    vd.positionWorld = texelFetch(g_position, texel, 0).xyz;
    vd.normalWorld = texelFetch(g_normal, texel, 0).xyz;
    vd.tangentWorld = texelFetch(g_tangent, texel, 0).xyz;
    shadeSurface();
    if (any(isnan(out1.rgb)) || any(isinf(out1.rgb)))
        out1 = vec4(0.0);
}
"""


def pack_pixel_stage(pixel_stage: str, inputs: Iterable[str], environment_samples: int) -> str:
    """Turn the generated pixel stage into one that reads its surface from the packed G-buffer.

    Four textual steps: `in VertexData {…} vd;` becomes a global of the same members; `main` gets
    another name; the material's inputs that no image varies become the constants that they are, so
    that the compiler drops the coat, the sheen, the transmission and so on; and the dielectric's and
    the conductor's reflection share their samples, see `share_samples`.

    Args:
        pixel_stage: as MaterialX generated it.
        inputs: names of the uniforms that stay.
        environment_samples: directions sampled of the environment per pixel.

    Raises:
        RuntimeError: this version of MaterialX writes another text than expected.
    """
    block = re.search(r"^in VertexData\s*\{([^}]*)\}\s*vd;", pixel_stage, re.MULTILINE)
    members = re.findall(r"vec3 (\w+);", block[1]) if block else []
    mains = re.findall(r"^void main\(\)", pixel_stage, re.MULTILINE)
    if sorted(members) != sorted(SURFACE) or len(mains) != 1 or "out vec4 out1;" not in pixel_stage:
        raise RuntimeError(
            f"MaterialX {mx.getVersionString()} generated a pixel stage with the surface "
            f"{members}, expected {list(SURFACE)}. Install the version that pyproject.toml pins."
        )
    packed = pixel_stage.replace(block[0], f"struct VertexData {{{block[1]}}};\nVertexData vd;")
    packed = re.sub(r"^void main\(\)", "void shadeSurface()", packed, flags=re.MULTILINE)
    kept = "|".join(map(re.escape, inputs))
    packed = re.sub(
        rf"^uniform(?= \w+ (?!(?:{kept})\b){SHADER_NAME}_\w+ = )",
        "const",
        packed,
        flags=re.MULTILINE,
    )
    if environment_samples <= MOST_SHARED:
        packed = share_samples(packed, environment_samples)
    return packed + PACKED_MAIN


# In ESSL what says nothing of its precision has a low one.
ESSL_HEADER = """\
#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
"""

# asin looks the environment up. Drivers compute it to within ten thousandths, and where a mirror shows
# a lamp's edge, that is many levels. So all browsers have that of Mesa, the software rasteriser.
NATIVE_ASIN = "#define mx_asin asin\n"
ASIN = """\
float mx_asin(float x)
{
    const float HALF_PI = 1.57079632679;
    float a = abs(x);
    float bend = HALF_PI / 2.0 - 1.0 + a * (0.086566724 - 0.03102955 * a);
    return sign(x) * (HALF_PI - sqrt(1.0 - a) * (HALF_PI + a * bend));
}
"""

# What whoever renders sets, beside the inputs.
ESSL_UNIFORMS = ("u_viewPosition", "u_envRadianceMips", "u_envRadianceSamples")


def pack_essl_pixel_stage(shader: SurfaceShader, environment_samples: int) -> str:
    """`pack_pixel_stage` of the generated ESSL.

    ESSL's uniforms have no values of their own. They are taken from the GLSL, and become constants
    but for the inputs and `ESSL_UNIFORMS`.

    Raises:
        RuntimeError: this version of MaterialX writes another text than expected.
    """
    declared = re.compile(r"^uniform (\w+ (\w+))(?: = (.*))?;$", re.MULTILINE)
    values = {found[2]: found[0] for found in declared.finditer(shader.pixel_stage)}
    names = "|".join(SURFACE)
    text = re.sub(rf"(?<!in vec3 )\b({names})\b", r"vd.\1", shader.essl_pixel_stage)
    # The block's members, in the form that GLSL has.
    text = re.sub(
        rf"^((?:in vec3 (?:{names});\n)+)",
        lambda lines: f"in VertexData\n{{\n{lines[1].replace('in vec3', 'vec3')}}} vd;\n",
        text,
        flags=re.MULTILINE,
    )
    text = declared.sub(lambda found: values.get(found[2], found[0]), text)
    text = pack_pixel_stage(text, shader.uniforms, environment_samples)
    kept = {*shader.uniforms, *ESSL_UNIFORMS}
    text = declared.sub(
        lambda found: (
            f"const {found[1]} = {found[3]};"
            if found[3] and found[2] not in kept
            else f"uniform {found[1]};"
        ),
        text,
    )
    text = re.sub(r"^#version 300 es\n\s*precision highp float;\n", ESSL_HEADER, text)
    if NATIVE_ASIN not in text or not text.startswith(ESSL_HEADER):
        raise RuntimeError(
            f"MaterialX {mx.getVersionString()} generated another ESSL than expected. Install the "
            "version that pyproject.toml pins."
        )
    return text.replace(NATIVE_ASIN, ASIN)
