"""The two lights that the project makes itself, and how one is chosen."""

import numpy as np
import pytest

from inverse_shading.runtime.errors import InputError
from inverse_shading.scene.built_in_lights import LIGHTS, daylight, find_light, studio, toward
from inverse_shading.scene.environment import irradiance_map, texel_directions


def test_the_studio_is_the_same_every_time_and_lights_from_all_around():
    light = studio()
    assert light.shape == (512, 1024, 3)
    assert light.dtype == np.float32
    np.testing.assert_array_equal(light, studio())
    assert np.isfinite(light).all()
    assert light.min() > 0
    # Roughness and tint need contrast and colour.
    assert light.max() > 50 * np.median(light)
    bright = light[light.max(axis=-1) > 2]
    assert (bright[:, 0] > 2 * bright[:, 2]).any()
    assert (bright[:, 2] > 2 * bright[:, 0]).any()


def test_daylight_is_the_same_every_time_and_has_a_sun_a_blue_sky_and_a_dull_ground():
    light = daylight()
    assert light.shape == (512, 1024, 3)
    assert light.dtype == np.float32
    np.testing.assert_array_equal(light, daylight())
    assert np.isfinite(light).all()
    assert light.min() > 0
    sun, zenith, nadir = light.reshape(-1, 3)[light[..., 0].argmax()], light[0, 0], light[-1, 0]
    assert sun[0] > sun[1] > sun[2] > 50
    assert zenith[2] > 1.5 * zenith[0]
    assert nadir[0] > nadir[2]


def test_the_sun_is_no_point():
    """Samples of a reflection are 16: what is smaller than a lobe between them makes sparkles."""
    _, angles = texel_directions(512, 1024)
    green = daylight()[..., 1]
    degrees = np.degrees(np.sqrt((angles * (green > 0.5 * green.max())).sum() / np.pi))
    assert 4 < degrees < 7


@pytest.mark.parametrize("name", LIGHTS)
def test_white_is_nearly_white_where_it_is_lit_best(name):
    brightest = irradiance_map(find_light(name)).max()
    assert 0.85 < brightest < 1.4


def test_daylight_comes_from_elsewhere_than_the_light_of_the_studio():
    def mean_side(light):
        directions, angles = texel_directions(*light.shape[:2])
        mean = np.einsum("hwd,hk,hwc->d", directions, angles, light)
        # Both come from above; the sides tell them apart.
        mean[1] = 0
        return mean / np.linalg.norm(mean)

    assert mean_side(studio()) @ mean_side(daylight()) < 0


def test_directions_are_named_from_the_front():
    np.testing.assert_allclose(toward(0, 0), [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(toward(90, 0), [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(toward(30, 90), [0, 1, 0], atol=1e-12)


def test_a_light_is_found_by_name_or_by_path(tmp_path):
    np.testing.assert_array_equal(find_light("builtin"), studio())
    np.testing.assert_array_equal(find_light("daylight"), daylight())
    with pytest.raises(InputError, match=r"sunset\.hdr"):
        find_light(tmp_path / "sunset.hdr")
