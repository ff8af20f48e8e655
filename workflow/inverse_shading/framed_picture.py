"""From a picture of the object to what the network sees and what renders are compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from .errors import InputError
from .framing import Box, crop_box, frame_image, frame_levels
from .picture import Picture, read_picture
from .silhouette import find_object, overlap, place, see
from .stage_file import Stage

# Levels of 255 by which a pixel must differ from the stage's backdrop to be something else. JPEG
# moves the backdrop by fewer.
DIFFERENCE = 8

# Share of the pixels outside the silhouette that may differ, and of those inside and along its rim
# that must, if a picture is to show the object on the stage's own backdrop.
OUTSIDE = 0.02
INSIDE = 0.5

# Overlap (intersection over union) from which a silhouette is the object's.
SILHOUETTE = 0.95

# Overlap from which something that is not the object is still framed like it, when forced.
SIMILAR = 0.5

# Pixels of the framed image: width of the rim; and how far from the rim a picture that was cut out
# may be compared, since the filter mixes up to three and its outline is that uncertain.
RIM = 4
EROSION = 3

# Larger pictures are shrunk to this many times the framed image's side before an object is sought.
WORKING_SCALE = 4


@dataclass(frozen=True)
class FramedPicture:
    """A picture as the training images are.

    Attributes:
        image: uint8 (s, s, 3), framed, sRGB-encoded, on the stage's own backdrop.
        target: float32 (s, s, 3), the same before rounding, levels of 255 in [0, 255].
        weights: float32 (s, s), 1 where the object is shown and may be compared, 0 elsewhere.
        encoding: "srgb" or "linear": what the file's values were taken for.
        placement: how the object was found: "frame" (the whole stage), "framed" (cropped like a
            training image), "silhouette" (cut out and moved), or "given" (forced).
        silhouette: how well the silhouette matches the object's, intersection over union, 0 to 1.
    """

    image: np.ndarray
    target: np.ndarray
    weights: np.ndarray
    encoding: str
    placement: str
    silhouette: float


def frame_picture(
    path: str | Path,
    stage: Stage,
    framing: Mapping,
    encoding: str = "auto",
    any_silhouette: bool = False,
) -> FramedPicture:
    """Read a picture of the stage's object and frame it as the training images are.

    Args:
        framing: the config's section: image_size, margin, filter.
        encoding: see `picture.read_picture`.
        any_silhouette: go on where the object isn't found.

    Raises:
        InputError: the file can't be used (see `picture.read_picture`), or it doesn't show the
            object as the stage does; it names the file.
    """
    path = Path(path)
    picture = read_picture(path, encoding)
    form = _Form(stage, framing)
    return _on_the_stage(picture, form) or _cut_out(path, picture, form, any_silhouette)


class _Form:
    """How a training image is made: boxes, masks and backdrops at the framed size."""

    def __init__(self, stage: Stage, framing: Mapping):
        self.stage = stage
        self.size = framing["image_size"]
        self.filter = framing["filter"]
        self.box = crop_box(stage.mask, framing["margin"])
        whole = (0.0, 0.0, float(stage.frame_size), float(stage.frame_size))
        mask = stage.mask.astype(np.float32)
        self.views = {}
        for placement, box in (("frame", whole), ("framed", self.box)):
            backdrop = frame_levels(stage.background, box, self.size, self.filter)
            coverage = frame_levels(mask, box, self.size, self.filter)
            self.views[placement] = (np.clip(backdrop, 0, 255), np.clip(coverage, 0, 1))
        self.backdrop, self.coverage = self.views["framed"]
        silhouette = frame_image(
            stage.mask.astype(np.uint8) * 255, self.box, self.size, self.filter
        )
        self.weights = (silhouette > 0).astype(np.float32)

    def square(self, placement: str, side: int) -> Box:
        """Where a square picture of that placement shows what a training image does."""
        if placement == "framed":
            return (0.0, 0.0, float(side), float(side))
        return tuple(edge * side / self.stage.frame_size for edge in self.box)


def _on_the_stage(picture: Picture, form: _Form) -> FramedPicture | None:
    """Take a square picture with the stage's own backdrop by that, at any size."""
    height, width = picture.pixels.shape[:2]
    if picture.alpha is not None or height != width:
        return None
    seen = see(picture.pixels, (0.0, 0.0, float(width), float(width)), form.size, "hamming")
    for placement, (backdrop, coverage) in form.views.items():
        value = _silhouette_on(seen, backdrop, coverage)
        if value is None:
            continue
        square = form.square(placement, width)
        rounded = np.rint(picture.pixels).astype(np.uint8)
        target = frame_levels(picture.pixels, square, form.size, form.filter)
        return FramedPicture(
            # The very function that framed the training images: their bytes for their frames.
            image=frame_image(rounded, square, form.size, form.filter),
            target=np.clip(target, 0, 255),
            weights=form.weights,
            encoding=picture.encoding,
            placement=placement,
            silhouette=value,
        )
    return None


def _silhouette_on(seen: np.ndarray, backdrop: np.ndarray, coverage: np.ndarray) -> float | None:
    """The silhouette's overlap if the picture is the backdrop outside it and is not inside."""
    differs = np.abs(seen - backdrop).max(axis=2) > DIFFERENCE
    covered = coverage > 0.5
    outside = ~ndimage.binary_dilation(coverage > 0, iterations=RIM)
    inner = ndimage.binary_erosion(covered, iterations=2)
    rim = inner & ~ndimage.binary_erosion(inner, iterations=RIM)
    if differs[outside].mean() > OUTSIDE:
        return None
    if min(differs[inner].mean(), differs[rim].mean()) < INSIDE:
        return None
    labels, _ = ndimage.label(differs)
    largest = np.bincount(labels.ravel())[1:].argmax() + 1
    found = ndimage.binary_fill_holes(labels == largest)
    return overlap(found.astype(np.float32), coverage, (0.0, 0.0, *differs.shape[::-1]))


def _cut_out(path: Path, picture: Picture, form: _Form, any_silhouette: bool) -> FramedPicture:
    """Find the object by alpha or before an even background, and move it onto the stage."""
    picture = _shrunk(picture, WORKING_SCALE * form.size)
    pixels, alpha = picture.pixels, picture.alpha
    height, width = pixels.shape[:2]
    if alpha is None:
        found = find_object(pixels)
        if found is not None:
            pixels, alpha = _without_rim(pixels, found), found.astype(np.float32)
    value, square = 0.0, None
    if alpha is not None and alpha.max() > 0:
        squares = [form.square(p, width) for p in form.views] if height == width else []
        square, value = place(alpha, form.coverage, squares)
    if value < SILHOUETTE and not any_silhouette:
        what = (
            "no object before an even background"
            if square is None
            else f"an object whose silhouette matches the stage's by {value:.2f}"
        )
        raise InputError(
            f"{path}: found {what}, expected the stage's own object in its own view (an overlap of "
            f"{SILHOUETTE} or more). Give a render of that object, the whole frame or a crop on the "
            "stage's backdrop, or cut it out with alpha. --any-silhouette goes on all the same, "
            "with estimates that may mean nothing."
        )
    if value < SIMILAR:
        side = min(height, width)
        left, upper = (width - side) / 2, (height - side) / 2
        square = (left, upper, left + side, upper + side)
        target = np.clip(see(picture.pixels, square, form.size, form.filter), 0, 255)
        clear = form.coverage
    else:
        clear = see(alpha, square, form.size, form.filter)
        target = see(pixels * alpha[..., None], square, form.size, form.filter)
        target = np.clip(target + (1 - clear[..., None]) * form.backdrop, 0, 255)
    inside = np.minimum(clear, form.coverage) > 0.5
    weights = ndimage.binary_erosion(inside, iterations=EROSION, border_value=0)
    return FramedPicture(
        image=np.rint(target).astype(np.uint8),
        target=target.astype(np.float32),
        weights=weights.astype(np.float32),
        encoding=picture.encoding,
        placement="silhouette" if value >= SILHOUETTE else "given",
        silhouette=value,
    )


def _without_rim(pixels: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Carry the object's colours over its rim, where they are mixed with the background's."""
    clear = ndimage.binary_erosion(found, iterations=2)
    if not clear.any():
        return pixels
    nearest = ndimage.distance_transform_edt(~clear, return_distances=False, return_indices=True)
    return pixels[tuple(nearest)]


def _shrunk(picture: Picture, side: int) -> Picture:
    """The picture with no side longer than `side`."""
    height, width = picture.pixels.shape[:2]
    if max(height, width) <= side:
        return picture
    from PIL import Image

    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))

    def resized(data: np.ndarray) -> np.ndarray:
        return np.asarray(Image.fromarray(data).resize(size, Image.Resampling.BOX))

    alpha = None
    pixels = picture.pixels
    if picture.alpha is not None:
        alpha = resized(picture.alpha)
        pixels = pixels * picture.alpha[..., None]
    pixels = np.stack([resized(np.ascontiguousarray(pixels[..., c])) for c in range(3)], axis=-1)
    if alpha is not None:
        pixels = pixels / np.maximum(alpha[..., None], 1e-6)
    return Picture(pixels, alpha, picture.encoding)
