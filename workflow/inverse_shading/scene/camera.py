"""The view: a perspective camera that holds the mesh's bounding sphere in a square frame."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Camera:
    """A camera for a square frame; column-vector matrices, right-handed, looking along -z.

    Attributes:
        position: float64 (3,), the eye in world space.
        view: float64 (4, 4), world to eye.
        projection: float64 (4, 4), eye to OpenGL's clip space.
    """

    position: np.ndarray
    view: np.ndarray
    projection: np.ndarray

    @property
    def view_projection(self) -> np.ndarray:
        """float32 (4, 4), world to clip space, rounded as MaterialX rounds its product.

        A pixel whose centre lies on an edge goes to one side or the other by the last bit.
        """
        view, projection = self.view.astype(np.float32), self.projection.astype(np.float32)
        product = np.zeros((4, 4), np.float32)
        for term in range(4):
            product += projection[:, term, None] * view[None, term]
        return product

    def rays(self, frame_size: int) -> np.ndarray:
        """World directions through the pixels' centres, (size, size, 3), first row on top."""
        steps = (np.arange(frame_size) + 0.5) / frame_size * 2 - 1
        across, down = np.meshgrid(steps, steps)
        eye = np.stack(
            [
                across / self.projection[0, 0],
                -down / self.projection[1, 1],
                -np.ones_like(across),
            ],
            axis=-1,
        )
        # The view's rotation is orthonormal: its transpose leads back to the world.
        return eye @ self.view[:3, :3]


def place_camera(
    center: np.ndarray,
    radius: float,
    azimuth: float,
    elevation: float,
    field_of_view: float,
    fill: float,
) -> Camera:
    """Place the camera so that a sphere takes the share `fill` of the frame's side.

    Args:
        center, radius: the sphere.
        azimuth, elevation: of the eye as seen from the centre, degrees; 0, 0 is in front (+z).
        field_of_view: vertical opening, degrees.
        fill: above 0 to 1.
    """
    turn, lift, half = np.radians([azimuth, elevation, field_of_view / 2])
    back = np.array([np.sin(turn) * np.cos(lift), np.sin(lift), np.cos(turn) * np.cos(lift)])
    right = np.array([np.cos(turn), 0.0, -np.sin(turn)])
    # A sphere's outline is the cone that touches it: sin(cone) = radius / distance.
    cone = np.arctan(fill * np.tan(half))
    distance = radius / np.sin(cone)
    position = center + distance * back
    view = np.eye(4)
    view[:3, :3] = [right, np.cross(back, right), back]
    view[:3, 3] = -view[:3, :3] @ position
    # A tenth of the radius more on both sides, so that nothing is cut off by rounding.
    near, far = distance - 1.1 * radius, distance + 1.1 * radius
    near = max(near, 0.01 * radius)
    projection = np.zeros((4, 4))
    projection[0, 0] = projection[1, 1] = 1 / np.tan(half)
    projection[2, 2] = (near + far) / (near - far)
    projection[2, 3] = 2 * near * far / (near - far)
    projection[3, 2] = -1
    return Camera(position, view, projection)
