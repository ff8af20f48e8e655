"""Which inputs a picture can't tell, and the reason that is given."""

import numpy as np

from inverse_shading.inversion.reasons import (
    DARK_REASON,
    DETERMINED,
    METAL_REASON,
    PRODUCT_REASON,
    reasons,
)
from inverse_shading.material.parameters import PARAMETERS

LEVEL = 0.8
BASE = ["base", "base_color_r", "base_color_g", "base_color_b"]
REFLECTION = ["specular", "specular_color_r", "specular_color_g", "specular_color_b"]


def found(width, **changes):
    """Reasons of a grey dielectric with these changes, all intervals of one width."""
    values = dict.fromkeys(PARAMETERS, 0.5) | {"metalness": 0.1} | changes
    low = np.zeros(10)
    return reasons(np.array([values[name] for name in PARAMETERS]), low, low + width, LEVEL)


def test_short_intervals_are_told():
    assert set(found(DETERMINED * LEVEL - 0.01).values()) == {None}
    assert None not in found(DETERMINED * LEVEL + 0.01).values()


def test_factors_of_a_product_hide_each_other():
    open_ones = found(0.7)
    assert {open_ones[name] for name in BASE + REFLECTION} == {PRODUCT_REASON}


def test_the_dark_hides_what_it_is_made_of():
    dark = found(0.7, base=0.04)
    assert {dark[name] for name in BASE} == {DARK_REASON}
    assert {dark[name] for name in REFLECTION} == {PRODUCT_REASON}
    dull = found(0.7, specular=0.04)
    assert {dull[name] for name in REFLECTION} == {DARK_REASON}
    assert {dull[name] for name in BASE} == {PRODUCT_REASON}
    # One bright channel is seen.
    assert found(0.7, base_color_r=0.0, base_color_g=0.0)["base"] == PRODUCT_REASON


def test_a_metal_hides_its_specular_inputs():
    metal = found(0.7, metalness=0.9, specular=0.04)
    assert {metal[name] for name in REFLECTION} == {METAL_REASON}
    assert {metal[name] for name in BASE} == {PRODUCT_REASON}


def test_roughness_and_metalness_are_hidden_in_the_dark_alone():
    for metalness in (0.1, 0.9):
        hidden = found(0.7, metalness=metalness)
        assert hidden["specular_roughness"] == hidden["metalness"] == DARK_REASON


def test_what_is_only_seen_multiplied_is_not_told_without_its_partner():
    values, low, high = np.full(10, 0.5), np.full(10, 0.4), np.full(10, 0.6)
    high[PARAMETERS.index("specular")] = 1.0
    # Surer than any product could make it.
    low[PARAMETERS.index("specular_color_g")] = high[PARAMETERS.index("specular_color_g")] - 0.01
    found = reasons(values, low, high, LEVEL)
    undetermined = ("specular", "specular_color_r", "specular_color_b")
    assert found == dict.fromkeys(PARAMETERS) | dict.fromkeys(undetermined, PRODUCT_REASON)
