"""Wavefront OBJ files: the faces of all objects and groups as triangles. Materials are not used."""

import re
from array import array
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from inverse_shading.runtime.errors import InputError
from inverse_shading.scene.mesh_limits import MOST_TRIANGLES, MOST_VERTICES, check_limit

# What a corner of a face refers to, in the order of its numbers, with the length that is read.
DATA = {b"v": ("vertex", 3), b"vt": ("texture coordinate", 2), b"vn": ("normal", 3)}
WIDTHS = [width for _, width in DATA.values()]

# The two axes that are left where the first, second or third is dropped.
PLANES = ((1, 2), (2, 0), (0, 1))

# A line with its end. A file may have one "\n" for all its lines: they are never all made at once.
LINE = re.compile(rb"[^\r\n]*(?:\r\n|[\r\n])|[^\r\n]+")

# As many as values of each kind and triangles may be.
MOST_LINES = len(DATA) * MOST_VERTICES + MOST_TRIANGLES

# Corners of one face, and of all faces' corners those that are compared with another to cut faces into
# triangles.
MOST_CORNERS = 10_000
MOST_COMPARISONS = 50_000_000

# A corner of a face: places of its position, texture coordinate and normal, from 0; -1 for none.
Corner = tuple[int, int, int]


def read_obj(path: Path) -> list[dict[str, np.ndarray]]:
    """Read all faces of an .obj file.

    Corners of the same position, texture coordinate and normal are one vertex, also if the file
    lists them more than once: without normals the surface is smooth there.

    Returns:
        One part, or none if no face has an inside: `positions` float32 (vertices, 3), `triangles`
        uint32 (triangles, 3), `texcoords` float32 (vertices, 2), zero where a corner has none, and
        if the file has any, `normals` float32 (vertices, 3), likewise.

    Raises:
        InputError: values that are not finite, a face of what the file doesn't have, or too much.
        OSError, ValueError: the file can't be read, or has words where numbers belong.
    """
    data = {kind: array("d") for kind in DATA}
    # By number first: those are fewer to compare by what they name.
    faces: list[list[int]] = []
    named: dict[Corner, int] = {}
    edges: set[Corner] = set()
    corners = 0
    for number, line in enumerate(read_lines(path), start=1):
        check_limit(number, MOST_LINES, "lines")
        # More words than a face may have stay one.
        kind, *words = line.partition(b"#")[0].split(None, MOST_CORNERS + 1) or [b""]
        if kind not in (*DATA, b"f"):
            continue
        if any(b"_" in word for word in words):
            raise ValueError(f"line {number} has words where numbers belong")
        counts = [len(data[each]) // width for each, (_, width) in DATA.items()]
        if kind in DATA:
            check_limit(max(counts), MOST_VERTICES, "vertices, texture coordinates or normals")
            values = [float(word) for word in words]
            if kind != b"vt" and not np.isfinite(values).all():
                raise InputError(f"line {number} has values that are not finite numbers")
            width = DATA[kind][1]
            data[kind].extend((values + [0.0] * width)[:width])
        elif words:
            corners += len(words)
            check_limit(len(words), MOST_CORNERS, f"corners of a face in line {number}")
            check_limit(corners, 3 * MOST_TRIANGLES, "corners of faces")
            check_limit(len(named) + len(edges), MOST_VERTICES, "vertices")
            face = [read_corner(word, counts, number) for word in words]
            if len(face) < 3:
                edges.update(face)
            else:
                faces.append([named.setdefault(corner, len(named)) for corner in face])
    if not named and not edges:
        return []
    highest = np.array([*named, *edges]).max(0)
    arrays = {
        kind: np.array(data[kind]).astype(np.float32).reshape(-1, width)
        for kind, (_, width) in DATA.items()
    }
    for (name, _), values, place in zip(DATA.values(), arrays.values(), highest, strict=True):
        if place >= len(values):
            raise InputError(f"a face of {name} {place + 1} where the file has {len(values)}")
    if not faces:
        return []
    places = np.array(list(named))
    numbers, work = array("q"), 0
    for face in faces:
        if len(face) > 3:
            points = arrays[b"v"][places[face, 0]].tolist()
            face, work = triangulate(face, points, work)
        numbers.extend(face)
    columns = zip(arrays.values(), places.T, WIDTHS, strict=True)
    vertices, places = np.unique(
        np.concatenate([pick(*column) for column in columns], axis=1), axis=0, return_inverse=True
    )
    positions, texcoords, normals = np.split(vertices, np.cumsum(WIDTHS)[:-1], axis=1)
    part = {"positions": positions, "texcoords": texcoords}
    if len(arrays[b"vn"]):
        part["normals"] = normals
    return [part | {"triangles": places[numbers].reshape(-1, 3).astype(np.uint32)}]


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, whether they end as on Unix, on Windows or on an old Mac."""
    with path.open("rb") as file:
        for line in file:
            parts = (part.group() for part in LINE.finditer(line))
            yield from parts if b"\r" in line else (line,)


def read_corner(word: bytes, counts: list[int], number: int) -> Corner:
    """What a corner of a face refers to: `1`, `1/2`, `1//3` or `1/2/3`.

    Args:
        counts: how many positions, texture coordinates and normals there are so far.
        number: of the line.
    """
    places = [-1, -1, -1]
    for index, (text, count) in enumerate(zip(word.split(b"/"), counts, strict=False)):
        if text:
            place = int(text)
            # Numbers below zero count back from the last one so far.
            if place == 0 or place < -count:
                name = list(DATA.values())[index][0]
                raise InputError(f"line {number} has a face of a {name} before the first")
            places[index] = place - 1 if place > 0 else count + place
    if places[0] < 0:
        raise ValueError(f"line {number} has a face without a vertex")
    return tuple(places)


def pick(values: np.ndarray, places: np.ndarray, width: int) -> np.ndarray:
    """The values at `places`; zeros where a place is -1."""
    return np.concatenate([values.reshape(-1, width), np.zeros((1, width), np.float32)])[places]


def triangulate(
    face: list[int], points: list[list[float]], comparisons: int
) -> tuple[list[int], int]:
    """Cut a face into triangles by clipping ears, from the first corner on as MaterialX does.

    Args:
        face: its corners, by any numbers.
        points: their positions.
        comparisons: of corners that other faces took.

    Returns:
        Three corners for each triangle, and how many comparisons there are by then.

    Raises:
        InputError: there are too many.
    """
    around = list(zip(points, points[1:] + points[:1], strict=True))
    normal = [sum(p[i] * q[j] - p[j] * q[i] for p, q in around) for i, j in PLANES]
    # In the plane where the face is largest, counted anticlockwise.
    largest = max(range(3), key=lambda axis: abs(normal[axis]))
    i, j = PLANES[largest] if normal[largest] >= 0 else PLANES[largest][::-1]
    flat = [(point[i], point[j]) for point in points]
    left, start, fruitless = list(range(len(face))), 0, 0
    triangles = []
    while len(left) > 3 and fruitless < len(left):
        start %= len(left)
        ear = [left[(start + step) % len(left)] for step in range(3)]
        comparisons += len(left)
        check_limit(comparisons, MOST_COMPARISONS, "comparisons to cut faces into triangles")
        if is_ear(
            [flat[corner] for corner in ear], [flat[other] for other in left if other not in ear]
        ):
            triangles += [face[corner] for corner in ear]
            left.remove(ear[1])
            fruitless = 0
        else:
            start, fruitless = start + 1, fruitless + 1
    # A face that crosses itself may leave no ear.
    for b, c in pairwise(left[1:]):
        triangles += [face[left[0]], face[b], face[c]]
    return triangles, comparisons


Point = tuple[float, float]


def is_ear(ear: list[Point], others: list[Point]) -> bool:
    """Does the triangle turn to the left with no other corner in it?"""
    a, b, c = ear
    if left_of(a, b, c) < 0:
        return False
    for point in others:
        sides = left_of(a, b, point), left_of(b, c, point), left_of(c, a, point)
        # Also on an edge; in the place of a corner, as where a hole is cut in, none is in the way.
        if min(sides) >= 0 and sum(side > 0 for side in sides) > 1:
            return False
    return True


def left_of(start: Point, end: Point, point: Point) -> float:
    """Above zero if `point` lies to the left of the line from `start` to `end`."""
    return (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])
