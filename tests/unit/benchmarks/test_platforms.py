"""What other renderers are given: numbers of a Principled BSDF, and the stage's mesh as a file."""

import numpy as np
import pytest
import trimesh

from benchmarks.platforms import gltf, index, openpbr, reflectance, standard, usd, write_ply
from inverse_shading.scene.shader_ball import shader_ball

OPENPBR = {
    "base_color": [0.4, 0.2, 0.1],
    "base_metalness": 0.0,
    "base_diffuse_roughness": 0.0,
    "specular_weight": 1.0,
    "specular_color": [1.0, 1.0, 1.0],
    "specular_roughness": 0.3,
    "specular_ior": 1.5,
}


def test_a_dielectric_is_the_same_in_every_model():
    expected = standard([0.5, 0.8, 0.4, 0.2, 1.0, 0.3, 1.0, 1.0, 1.0, 0.0])
    color = OPENPBR["base_color"]
    found = [
        openpbr(OPENPBR),
        gltf(
            {"base_color": color, "metallic": 0.0, "roughness": 0.3}
            | {"specular": 1.0, "specular_color": [1.0, 1.0, 1.0], "ior": 1.5}
        ),
        usd(
            {"useSpecularWorkflow": 0, "diffuseColor": color, "metallic": 0.0, "roughness": 0.3}
            | {"ior": 1.5}
        ),
        usd(
            {"useSpecularWorkflow": 1, "diffuseColor": color, "roughness": 0.3}
            | {"specularColor": [0.04, 0.04, 0.04], "ior": 1.5}
        ),
    ]
    for numbers in found:
        assert numbers.keys() == expected.keys()
        for name in expected.keys() - {"coat", "sheen"}:
            assert numbers[name] == pytest.approx(expected[name])
        # Layers of no weight.
        assert numbers["coat"] == expected["coat"] and numbers["sheen"] == expected["sheen"]


def test_a_weight_darkens_metal_and_leaves_the_diffuse_part():
    numbers = openpbr(OPENPBR | {"base_metalness": 0.5, "specular_weight": 0.6})
    metal, color = numbers["metallic"], np.array(numbers["base_color"])
    np.testing.assert_allclose((1 - metal) * color, 0.5 * np.array(OPENPBR["base_color"]))
    np.testing.assert_allclose(metal * color, 0.5 * 0.6 * np.array(OPENPBR["base_color"]))
    dielectric = (1 - metal) * reflectance(numbers["ior"])
    assert dielectric == pytest.approx(0.5 * 0.6 * reflectance(1.5))
    assert openpbr(OPENPBR | {"base_metalness": 1.0, "specular_weight": 0.0})["metallic"] == 0


def test_a_coat_darkens_and_roughens_what_it_covers():
    coat = {
        "coat_weight": 1.0,
        "coat_color": [1.0, 0.5, 1.0],
        "coat_roughness": 0.4,
        "coat_ior": 1.6,
    }
    numbers = openpbr(OPENPBR | coat)
    # Of what comes back from the base, the coat's inner side returns this share, again and again.
    inner = 1 - (1 - reflectance(1.6)) / 1.6**2
    color = np.array(OPENPBR["base_color"])
    darkened = color * (1 - inner) / (1 - color * inner)
    np.testing.assert_allclose(numbers["base_color"], darkened * [1, 0.5, 1])
    assert numbers["roughness"] == pytest.approx((2 * 0.4**4 + 0.3**4) ** 0.25)
    assert reflectance(numbers["ior"]) == pytest.approx(reflectance(1.6 / 1.5))
    assert numbers["coat"] == {"weight": 1.0, "roughness": 0.4, "ior": 1.6}


def test_an_index_of_refraction_leads_to_its_reflectance_and_back():
    for ior in (1.0, 1.5, 3.0):
        assert index(reflectance(ior)) == pytest.approx(ior)


def test_a_mesh_comes_back_from_its_file(tmp_path):
    mesh = shader_ball()
    write_ply(tmp_path / "ball.ply", mesh)
    found = trimesh.load(tmp_path / "ball.ply", process=False)
    np.testing.assert_array_equal(found.vertices, mesh.positions)
    np.testing.assert_array_equal(found.faces, mesh.triangles)
    np.testing.assert_allclose(found.vertex_normals, mesh.normals, atol=1e-5)
