"""What other renderers are given: numbers of a Principled BSDF, and the stage's mesh as a file."""

import numpy as np
import pytest
import trimesh

from benchmarks.platforms import gltf, index, openpbr, reflectance, standard, usd, write_ply
from inverse_shading.scene.shader_ball import shader_ball


def test_a_dielectric_is_the_same_in_every_model():
    expected = standard([0.5, 0.8, 0.4, 0.2, 1.0, 0.3, 1.0, 1.0, 1.0, 0.0])
    color, common = [0.4, 0.2, 0.1], {"specular_color": [1.0, 1.0, 1.0]}
    found = [
        openpbr(
            common
            | {"base_color": color, "base_metalness": 0.0, "specular_roughness": 0.3}
            | {"specular_weight": 1.0, "specular_ior": 1.5}
        ),
        gltf(
            common
            | {"base_color": color, "metallic": 0.0, "roughness": 0.3, "specular": 1.0, "ior": 1.5}
        ),
        usd(
            {"useSpecularWorkflow": 0, "diffuseColor": color, "metallic": 0.0, "roughness": 0.3}
            | {"ior": 1.5}
        ),
        usd(
            {"useSpecularWorkflow": 1, "diffuseColor": color, "roughness": 0.3}
            | {"specularColor": [0.04, 0.04, 0.04]}
        ),
    ]
    for numbers in found:
        assert numbers.keys() == expected.keys()
        for name, value in expected.items():
            assert numbers[name] == pytest.approx(value)


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
