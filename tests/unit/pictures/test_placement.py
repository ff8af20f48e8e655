import io

import numpy as np
import pytest
from PIL import Image

from inverse_shading.pictures.placement import frame_picture
from inverse_shading.pictures.settings import Placement
from inverse_shading.pictures.silhouette import place
from inverse_shading.render.framing import crop_box, frame_image
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.shipped import shipped_values
from inverse_shading.scene.stage_file import Stage

FRAME, SIZE = 192, 96
FRAMING = {"image_size": SIZE, "margin": 0.05, "filter": "lanczos"}
ROWS, COLUMNS = np.mgrid[:FRAME, :FRAME]


def disc(row, column, radius):
    return (ROWS - row) ** 2 + (COLUMNS - column) ** 2 < radius**2


# Its own mirror image, so that only the crease between its two halves tells left from right.
MASK = disc(86, 96, 62) | ((abs(COLUMNS - 96) < 50) & (abs(ROWS - 145) < 25))
SLOPE = COLUMNS + 0.5 * ROWS < 120


def stage():
    """A ball on a foot before a gradient; without what only rendering needs."""
    background = np.stack([70 + ROWS / 8, 72 + ROWS / 8, 75 + ROWS / 8], axis=-1)
    normals = np.where(SLOPE[..., None], (-0.8, 0.0, 0.6), (0.6, 0.0, 0.8)).astype(np.float32)
    surface = np.zeros((3, int(MASK.sum()), 3), np.float32)
    surface[1] = normals[MASK]
    return Stage(
        mask=MASK,
        surface=surface,
        radiance=np.ones((2, 4, 3), np.float32),
        irradiance=np.ones((2, 4, 3), np.float32),
        background=np.rint(background).astype(np.uint8),
        view_position=np.zeros(3),
        environment_samples=1,
        pixel_stage="",
        essl_pixel_stage="",
        uniforms={},
        materialx_version="",
    )


def shading(color=(190, 90, 40)):
    """What the object shows: a colour, darker beyond the crease, with a soft highlight."""
    light = np.where(SLOPE, 1.0, 0.55) + 0.4 * np.exp(
        -((ROWS - 60) ** 2 + (COLUMNS - 110) ** 2) / 200
    )
    return np.clip(np.asarray(color) * light[..., None], 0, 255)


def frame(background=None, mask=MASK, color=(190, 90, 40)):
    background = stage().background if background is None else background
    return np.where(mask[..., None], np.rint(shading(color)), background).astype(np.uint8)


def training_image(picture):
    return frame_image(picture, crop_box(MASK, FRAMING["margin"]), SIZE, FRAMING["filter"])


def framed(folder, pixels, name="picture.png", any_silhouette=False, **options):
    path = folder / name
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.save(path, **options)
    return frame_picture(path, stage(), FRAMING, any_silhouette=any_silhouette)


def resized(pixels, width, height=None):
    image = Image.fromarray(pixels).resize((width, height or width), Image.Resampling.LANCZOS)
    return np.asarray(image)


def jpeg(pixels, quality=85):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def error(found, inside_only=True):
    """Root mean square difference from the training image, in levels of 255."""
    difference = found.target - training_image(frame())
    if inside_only:
        difference = difference[found.weights > 0]
    return float(np.sqrt(np.square(difference).mean()))


def test_a_frame_of_the_stage_becomes_its_training_image_to_the_bit(tmp_path):
    found = framed(tmp_path, frame())
    assert found.placement == "frame" and found.encoding == "srgb" and found.silhouette > 0.9
    assert found.image.dtype == np.uint8 and found.image.shape == (SIZE, SIZE, 3)
    np.testing.assert_array_equal(found.image, training_image(frame()))
    assert found.target.dtype == np.float32
    # Pillow rounds between the two passes of its filter.
    assert np.abs(found.target - found.image).max() < 2
    assert found.target.min() >= 0 and found.target.max() <= 255


def test_a_sharp_highlight_is_clipped_between_the_filters_passes_as_bytes_are(tmp_path):
    sparkling = frame(color=(5, 5, 5))
    sparkling[50:110:8, 80:120] = 255
    sparkling[50:110, 80:120:8] = 255
    found = framed(tmp_path, sparkling)
    assert found.placement == "frame"
    # What rounding changes. Both passes overshoot: clipped in the end alone, 17 levels.
    assert np.abs(found.target - training_image(sparkling)).max() < 2


def test_a_training_image_is_taken_as_it_is(tmp_path):
    image = training_image(frame())
    found = framed(tmp_path, image)
    assert found.placement == "framed"
    np.testing.assert_array_equal(found.image, image)
    np.testing.assert_allclose(found.target, image, atol=1e-4)


def test_weights_are_where_the_object_contributes(tmp_path):
    found = framed(tmp_path, frame())
    other = framed(tmp_path, frame(color=(30, 140, 200)))
    assert found.weights.dtype == np.float32 and set(np.unique(found.weights)) == {0, 1}
    change = np.abs(found.target - other.target).max(axis=2)
    # Beside the outline the filter takes a little of the object away; that counts as none.
    assert change[found.weights == 0].max() < 0.1 * change.max()
    assert (change[found.weights > 0] > 0).all()


@pytest.mark.parametrize("side", [64, 96, 150, 400])
@pytest.mark.parametrize("placement", ["frame", "framed"])
def test_any_size_is_recognised(tmp_path, side, placement):
    picture = frame()
    if placement == "framed":
        picture = frame_image(picture, crop_box(MASK, 0.05), side, "lanczos")
    else:
        picture = resized(picture, side)
    # JPEG of a picture as small as this stage's spills too far.
    for name in ("picture.png", "picture.jpg") if side > SIZE else ("picture.png",):
        found = framed(tmp_path, picture, name, quality=85)
        assert found.placement == placement
        assert error(found) < (15 if side < SIZE else 6)


def cut_out():
    return np.dstack([np.where(MASK[..., None], frame(), 0), MASK * 255]).astype(np.uint8)


def test_a_cut_out_is_put_on_the_stage(tmp_path):
    found = framed(tmp_path, cut_out())
    assert found.placement == "silhouette" and found.silhouette > 0.99
    assert error(found, inside_only=False) < 0.6


def test_a_cut_out_may_lie_anywhere_at_any_size(tmp_path):
    image = Image.fromarray(cut_out()).resize((300, 300), Image.Resampling.LANCZOS)
    tight = np.asarray(image.crop(image.getbbox()))
    wide = np.zeros((500, 640, 4), np.uint8)
    wide[150 : 150 + tight.shape[0], 31 : 31 + tight.shape[1]] = tight
    for pixels in (tight, wide):
        found = framed(tmp_path, pixels)
        assert found.placement == "silhouette"
        assert error(found) < 2 and error(found, inside_only=False) < 4


def test_an_object_displaced_on_its_stage_is_put_into_place(tmp_path):
    moved = np.where(
        np.roll(MASK, 12, axis=1)[..., None], np.roll(frame(), 12, axis=1), stage().background
    )
    found = framed(tmp_path, moved)
    assert found.placement == "silhouette"
    assert error(found) < 2


@pytest.mark.parametrize("background", ["white", "black", "gradient"])
def test_an_even_background_is_replaced_by_the_stages(tmp_path, background):
    behind = {
        "white": np.full((FRAME, FRAME, 3), 255),
        "black": np.zeros((FRAME, FRAME, 3)),
        "gradient": np.stack([120 + ROWS / 2, 200 - COLUMNS / 4, 150 + ROWS / 4], axis=-1),
    }[background]
    picture = resized(frame(behind.astype(np.uint8)), 420)[30:410, 10:400]
    found = framed(tmp_path, picture)
    assert found.placement == "silhouette" and found.silhouette > 0.98
    assert error(found) < 2 and error(found, inside_only=False) < 5
    assert framed(tmp_path, jpeg(picture)).placement == "silhouette"


def test_only_the_inside_of_a_cut_out_is_compared(tmp_path):
    whole, cut = framed(tmp_path, frame()).weights, framed(tmp_path, cut_out()).weights
    assert cut.sum() > 0.75 * whole.sum()
    assert not (cut > whole).any()


def test_a_highlight_as_bright_as_the_background_leaves_no_gap(tmp_path):
    shown = frame(np.full((FRAME, FRAME, 3), 255, np.uint8))
    # At the outline, where it can't be told from what is behind.
    spot = disc(86, 34, 7) & MASK
    shown[spot] = 255
    expected = frame()
    expected[spot] = 255
    found = framed(tmp_path, shown)
    inside = found.weights > 0
    difference = (found.target - training_image(expected))[inside]
    assert np.sqrt(np.square(difference).mean()) < 2


def test_a_thing_that_is_long_the_other_way_asks_for_no_huge_square():
    """By the height of the one and the width of the other the square would be forty times as large."""
    rod, lying = np.zeros((SIZE, SIZE), np.float32), np.zeros((40, 400), np.float32)
    rod[2:-2, SIZE // 2] = 1
    lying[10:30, 5:395] = 1
    (left, upper, right, lower), overlap = place(lying, rod, [], 0.97)
    assert right - left < 5 * 400 and right - left == pytest.approx(lower - upper)
    assert overlap < 0.5


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("empty", "found"),
        ("noise", "no object before an even background"),
        ("upside down", "overlaps the object's by 0"),
        ("mirrored", "a mirrored picture"),
        ("mirrored cut-out", "a mirrored picture"),
        ("another shape", "overlaps the object's by 0"),
        ("another shape on the stage", "found"),
        ("a transparent sheet", "no object"),
    ],
)
def test_what_does_not_show_the_object_is_refused(tmp_path, what, reason):
    pixels = {
        "empty": stage().background,
        "noise": np.random.default_rng(0).integers(0, 256, (FRAME, FRAME, 3), dtype=np.uint8),
        "upside down": frame()[::-1],
        "mirrored": frame()[:, ::-1],
        "mirrored cut-out": cut_out()[:, ::-1],
        "another shape": frame(np.full((FRAME, FRAME, 3), 255, np.uint8), disc(96, 96, 60)),
        "another shape on the stage": frame(mask=disc(86, 96, 62)),
        "a transparent sheet": np.zeros((FRAME, FRAME, 4), np.uint8),
    }[what]
    message = rf"other\.png: .*{reason}.*expected the stage's own object.*--any-silhouette"
    with pytest.raises(InputError, match=message):
        framed(tmp_path, pixels, "other.png")
    if what == "a transparent sheet":
        with pytest.raises(InputError, match=r"other\.png: found no pixel that can be compared"):
            framed(tmp_path, pixels, "other.png", any_silhouette=True)
        return
    forced = framed(tmp_path, pixels, "other.png", any_silhouette=True)
    assert forced.image.shape == (SIZE, SIZE, 3) and np.isfinite(forced.target).all()


def test_how_well_a_silhouette_must_fit_is_a_setting(tmp_path):
    """An outline of another size passes or fails by the config's overlap alone."""
    cut = np.dstack([frame(), MASK * 255]).astype(np.uint8)
    cut[: FRAME // 4, :, 3] = 0
    Image.fromarray(cut).save(tmp_path / "cut.png")
    strict = shipped_values(Placement)
    with pytest.raises(InputError, match=r"overlaps the object's by 0\.\d+, .*\(at least 0\.97\)"):
        frame_picture(tmp_path / "cut.png", stage(), FRAMING, settings=strict)
    loose = strict | {"silhouette": 0.86, "erosion": 0}
    found = frame_picture(tmp_path / "cut.png", stage(), FRAMING, settings=loose)
    assert found.placement == "silhouette"
    eroded = frame_picture(tmp_path / "cut.png", stage(), FRAMING, settings=loose | {"erosion": 3})
    assert eroded.weights.sum() < found.weights.sum()


def test_a_forced_picture_is_marked_as_given(tmp_path):
    pixels = frame(np.full((FRAME, FRAME, 3), 255, np.uint8), disc(96, 96, 60))
    found = framed(tmp_path, pixels, any_silhouette=True)
    assert found.placement == "given" and 0.5 < found.silhouette < 0.97
    assert found.weights.any()
    noise = np.random.default_rng(0).integers(0, 256, (SIZE, 300, 3), dtype=np.uint8)
    found = framed(tmp_path, noise, any_silhouette=True)
    assert found.placement == "given" and found.silhouette == 0
    np.testing.assert_array_equal(found.image, noise[:, 102:198])


def ellipse(x, y, wide, high):
    """In units of half the frame, from its middle."""
    across, up = COLUMNS * 2 / FRAME - 1, 1 - ROWS * 2 / FRAME
    return ((across - x) / wide) ** 2 + ((up - y) / high) ** 2 < 1


# Tall, wide and thin ones, some whose crop is nearly the frame, a ring, and many parts.
SHAPES = {
    "tall": ellipse(0, 0.05, 0.2, 0.87),
    "wide": ellipse(0, -0.1, 0.86, 0.22) & ~ellipse(0.5, 0.1, 0.2, 0.1),
    "rod": ellipse(0, 0, 0.05, 0.82),
    "ring": ellipse(0, 0, 0.84, 0.84) & ~ellipse(0, 0.02, 0.75, 0.75),
    "teapot": ellipse(-0.03, 0, 0.6, 0.5)
    | (ellipse(-0.64, 0.05, 0.23, 0.25) & ~ellipse(-0.64, 0.05, 0.13, 0.15))
    | ellipse(0.7, 0.15, 0.18, 0.08),
    "parts": np.any(
        [ellipse(x, y, 0.12, 0.12) for x, y in [(-0.7, 0), (0.7, 0.3), (0, 0.6), (0.2, -0.7)]],
        axis=0,
    ),
}


@pytest.fixture
def shaped(tmp_path, monkeypatch):
    """A frame of the stage with another object, and what `framed` finds in a picture of it."""

    def make(shape):
        mask = SHAPES[shape]
        monkeypatch.setitem(globals(), "MASK", mask)

        def find(pixels, name="picture.png", **options):
            return framed(tmp_path, pixels, name, **options)

        return frame(mask=mask), find

    return make


@pytest.mark.parametrize("side", [72, SIZE, 2 * SIZE])
@pytest.mark.parametrize("shape", SHAPES)
def test_frames_and_crops_of_any_shape_are_told_apart(shaped, shape, side):
    picture, find = shaped(shape)
    crop = frame_image(picture, crop_box(MASK, FRAMING["margin"]), side, "lanczos")
    assert find(crop).placement == "framed"
    assert find(resized(picture, side)).placement == "frame"


@pytest.mark.parametrize("shape", SHAPES)
def test_cut_outs_of_any_shape_are_put_into_place(shaped, shape):
    picture, find = shaped(shape)
    cut = np.dstack([np.where(MASK[..., None], picture, 0), MASK * 255]).astype(np.uint8)
    wide = np.zeros((300, 400, 4), np.uint8)
    wide[60 : 60 + FRAME, 31 : 31 + FRAME] = cut
    expected = training_image(picture).astype(float)
    for pixels in (cut, wide, np.where(MASK[..., None], picture, 255)):
        found = find(pixels.astype(np.uint8))
        assert found.placement == "silhouette" and found.weights.sum() > 20
        difference = (found.target - expected)[found.weights > 0]
        assert np.sqrt(np.square(difference).mean()) < 8


@pytest.mark.parametrize("shape", ["teapot", "rod"])
@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_a_frame_of_another_brightness_is_a_frame(shaped, shape, factor, caplog):
    picture, find = shaped(shape)
    found = find(np.clip(picture * factor, 0, 255).astype(np.uint8))
    assert found.placement == "frame"
    assert "as bright as the stage's" in caplog.text


@pytest.mark.parametrize("shape", ["wide", "rod", "ring", "teapot", "parts"])
def test_another_shape_is_refused_whatever_the_stages_is(shaped, shape):
    _, find = shaped(shape)
    other = frame(mask=ellipse(0.1, 0, 0.4, 0.5))
    turned = frame(mask=SHAPES[shape].T[::-1]) if shape in ("wide", "rod", "parts") else other
    for pixels in (other, turned):
        with pytest.raises(InputError, match="expected the stage's own object"):
            find(pixels)
