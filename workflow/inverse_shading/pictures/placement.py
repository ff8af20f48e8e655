"""From a picture of the object to what the network is given and what renders are compared with."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from inverse_shading.pictures.cut_out import cut_outs, eroded, without_rim
from inverse_shading.pictures.file_kind import PictureSource
from inverse_shading.pictures.framed_picture import FramedPicture
from inverse_shading.pictures.picture_file import Picture, read_picture
from inverse_shading.pictures.settings import Placement
from inverse_shading.pictures.silhouette import needed_overlap, place, put, through_square
from inverse_shading.pictures.stage_view import StageView
from inverse_shading.render.framing import Box, frame_image
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.jobs import logger
from inverse_shading.runtime.shipped import shipped_values
from inverse_shading.scene.stage_file import Stage

# Larger pictures are shrunk to this many times the framed image's side before an object is sought: four
# times what is compared, so that no result depends on it by more than the resampling.
WORKING_SCALE = 4
# Overlap from which something else than the object is framed like it, if any silhouette is taken.
SIMILAR = 0.5

GIVE = (
    "Give a render of that object in that view: the whole frame, or a crop of it like the training "
    "images; or cut it out, with alpha or before one even colour."
)
REMEDY = f"{GIVE} --any-silhouette goes on all the same, with estimates that may mean nothing."


def frame_picture(
    path: str | Path,
    stage: Stage,
    framing: Mapping,
    encoding: str = "auto",
    any_silhouette: bool = False,
    layer: str | None = None,
    settings: Mapping | None = None,
) -> FramedPicture:
    """Read a picture of the stage's object and frame it as the training images are.

    Args:
        framing: the config's section: image_size, margin, filter.
        encoding, layer: see `picture_file.read_picture`.
        any_silhouette: go on where the object isn't found.
        settings: the config's section `predictions.placement`; None for the shipped one.

    Raises:
        InputError: the file can't be used (see `picture_file.read_picture`), or it doesn't show the
            object as the stage does; it names the file.
    """
    picture = read_picture(path, encoding, layer)
    view, settings = StageView(stage, framing), settings or shipped_values(Placement)
    framed = _on_the_stage(path, picture, view) or _moved(picture, view, settings)
    expected = "expected the stage's own object in its own view"
    if any_silhouette:
        if framed is None or framed.silhouette < SIMILAR:
            framed = _as_given(picture, view, settings["erosion"])
        _refuse_nothing(path, framed, view)
        return framed
    if framed is None:
        raise InputError(f"{path}: found no object before an even background, {expected}. {REMEDY}")
    if framed.placement == "given":
        raise InputError(
            f"{path}: found something whose silhouette overlaps the object's by "
            f"{framed.silhouette:.3f}, {expected} (at least "
            f"{needed_overlap(view.coverage, settings['silhouette']):.2f}). {REMEDY}"
        )
    if view.looks_mirrored(framed.target):
        raise InputError(f"{path}: found a mirrored picture of the object, {expected}. {REMEDY}")
    _refuse_nothing(path, framed, view)
    return framed


def _refuse_nothing(path: str | Path, framed: FramedPicture, view: StageView) -> None:
    """Refuse a picture of which no pixel can be compared."""
    if framed.weights.any():
        return
    problem = f"where the object would be, there is nothing. {GIVE}"
    if not (view.coverage > 0.5).any():
        problem = (
            "the stage's object is too thin. Raise framing.image_size or camera.fill of the stage."
        )
    raise InputError(f"{path}: found no pixel that can be compared: {problem}")


def _on_the_stage(path: str | Path, picture: Picture, view: StageView) -> FramedPicture | None:
    """Take a square picture with the stage's own backdrop by that, at any size."""
    height, width = picture.pixels.shape[:2]
    if picture.alpha is not None or height != width:
        return None
    shown = through_square(
        picture.pixels, (0.0, 0.0, float(width), float(width)), view.size, "hamming"
    )
    match = view.on_backdrop(shown)
    if match is None:
        return None
    if (match.brightness != 1).any():
        logger.warning(
            "%s: its backdrop is %s times as bright as the stage's (red, green, blue, linear light); "
            "the material is sought in the stage's own light",
            path,
            ", ".join(f"{factor:.2f}" for factor in match.brightness),
        )
    square = view.squares(width)[match.placement]
    rounded = np.rint(picture.pixels).astype(np.uint8)
    return FramedPicture(
        # The function that framed the training images: for their frames, their bytes.
        image=frame_image(rounded, square, view.size, view.filter),
        target=through_square(picture.pixels, square, view.size, view.filter, limit=255),
        weights=view.weights,
        encoding=picture.encoding,
        placement=match.placement,
        silhouette=match.silhouette,
        source=PictureSource(picture.kind, height, width, square),
    )


def _moved(picture: Picture, view: StageView, settings: Mapping) -> FramedPicture | None:
    """Find the object by alpha or before an even background, and move it onto the stage."""
    longest = WORKING_SCALE * view.size
    shown = None
    if picture.alpha is not None:
        outlines = [_premultiplied(picture, longest)]
    else:
        shown = _shrunk(picture.pixels, longest)
        outlines = [(own * alpha[..., None], alpha) for own, alpha in cut_outs(shown)]
    enough = settings["silhouette"]
    required = needed_overlap(view.coverage, enough)
    best = None
    for premultiplied, alpha in outlines:
        if not alpha.any():
            continue
        height, width = alpha.shape
        candidates = list(view.squares(width).values()) if height == width else []
        square, value = place(alpha, view.coverage, candidates, enough)
        if best is None or value > best[-1]:
            best = (premultiplied, alpha, square, value)
        # No other outline of the same thing can be much better.
        if value >= enough:
            break
    if best is None:
        return None
    premultiplied, alpha, square, value = best
    if value >= required and shown is not None:
        # Once it is known to be the object, its outline is known better than it showed: a highlight
        # as bright as the background leaves a gap.
        own = without_rim(shown, put(view.coverage, square, alpha.shape))
        coverage = view.coverage
        moved = through_square(own, square, view.size, view.filter) * coverage[..., None]
    else:
        coverage = through_square(alpha, square, view.size, view.filter)
        moved = through_square(premultiplied, square, view.size, view.filter)
    placement = "silhouette" if value >= required else "given"
    erosion = settings["erosion"]
    return _on_backdrop(moved, coverage, view, picture, square, placement, value, erosion)


def _as_given(picture: Picture, view: StageView, erosion: int) -> FramedPicture:
    """The largest square in the middle of the picture, taken for a framed image."""
    premultiplied, alpha = _premultiplied(picture, WORKING_SCALE * view.size)
    height, width = alpha.shape
    side = min(height, width)
    left, upper = (width - side) / 2, (height - side) / 2
    square = (left, upper, left + side, upper + side)
    coverage = through_square(alpha, square, view.size, view.filter)
    moved = through_square(premultiplied, square, view.size, view.filter)
    return _on_backdrop(moved, coverage, view, picture, square, "given", 0.0, erosion)


def _on_backdrop(
    premultiplied: np.ndarray,
    coverage: np.ndarray,
    view: StageView,
    picture: Picture,
    square: Box,
    placement: str,
    silhouette: float,
    erosion: int,
) -> FramedPicture:
    """A framed picture that is compared only where both its object and the stage's surely are.

    Args:
        square: in pixels of the picture after `_shrunk`.
    """
    target = np.clip(premultiplied + (1 - coverage[..., None]) * view.backdrop, 0, 255)
    inside = np.minimum(coverage, view.coverage) > 0.5
    weights = eroded(inside, erosion)
    height, width = picture.pixels.shape[:2]
    scale = max(1.0, max(height, width) / (WORKING_SCALE * view.size))
    left, upper, right, lower = (edge * scale for edge in square)
    return FramedPicture(
        image=np.rint(target).astype(np.uint8),
        target=target.astype(np.float32),
        weights=weights.astype(np.float32),
        encoding=picture.encoding,
        placement=placement,
        silhouette=silhouette,
        source=PictureSource(picture.kind, height, width, (left, upper, right, lower)),
    )


def _premultiplied(picture: Picture, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels by alpha, and alpha: what lies under transparent pixels mustn't bleed into others."""
    alpha = picture.alpha
    if alpha is None:
        alpha = np.ones(picture.pixels.shape[:2], np.float32)
    return _shrunk(picture.pixels * alpha[..., None], longest), _shrunk(alpha, longest)


def _shrunk(data: np.ndarray, longest: int) -> np.ndarray:
    """Float (height, width) or (height, width, channels) with no side longer than `longest`."""
    if data.ndim == 3:
        return np.stack([_shrunk(c, longest) for c in np.moveaxis(data, -1, 0)], axis=-1)
    image = Image.fromarray(np.ascontiguousarray(data, np.float32))
    scale = min(1.0, longest / max(image.size))
    size = tuple(max(1, round(side * scale)) for side in image.size)
    return np.asarray(image.resize(size, Image.Resampling.BOX))
