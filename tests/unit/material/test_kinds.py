"""Kinds of material: where they begin and end."""

import numpy as np

from inverse_shading.material.kinds import material_kinds

# Of no kind: half rough, half metal, bright.
PLAIN = [0.8, 0.5, 0.5, 0.5, 0.8, 0.4, 0.5, 0.5, 0.5, 0.3]


def kinds_of(**changes):
    names = {"base": 0, "blue": 3, "specular": 4, "roughness": 5, "tint": 8, "metalness": 9}
    values = np.array(PLAIN)
    for name, value in changes.items():
        values[names[name]] = value
    return {name for name, found in material_kinds(values).items() if found}


def test_a_material_may_be_of_no_kind_or_of_several():
    assert kinds_of() == set()
    assert kinds_of(roughness=0.1, metalness=0.9) == {"smooth", "metal"}
    assert kinds_of(base=0.1, specular=0.2, metalness=0.1, roughness=0.7) == {
        "dark",
        "weakly reflecting",
        "dielectric",
        "rough",
    }


def test_bounds_themselves_belong_to_no_kind():
    assert kinds_of(roughness=0.2) == kinds_of(roughness=0.6) == set()
    assert kinds_of(metalness=0.2) == kinds_of(metalness=0.5) == set()


def test_the_brightest_channel_of_the_product_counts():
    # 0.15 * 0.5 is dark, 0.15 * 0.9 is not; likewise of the reflection.
    assert kinds_of(base=0.15) == {"dark"}
    assert kinds_of(base=0.15, blue=0.9) == set()
    assert kinds_of(specular=0.2) == {"weakly reflecting"}
    assert kinds_of(specular=0.2, tint=0.9) == set()


def test_many_materials_at_once():
    found = material_kinds(np.array([PLAIN] * 6).reshape(2, 3, 10))
    assert {one.shape for one in found.values()} == {(2, 3)}
