"""Differences of images: known values, only the mask counts, FLIP and its colours."""

import dataclasses

import flip_evaluator
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from inverse_shading.evaluation.image_difference import (
    LARGEST_PSNR,
    ImageDifference,
    compare_images,
    flip_map,
)
from inverse_shading.evaluation.measures import MEASURES
from inverse_shading.report.difference_colors import flip_colors

SIZE = 32
EVERYWHERE = np.ones((SIZE, SIZE), bool)


def picture(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)


def test_every_measure_has_a_name():
    assert tuple(field.name for field in dataclasses.fields(ImageDifference)) == MEASURES


def test_equal_images_differ_in_nothing():
    image = picture()
    found = compare_images(image, image.copy(), EVERYWHERE)
    assert (found.rms, found.psnr, found.flip) == (0, LARGEST_PSNR, 0)
    assert found.ssim == pytest.approx(1)


def test_rms_and_psnr_are_those_of_the_definition():
    grey = np.full((SIZE, SIZE, 3), 100, np.uint8)
    other = grey.copy()
    # One channel of every pixel by 12 levels: a third of the squares.
    other[..., 1] = 112
    found = compare_images(grey, other, EVERYWHERE)
    assert found.rms == pytest.approx(12 / 3**0.5)
    assert found.psnr == pytest.approx(10 * np.log10(255**2 / (144 / 3)))
    # Darker is as far as brighter, though levels are unsigned.
    other[..., 1] = 88
    assert compare_images(grey, other, EVERYWHERE).rms == pytest.approx(12 / 3**0.5)


def test_the_smallest_difference_of_a_common_image_is_below_the_cap():
    black = np.zeros((224, 224, 3), np.uint8)
    other = black.copy()
    other[100, 100, 0] = 1
    assert 99 < compare_images(black, other, np.ones((224, 224), bool)).psnr < LARGEST_PSNR


def test_what_is_outside_of_the_mask_does_not_count():
    image, other = picture(), picture()
    other[:, :8] = 255 - other[:, :8]
    right = np.zeros((SIZE, SIZE), bool)
    # Farther from the change than the windows of SSIM and FLIP reach.
    right[:, -4:] = True
    found = compare_images(image, other, right)
    assert (found.rms, found.flip) == (0, 0)
    assert found.ssim == pytest.approx(1)
    assert compare_images(image, other, ~right).rms > 10


def test_structure_tells_noise_from_a_shift_of_brightness():
    smooth = np.broadcast_to(
        np.linspace(40, 200, SIZE).astype(np.uint8)[:, None, None], (SIZE, SIZE, 3)
    ).copy()
    noise = np.random.default_rng(1).choice([-10, 10], smooth.shape)
    noisy = compare_images(smooth, (smooth + noise).astype(np.uint8), EVERYWHERE)
    brighter = compare_images(smooth, smooth + 10, EVERYWHERE)
    assert noisy.rms == brighter.rms == 10
    assert noisy.ssim < 0.7 < 0.95 < brighter.ssim < 1


def test_flip_is_a_map_between_none_and_all_that_both_orders_share():
    image, other = picture(), picture(1)
    errors = flip_map(image, other)
    assert (errors.shape, errors.dtype) == ((SIZE, SIZE), np.float32)
    assert errors.min() > 0 and errors.max() <= 1
    assert np.allclose(errors, flip_map(other, image), atol=1e-6)


def test_flip_takes_levels_as_srgb():
    """The libraries' own reading of the levels: a step in the dark is seen as one in the light is."""
    dark, light = (np.full((SIZE, SIZE, 3), level, np.uint8) for level in (40, 200))
    ratio = flip_map(dark, dark + 10).mean() / flip_map(light, light + 10).mean()
    # Taken for linear light, it would be above 2.
    assert 0.5 < ratio < 1.5


def smooth_picture(seed, height=60, width=90):
    """Blurs of colour, as renders have them, beside the noise of `picture`."""
    field = np.random.default_rng(seed).normal(size=(height, width, 3))
    field = gaussian_filter(field, (6, 6, 0))
    return np.rint(255 * (field - field.min()) / np.ptp(field)).astype(np.uint8)


@pytest.mark.parametrize(
    ("image", "other"),
    [
        (picture(), picture(1)),
        (smooth_picture(0), smooth_picture(1)),
        (smooth_picture(0), np.roll(smooth_picture(0), 2, axis=1)),
        (smooth_picture(0, 7, 300), smooth_picture(1, 7, 300)),
        (smooth_picture(0, 64, 128), smooth_picture(1, 64, 128)),
        (smooth_picture(0, 65, 1), smooth_picture(1, 65, 1)),
        (np.full((20, 20, 3), 255, np.uint8), np.zeros((20, 20, 3), np.uint8)),
        (np.full((20, 20, 3), (0, 255, 0), np.uint8), np.full((20, 20, 3), (0, 0, 255), np.uint8)),
    ],
    ids=[
        "noise",
        "blurs",
        "shifted",
        "lower than the filter",
        "whole blocks",
        "a column",
        "black and white",
        "green and blue",
    ],
)
def test_flip_is_that_of_its_authors_library(image, other):
    floats = [np.float32(each) / 255 for each in (image, other)]
    theirs, _, _ = flip_evaluator.evaluate(*floats, "LDR", applyMagma=False)
    found = flip_map(image, other)
    np.testing.assert_allclose(found, theirs[..., 0], atol=2e-4)
    assert found.dtype == np.float32 and found.min() >= 0 and found.max() <= 1
    assert found.mean(dtype=float) == pytest.approx(theirs.mean(dtype=float), abs=5e-6)


def test_colours_are_those_of_flip_itself():
    floats = [np.float32(each) / 255 for each in (picture(), picture(1))]
    colors, _, _ = flip_evaluator.evaluate(*floats, "LDR")
    errors, _, _ = flip_evaluator.evaluate(*floats, "LDR", applyMagma=False)
    assert np.array_equal(flip_colors(errors[..., 0]), np.rint(255 * colors))


@pytest.mark.parametrize(
    ("reference", "test", "mask"),
    [
        (picture(), picture()[:-1], EVERYWHERE),
        (picture() / 255, picture() / 255, EVERYWHERE),
        (picture()[..., 0], picture()[..., 0], EVERYWHERE),
        (picture(), picture(), EVERYWHERE[:-1]),
        (picture(), picture(), np.ones((SIZE, SIZE))),
        (picture(), picture(), ~EVERYWHERE),
    ],
)
def test_other_shapes_and_types_are_refused(reference, test, mask):
    with pytest.raises(ValueError, match="expected"):
        compare_images(reference, test, mask)
