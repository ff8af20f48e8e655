"""What is behind the object: a seamless studio floor, a pool of light on it, and a contact shadow.

It is painted once for the stage and is the same whatever the material.
"""

import numpy as np

from inverse_shading.scene.camera import Camera
from inverse_shading.scene.mesh import Mesh
from inverse_shading.scene.srgb import srgb_decode, srgb_encode

# Which part of the object's height counts as standing on the floor.
FOOT = 0.08

# Brightness far from the object relative to near it, in linear light: a pool of light.
EDGE_LIGHT = 0.62

# Darkness of the shadow at the object's foot, and its reach in bounding radii.
SHADOW = 0.62
SHADOW_REACH = 0.30


def paint_backdrop(mesh: Mesh, camera: Camera, color: list[float], frame_size: int) -> np.ndarray:
    """Paint the backdrop; `color` (sRGB-encoded, 0 to 1) is what it has where it is brightest.

    Returns:
        uint8 (frame_size, frame_size, 3), sRGB-encoded, first row on top.
    """
    center, radius = mesh.bounding_sphere()
    rays = camera.rays(frame_size)
    floor = float(mesh.positions[np.unique(mesh.triangles), 1].min())
    height = camera.position[1] - floor
    # Distance along the ray to the floor; rays at or above the horizon never meet it.
    down = -rays[..., 1] / np.linalg.norm(rays, axis=-1)
    reach = np.where((down > 1e-6) & (height > 0), height / np.maximum(down, 1e-6), np.inf)
    reach = np.minimum(reach, 100 * radius)
    unit_rays = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
    points = camera.position + reach[..., None] * unit_rays

    distance = np.linalg.norm(points[..., [0, 2]] - center[[0, 2]], axis=-1) / radius
    light = EDGE_LIGHT + (1 - EDGE_LIGHT) / (1 + (distance / 2.5) ** 2)
    if height > 0:
        outside = hull_distance(footprint(mesh, floor), points[..., [0, 2]]) / radius
        light = light * (1 - SHADOW * np.exp(-outside / SHADOW_REACH * 3))
    return np.rint(255 * srgb_encode(srgb_decode(np.asarray(color)) * light[..., None])).astype(
        np.uint8
    )


def footprint(mesh: Mesh, floor: float) -> np.ndarray:
    """Convex outline, counter-clockwise, of the vertices near the floor: (corners, 2) of x and z."""
    used = mesh.positions[np.unique(mesh.triangles)].astype(np.float64)
    foot = used[used[:, 1] <= floor + FOOT * (used[:, 1].max() - floor)]
    points = np.unique(foot[:, [0, 2]], axis=0)

    def chain(ordered: np.ndarray) -> list[np.ndarray]:
        # Andrew's monotone chain: drop corners that don't turn left.
        kept: list[np.ndarray] = []
        for point in ordered:
            while len(kept) > 1:
                first, second = kept[-1] - kept[-2], point - kept[-1]
                if first[0] * second[1] - first[1] * second[0] > 0:
                    break
                kept.pop()
            kept.append(point)
        return kept[:-1]

    return np.array(chain(points) + chain(points[::-1])) if len(points) > 2 else points


def hull_distance(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Distance from `points` (…, 2) to a convex outline, 0 inside."""
    x, y = points[..., 0], points[..., 1]
    nearest = np.full(points.shape[:-1], np.inf)
    inside = np.full(points.shape[:-1], len(corners) > 2)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        edge, from_x, from_y = end - start, x - start[0], y - start[1]
        squared = max(edge @ edge, 1e-30)
        along = np.clip((from_x * edge[0] + from_y * edge[1]) / squared, 0, 1)
        beside_x, beside_y = from_x - along * edge[0], from_y - along * edge[1]
        nearest = np.minimum(nearest, beside_x * beside_x + beside_y * beside_y)
        inside &= edge[0] * from_y - edge[1] * from_x >= 0
    return np.where(inside, 0.0, np.sqrt(nearest))
