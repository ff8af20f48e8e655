"""Renders before rounding, whole and in part: what they are when rounded, and what they count."""

import numpy as np
import pytest

from inverse_shading.render import unrounded
from inverse_shading.render.framed_frames import FramedRenderer
from inverse_shading.render.framing import crop_box, frame_image
from inverse_shading.render.program import PackedProgram
from inverse_shading.render.unrounded import FEWEST, KEPT, UnroundedRenderer
from inverse_shading.runtime.errors import InputError
from inverse_shading.scene.srgb import srgb_encode
from inverse_shading.scene.stage_file import read_stage
from tests.support.small_stage import FRAMING, MATERIALS, SIZE, make_small_stage


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return make_small_stage(tmp_path_factory.mktemp("stage"))


@pytest.fixture(scope="module")
def program(path):
    program = PackedProgram(read_stage(path), "cpu", 1, targets=4)
    yield program
    program.release()


@pytest.fixture(scope="module")
def sampled(path):
    renderer = UnroundedRenderer(path, FRAMING, 2, "cpu", 1)
    yield renderer
    renderer.close()


def framed_frame(path, values):
    """What the data set's own steps make of a material."""
    with FramedRenderer(path, FRAMING, "cpu", 1) as renderer:
        return renderer.render(values)


def test_linear_light_encoded_is_the_shaded_byte(program):
    for values in MATERIALS:
        linear = program.shade_linear(values[None], program.covered)[0]
        levels = 255 * srgb_encode(np.clip(linear, 0, 1))
        assert np.abs(levels - program.shade(values)).max() < 0.7


@pytest.mark.parametrize("count", [1, 63, 500])
def test_the_first_pixels_are_the_same_alone(program, count):
    every = program.shade_linear(MATERIALS, program.covered)
    np.testing.assert_array_equal(program.shade_linear(MATERIALS, count), every[:, :count])


def test_materials_in_flight_do_not_mix(program):
    together = program.shade_linear(MATERIALS, program.covered)
    for values, pixels in zip(MATERIALS, together, strict=True):
        np.testing.assert_array_equal(
            program.shade_linear(values[None], program.covered)[0], pixels
        )
    assert np.ptp(together, axis=0).max() > 0.1


def test_values_that_are_no_numbers_are_noticed(program, sampled):
    bad = np.where(np.arange(10) == 0, np.nan, MATERIALS[0])
    assert program.shade_linear(np.stack([bad, MATERIALS[0]]), program.covered) is None
    for render in (sampled.image, sampled.rounded_image):
        with pytest.raises(InputError, match="are no numbers"):
            render(bad)


@pytest.mark.parametrize("values", MATERIALS)
def test_an_image_is_the_data_sets_own_before_rounding(path, sampled, values):
    expected = framed_frame(path, values)
    np.testing.assert_array_equal(sampled.rounded_image(values), expected)
    image = sampled.image(values)
    assert image.dtype == np.float32 and image.shape == expected.shape
    # Rounded once, not twice.
    assert np.abs(image - expected).max() <= 1.5
    assert np.abs(image.round() - expected).max() <= 1
    assert (image != image.round()).mean() > 0.3


def test_weights_are_how_far_the_object_reaches(path, sampled):
    mask = read_stage(path).mask
    box = crop_box(mask, FRAMING["margin"])
    white = np.repeat(mask[..., None] * np.uint8(255), 3, axis=-1)
    expected = frame_image(white, box, FRAMING["image_size"], FRAMING["filter"])[..., 0] / 255
    np.testing.assert_allclose(sampled.weights, expected, atol=1.5 / 255)
    assert sampled.weights.min() == 0 and sampled.weights.max() == 1


def difference_from_images(sampled, mask, pixels):
    """Levels between chosen pixels and the images' pixels, sorted."""
    assert pixels.dtype == np.float32 and pixels.shape == (3, mask.sum(), 3)
    images = np.stack([sampled.image(values) for values in MATERIALS])
    return np.sort(np.abs(pixels - images[:, mask]).ravel())


def test_a_bad_frame_is_rendered_again_in_a_fresh_context(path, monkeypatch):
    renderer = UnroundedRenderer(path, FRAMING, 2, "cpu", 1)
    for name, render, values in (
        ("shade_linear", renderer.image, MATERIALS[0]),
        ("shade_linear", renderer.sparse_pixels, MATERIALS),
        ("shade", renderer.rounded_image, MATERIALS[0]),
    ):
        expected = render(values)
        renderer._kept.clear()
        program = renderer._program._program
        # The first frame is bad, of this context alone.
        monkeypatch.setattr(program, name, lambda *_: None)
        np.testing.assert_array_equal(render(values), expected)
        assert renderer._program._program is not program
    monkeypatch.setattr(PackedProgram, "shade_linear", lambda *_: None)
    with pytest.raises(InputError, match=r"llvmpipe.*twice.*render\.device"):
        renderer.image(MATERIALS[1])
    renderer.close()


def test_pixels_are_those_of_their_images_of_their_images(sampled):
    for mask, pixels in (
        (sampled.sparse, sampled.sparse_pixels(MATERIALS)),
        (sampled.dense, sampled.dense_pixels(MATERIALS)),
    ):
        # Centres alone; the filter reaches over what the light does from pixel to pixel.
        difference = difference_from_images(sampled, mask, pixels)
        assert difference[len(difference) // 2] < 1
        assert difference[len(difference) * 9 // 10] < 4


def test_sparse_pixels_lie_where_the_surface_is_smooth(tmp_path):
    large = UnroundedRenderer(make_small_stage(tmp_path, SIZE * 3 // 2), FRAMING, 2, "cpu", 1)
    grid = np.zeros_like(large.dense)
    grid[1::2, 1::2] = True
    left_out = grid & large.dense & ~large.sparse
    rows, columns = np.indices(grid.shape) - (len(grid) - 1) / 2
    from_middle = np.hypot(rows, columns)
    assert not (large.sparse & ~grid).any() and large.sparse.sum() >= FEWEST
    # The ball turns away towards its rim.
    assert left_out.any() and from_middle[left_out].min() > np.median(from_middle[large.sparse])
    difference = difference_from_images(large, large.sparse, large.sparse_pixels(MATERIALS))
    assert difference[len(difference) * 9 // 10] < 1
    large.close()


def test_sparse_pixels_are_some_of_the_dense_ones(sampled):
    assert sampled.dense[sampled.sparse].all()
    assert FEWEST <= sampled.sparse.sum() < sampled.dense.sum() / 3
    assert (sampled.weights[sampled.dense] > 0.999).all()
    chosen = sampled.sparse[sampled.dense]
    np.testing.assert_array_equal(
        sampled.dense_pixels(MATERIALS)[:, chosen], sampled.sparse_pixels(MATERIALS)
    )


def test_more_materials_than_are_in_flight(sampled):
    many = np.tile(MATERIALS, (5, 1))
    pixels = sampled.sparse_pixels(many)
    np.testing.assert_array_equal(pixels, np.tile(sampled.sparse_pixels(MATERIALS), (5, 1, 1)))


def test_renders_are_counted_by_their_share_of_pixels(path, sampled):
    def counted(render):
        before = sampled.renders
        render()
        return sampled.renders - before

    assert counted(lambda: sampled.image(MATERIALS[0])) == pytest.approx(1)
    covered = read_stage(path).mask.sum()
    sparse = counted(lambda: sampled.sparse_pixels(MATERIALS))
    assert sparse == pytest.approx(3 * sampled.sparse.sum() / covered)
    dense = counted(lambda: sampled.dense_pixels(MATERIALS))
    assert dense == pytest.approx(3 * sampled.dense.sum() / covered)
    # Whole bytes, for people, are no part of a search.
    assert counted(lambda: sampled.rounded_image(MATERIALS[0])) == 0


def test_the_last_materials_are_kept_and_counted(sampled, monkeypatch):
    dense = sampled.dense_pixels(MATERIALS)
    frames = [sampled.frame(values) for values in MATERIALS]
    before = sampled.renders

    def fail(*_):
        raise AssertionError("rendered again")

    with monkeypatch.context() as patched:
        patched.setattr(sampled._program, "shade_linear", fail)
        for values, frame in list(zip(MATERIALS, frames, strict=True))[-KEPT:]:
            np.testing.assert_array_equal(sampled.frame(values), frame)
        # So that a picture's number of renders doesn't depend on the pictures before.
        assert sampled.renders - before == KEPT
        with pytest.raises(AssertionError, match="rendered again"):
            sampled.frame(MATERIALS[0])
        # A whole frame holds its pixels.
        np.testing.assert_array_equal(sampled.dense_pixels(MATERIALS[-KEPT:]), dense[-KEPT:])
    # What isn't kept is rendered beside what is.
    np.testing.assert_array_equal(sampled.dense_pixels(MATERIALS), dense)


def test_a_few_pixels_that_are_kept_are_no_frame(sampled):
    values = np.full(10, 0.3)
    sparse = sampled.sparse_pixels(values[None])
    frame = sampled.frame(values)
    np.testing.assert_array_equal(sampled.sparse_pixels(values[None]), sparse)
    np.testing.assert_array_equal(sampled.frame(values), frame)
    sampled._kept.clear()
    np.testing.assert_array_equal(sampled.frame(values), frame)


def test_a_kept_material_is_of_its_gains(sampled):
    values = np.full(10, 0.3)
    brighter = np.append(values, [1.5, 1.0, 0.5])
    plain, bright = sampled.image(values), sampled.image(brighter)
    assert bright[..., 0].sum() > plain[..., 0].sum() and bright[..., 2].sum() < plain[..., 2].sum()
    np.testing.assert_array_equal(sampled.image(values), plain)


def test_an_object_that_covers_no_pixel_wholly_can_not_be_compared(path, monkeypatch):
    monkeypatch.setattr(unrounded, "WHOLLY", 1.5)
    renderer = UnroundedRenderer(path, FRAMING, 2, "cpu", 1)
    assert not renderer.dense.any()
    for pixels in (renderer.dense_pixels, renderer.sparse_pixels):
        with pytest.raises(InputError, match=r"stage\.safetensors: its object is too thin"):
            pixels(MATERIALS)
    # Its pictures are drawn all the same.
    assert renderer.image(MATERIALS[0]).shape == (*renderer.weights.shape, 3)
    renderer.close()


def test_where_a_grid_has_too_few_pixels_all_are_taken(path):
    renderer = UnroundedRenderer(path, FRAMING, 16, "cpu", 1)
    np.testing.assert_array_equal(renderer.sparse, renderer.dense)
    renderer.close()
