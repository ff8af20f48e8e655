"""The levels of detail of an environment, as the renderer's OpenGL driver makes them."""

import numpy as np

from inverse_shading.scene.opengl import create_context


def mip_levels(radiance: np.ndarray, device: str | int = "auto") -> list[np.ndarray]:
    """All levels of a texture, the given one first and one of a single texel last.

    Args:
        radiance: float32 (height, width, 3).
        device: where to make them; see `opengl.create_context`.

    Raises:
        InputError: the OpenGL driver can't be used.
    """
    height, width = radiance.shape[:2]
    context = create_context(device)
    try:
        texture = context.texture((width, height), 3, radiance.tobytes(), dtype="f4")
        texture.build_mipmaps()
        return [
            np.frombuffer(texture.read(level=level), np.float32).reshape(
                max(height >> level, 1), max(width >> level, 1), 3
            )
            for level in range(max(height, width).bit_length())
        ]
    finally:
        context.release()
