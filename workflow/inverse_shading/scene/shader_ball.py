"""The built-in object: a shader ball made of two surfaces of revolution.

A sphere with a round opening that shows a smaller sphere inside, an inset ring round its equator, and
a stepped stand: large smooth areas, tight curves and grazing angles in one view. Lengths are in
units of the sphere's radius; y is up, and the stand's underside lies in the plane y = 0.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from inverse_shading.scene.mesh import Mesh

# Segments round the axis and the longest step along the profile: at 4 degrees and a 50th of the
# radius no silhouette shows its corners in a frame of a thousand pixels.
SEGMENTS = 256
STEP = 0.025

# The rounding of an edge reaches this far along both sides of it.
BEVEL = 0.014

# The ball: opening, shell, and a groove that holds a ring. Angles are from the opening's centre.
INNER_RADIUS = 0.82
OPENING = np.radians(35.0)
GROOVE = (np.radians(81.0), np.radians(99.0))
GROOVE_RADIUS = 0.90
RING_HALF_WIDTH = np.radians(5.5)

# The opening looks towards the viewer's upper right, so that the ring runs across the front.
TILT = np.radians(48.0)
TURN = np.radians(28.0)

# The stand, from its top down: radius and height of each step. The ball sinks into the upper one.
CUP = (0.50, 0.24)
DISC = (0.92, 0.12)
BALL_HEIGHT = 1.13


@dataclass(frozen=True)
class Curve:
    """A piece of a profile in the half-plane (distance from the axis, height).

    `point` and `direction` map t in [0, 1], shape (n,), to shape (n, 2).
    """

    point: Callable[[np.ndarray], np.ndarray]
    direction: Callable[[np.ndarray], np.ndarray]
    length: float
    straight: bool


def line(start: tuple[float, float], end: tuple[float, float]) -> Curve:
    """A straight piece."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    length = float(np.linalg.norm(end - start))
    return Curve(
        lambda t: start + t[:, None] * (end - start),
        lambda t: np.broadcast_to((end - start) / length, (len(t), 2)),
        length,
        straight=True,
    )


def arc(radius: float, start: float, end: float, center: tuple[float, float] = (0, 0)) -> Curve:
    """A piece of a circle; angles in radians, 0 along the axis, pi/2 away from it."""

    def angle(t: np.ndarray) -> np.ndarray:
        return start + t * (end - start)

    turn = np.sign(end - start)
    return Curve(
        lambda t: center + radius * np.stack([np.sin(angle(t)), np.cos(angle(t))], axis=-1),
        lambda t: turn * np.stack([np.cos(angle(t)), -np.sin(angle(t))], axis=-1),
        radius * abs(end - start),
        straight=False,
    )


def corner(before: Curve, t_before: float, after: Curve, t_after: float) -> Curve:
    """A quadratic Bézier curve from one piece to the next that leaves and meets them smoothly."""
    start, end = before.point(np.array([t_before]))[0], after.point(np.array([t_after]))[0]
    leave = before.direction(np.array([t_before]))[0]
    meet = after.direction(np.array([t_after]))[0]
    # The control point is where the two tangents cross: start + a leave = end - b meet.
    along = np.linalg.solve(np.stack([leave, meet], axis=1), end - start)[0]
    middle = start + along * leave

    def point(t: np.ndarray) -> np.ndarray:
        t = t[:, None]
        return (1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end

    def direction(t: np.ndarray) -> np.ndarray:
        t = t[:, None]
        slope = (1 - t) * (middle - start) + t * (end - middle)
        return slope / np.linalg.norm(slope, axis=1, keepdims=True)

    length = float(np.linalg.norm(middle - start) + np.linalg.norm(end - middle))
    return Curve(point, direction, length, straight=False)


def profile(pieces: list[Curve]) -> tuple[np.ndarray, np.ndarray]:
    """Sample connected pieces with rounded corners between them.

    Returns:
        Points and unit directions along the curve, each of shape (n, 2).
    """
    points, directions = [], []

    def sample(curve: Curve, first: float, last: float, steps: int) -> None:
        t = np.linspace(first, last, steps + 1)
        # A piece begins where the one before it ended.
        skip = 1 if points else 0
        points.append(curve.point(t)[skip:])
        directions.append(curve.direction(t)[skip:])

    begin = 0.0
    for index, piece in enumerate(pieces):
        final = index + 1 == len(pieces)
        end = 1.0 if final else 1.0 - BEVEL / piece.length
        steps = 1 if piece.straight else int(np.ceil(piece.length * (end - begin) / STEP)) + 2
        sample(piece, begin, end, steps)
        if not final:
            begin = BEVEL / pieces[index + 1].length
            # Six steps bend a right angle by fifteen degrees each; normals are exact at each.
            sample(corner(piece, end, pieces[index + 1], begin), 0.0, 1.0, 6)
    return np.concatenate(points), np.concatenate(directions)


def revolve(points: np.ndarray, directions: np.ndarray) -> Mesh:
    """Turn a profile about the y axis; the outside lies to the left of its direction."""
    turn = np.linspace(0.0, 2 * np.pi, SEGMENTS + 1)
    # The last column repeats the first, but for its texture coordinate.
    cosine, sine = np.cos(turn), np.sin(turn)
    cosine[-1], sine[-1] = cosine[0], sine[0]
    outward = np.stack([sine, np.zeros_like(turn), cosine], axis=-1)
    around = np.stack([cosine, np.zeros_like(turn), -sine], axis=-1)
    up = np.array([0.0, 1.0, 0.0])
    # The axis is met exactly, without a hole of rounding errors.
    distance = np.where(points[:, 0] < 1e-9, 0.0, points[:, 0])
    positions = distance[:, None, None] * outward + points[:, 1, None, None] * up
    normals = -directions[:, 1, None, None] * outward + directions[:, 0, None, None] * up
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    height = np.concatenate([[0.0], np.cumsum(steps)])
    height /= height[-1]
    texture = np.stack(np.broadcast_arrays(turn / (2 * np.pi), 1.0 - height[:, None]), axis=-1)

    rows, columns = np.arange(len(points) - 1), np.arange(SEGMENTS)
    upper = rows[:, None] * (SEGMENTS + 1) + columns
    lower = upper + SEGMENTS + 1
    left = np.stack([upper, lower, lower + 1], axis=-1)[distance[1:] > 0]
    right = np.stack([upper, lower + 1, upper + 1], axis=-1)[distance[:-1] > 0]
    return Mesh(
        positions.reshape(-1, 3).astype(np.float32),
        normals.reshape(-1, 3).astype(np.float32),
        np.broadcast_to(around, positions.shape).reshape(-1, 3).astype(np.float32),
        texture.reshape(-1, 2).astype(np.float32),
        np.concatenate([left.reshape(-1, 3), right.reshape(-1, 3)]).astype(np.uint32),
    )


def ball() -> Mesh:
    """The sphere with its opening and ring, round the y axis, its centre in the origin."""

    def at(radius: float, angle: float) -> tuple[float, float]:
        return radius * np.sin(angle), radius * np.cos(angle)

    quarter = np.pi / 2
    first, last = GROOVE
    ring = GROOVE_RADIUS * np.sin(RING_HALF_WIDTH)
    floor = float(np.sqrt(GROOVE_RADIUS**2 - ring**2))
    return revolve(
        *profile(
            [
                arc(INNER_RADIUS, 0.0, OPENING),
                line(at(INNER_RADIUS, OPENING), at(1.0, OPENING)),
                arc(1.0, OPENING, first),
                line(at(1.0, first), at(GROOVE_RADIUS, first)),
                arc(GROOVE_RADIUS, first, quarter - RING_HALF_WIDTH),
                arc(ring, 0.0, np.pi, center=(floor, 0.0)),
                arc(GROOVE_RADIUS, quarter + RING_HALF_WIDTH, last),
                line(at(GROOVE_RADIUS, last), at(1.0, last)),
                arc(1.0, last, np.pi),
            ]
        )
    )


def stand() -> list[Mesh]:
    """The stepped disc, and its underside, which meets it in a sharp edge."""
    (cup, top), (disc, step) = CUP, DISC
    body = profile(
        [
            line((0.0, top), (cup, top)),
            line((cup, top), (cup, step)),
            line((cup, step), (disc, step)),
            line((disc, step), (disc, 0.0)),
        ]
    )
    underside = profile([line((disc, 0.0), (0.0, 0.0))])
    return [revolve(*body), revolve(*underside)]


def shader_ball() -> Mesh:
    """Make the built-in object; the same bytes on every call."""
    tilt, turn = TILT, TURN
    about_x = np.array(
        [[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]]
    )
    about_y = np.array(
        [[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]]
    )
    tilted = ball().transformed(about_y @ about_x, np.array([0.0, BALL_HEIGHT, 0.0]))
    return Mesh.merged([tilted, *stand()])
