"""The packed pixels of a stage shaded in an OpenGL context, and in a fresh one where that fails."""

from collections.abc import Callable

import moderngl
import numpy as np

from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.jobs import logger
from inverse_shading.scene.opengl import create_context, describe
from inverse_shading.scene.stage_file import Stage

# OpenGL enumerants that moderngl has no name for.
SRGB8_ALPHA8 = 0x8C43
FRAMEBUFFER_SRGB = 0x8DB9

# A texel that the shader wrote is opaque; the target is cleared to this before.
OPAQUE = 255
UNWRITTEN = (1.0, 0.0, 1.0, 0.0)

# Rows of the packed target are a multiple of llvmpipe's tiles.
TILE = 64


class PackedProgram:
    """One OpenGL context with everything of a stage in it; shades the packed pixels.

    Args:
        stage: whose surface is shaded.
        device, threads: see `opengl.create_context`.
        targets: materials in flight, see `shade_linear`; 0 for a program that only encodes.
    """

    def __init__(self, stage: Stage, device: str | int, threads: int | None, targets: int = 0):
        self.context = create_context(device, threads)
        self.driver = describe(self.context)
        self.covered = stage.surface.shape[1]
        # A square target keeps within every driver's limit on a side, whatever the frame.
        width = TILE * int(np.ceil(np.sqrt(self.covered) / TILE))
        self.size = (width, -(-self.covered // width))
        limit = self.context.info["GL_MAX_TEXTURE_SIZE"]
        if max(*self.size, *stage.radiance.shape[:2]) > limit:
            raise InputError(
                f"{self.driver} holds textures of up to {limit} pixels a side; the stage needs "
                f"{max(*self.size, *stage.radiance.shape[:2])}. Lower render.frame_size, or make "
                "the environment smaller."
            )
        # One triangle that reaches past the target's corners; it needs no vertex buffer.
        self.program = self.context.program(
            vertex_shader="""#version 400
            void main()
            {
                vec2 corner = vec2(gl_VertexID % 2, gl_VertexID / 2);
                gl_Position = vec4(corner * 4.0 - 1.0, 0.0, 1.0);
            }""",
            fragment_shader=stage.pixel_stage,
        )
        self.uniforms = {
            self.program[name]: list(places) for name, places in stage.uniforms.items()
        }
        self.textures = self._bind_textures(stage)
        self._set("u_viewPosition", tuple(stage.view_position))
        self._set("u_envRadianceSamples", stage.environment_samples)
        # Levels of a full mip chain: floor(log2(longest side)) + 1.
        self._set("u_envRadianceMips", max(stage.radiance.shape[:2]).bit_length())
        self.target = self.context.texture(self.size, 4, internal_format=SRGB8_ALPHA8)
        self.framebuffer = self.context.framebuffer([self.target])
        self.linear_targets = [
            self.context.texture(self.size, 4, dtype="f4") for _ in range(targets)
        ]
        self.linear_framebuffers = [
            self.context.framebuffer([target]) for target in self.linear_targets
        ]
        self.triangle = self.context.vertex_array(self.program, [])
        self.context.enable_only(moderngl.NOTHING)
        # The shader's output is linear; the target encodes it, as MaterialX's own renderer does.
        self.context.enable_direct(FRAMEBUFFER_SRGB)

    def _set(self, name: str, value) -> None:
        # A driver drops uniforms that the shader doesn't need.
        if name in self.program:
            self.program[name].value = value

    def _bind_textures(self, stage: Stage) -> list[moderngl.Texture]:
        width, height = self.size
        textures = {}
        for name, data in zip(("g_position", "g_normal", "g_tangent"), stage.surface, strict=True):
            # The last row is filled up with the last pixel, so that no arithmetic goes wrong there.
            filled = np.concatenate(
                [data, np.repeat(data[-1:], width * height - self.covered, axis=0)]
            )
            textures[name] = self.context.texture(self.size, 3, filled.tobytes(), dtype="f4")
            textures[name].filter = (moderngl.NEAREST, moderngl.NEAREST)
        for name, data in (
            ("u_envRadiance", stage.radiance),
            ("u_envIrradiance", stage.irradiance),
        ):
            rows, columns = data.shape[:2]
            textures[name] = self.context.texture((columns, rows), 3, data.tobytes(), dtype="f4")
            textures[name].build_mipmaps()
            textures[name].filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
            textures[name].repeat_x, textures[name].repeat_y = True, False
        for unit, (name, texture) in enumerate(textures.items()):
            texture.use(unit)
            self._set(name, unit)
        return list(textures.values())

    def shade(self, values: np.ndarray) -> np.ndarray | None:
        """Shade the covered pixels: uint8 (covered, 3), sRGB-encoded.

        None if a pixel was left unwritten, was no number, or OpenGL reports an error.
        """
        # Another renderer of this process may have been at work since.
        with self.context:
            self._draw(values, self.framebuffer)
            content = self.framebuffer.read(components=4)
            error = self.context.error
        pixels = np.frombuffer(content, np.uint8).reshape(-1, 4)[: self.covered]
        if error != "GL_NO_ERROR" or (pixels[:, 3] != OPAQUE).any():
            return None
        return pixels[:, :3]

    def shade_linear(self, values: np.ndarray, count: int) -> np.ndarray | None:
        """Shade the first covered pixels with several materials, without rounding or encoding.

        All are drawn before the first is read, so that a graphics card never waits.

        Args:
            values: (n, 10), n at most the number of targets.
            count: pixels to shade, in the order of the stage's surface.

        Returns:
            float32 (n, count, 3), linear light, not clipped; None as for `shade`.
        """
        result = np.empty((len(values), count, 3), np.float32)
        framebuffers = self.linear_framebuffers[: len(values)]
        # Whole rows of the packed target.
        viewport = (0, 0, self.size[0], -(-count // self.size[0]))
        complete = True
        with self.context:
            for material, framebuffer in zip(values, framebuffers, strict=True):
                framebuffer.viewport = framebuffer.scissor = viewport
                self._draw(material, framebuffer)
            for pixels, framebuffer in zip(result, framebuffers, strict=True):
                content = framebuffer.read(viewport=viewport, components=4, dtype="f4")
                written = np.frombuffer(content, np.float32).reshape(-1, 4)[:count]
                complete &= bool((written[:, 3] == 1).all())
                pixels[:] = written[:, :3]
            error = self.context.error
        return result if complete and error == "GL_NO_ERROR" else None

    def _draw(self, values: np.ndarray, framebuffer: moderngl.Framebuffer) -> None:
        for uniform, places in self.uniforms.items():
            uniform.write(values[places].astype(np.float32).tobytes())
        framebuffer.use()
        framebuffer.clear(*UNWRITTEN)
        self.triangle.render(moderngl.TRIANGLES, vertices=3)

    def release(self) -> None:
        """Free the context and all that is in it."""
        with self.context:
            for resource in (
                self.triangle,
                self.framebuffer,
                self.target,
                *self.linear_framebuffers,
                *self.linear_targets,
                *self.textures,
            ):
                resource.release()
            self.program.release()
        self.context.release()


class StageProgram:
    """Shades a stage's packed pixels; what a driver gets wrong is shaded once more in a fresh context.

    Each covered pixel must have been written and be a number, and bytes may not be the ones before
    although the values differ.

    Args:
        stage, device, threads, targets: see `PackedProgram`.

    Raises:
        InputError: the OpenGL driver can't be used.
    """

    def __init__(
        self, stage: Stage, device: str | int, threads: int | None = None, targets: int = 0
    ):
        self._arguments = stage, device, threads, targets
        self._program = PackedProgram(*self._arguments)
        self._previous: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def driver(self) -> str:
        """The OpenGL driver in one line."""
        return self._program.driver

    def shade(self, values: np.ndarray) -> np.ndarray:
        """`PackedProgram.shade` of one material (10,): uint8 (covered, 3).

        Raises:
            InputError: the driver failed twice, the second time in a fresh context.
        """
        pixels = self._checked(values, lambda program: program.shade(values), self._repeats)
        self._previous = (values, pixels)
        return pixels

    def shade_linear(self, values: np.ndarray, count: int) -> np.ndarray:
        """`PackedProgram.shade_linear` of materials (n, 10): float32 (n, count, 3).

        Raises:
            InputError: as `shade`.
        """
        return self._checked(values, lambda program: program.shade_linear(values, count))

    def _checked(
        self,
        values: np.ndarray,
        draw: Callable[[PackedProgram], np.ndarray | None],
        repeats: Callable[[np.ndarray, np.ndarray], bool] = lambda values, pixels: False,
    ) -> np.ndarray:
        first = values if values.ndim == 1 else values[0]
        described = f"{'the material' if values.ndim == 1 else 'materials from'} {first.tolist()}"
        pixels = draw(self._program)
        if pixels is None or repeats(values, pixels):
            # Different materials may look the same (black is black whatever its roughness): a
            # fresh context holds nothing of the image before, so what it gives is right.
            logger.warning(
                "%s %s for %s; rendering it again in a fresh context",
                self.driver,
                "left pixels unwritten" if pixels is None else "gave the image before again",
                described,
            )
            self._program.release()
            self._program = PackedProgram(*self._arguments)
            pixels = draw(self._program)
        if pixels is None:
            raise InputError(
                f"The OpenGL driver ({self.driver}) twice left pixels unwritten, or made values "
                f"that are no numbers, for {described}; expected whole images. "
                "Say another render.device (cpu is Mesa's software rasteriser), or update the "
                "driver."
            )
        return pixels

    def _repeats(self, values: np.ndarray, pixels: np.ndarray) -> bool:
        """Are these the bytes of the image before, though the values differ?"""
        if self._previous is None or np.array_equal(self._previous[0], values):
            return False
        return np.array_equal(self._previous[1], pixels)

    def release(self) -> None:
        """Free the context and all that is in it."""
        self._program.release()
