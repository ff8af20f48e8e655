"""A material on other platforms: files that other programs read, and a certificate that is true."""

import json
import shutil
from dataclasses import replace

import MaterialX as mx
import numpy as np
import pytest
import trimesh
from pxr import Usd, UsdShade

from inverse_shading.command import main
from inverse_shading.export import export_materials as exporting
from inverse_shading.export.certificate import in_novel_light
from inverse_shading.export.export_materials import check_mesh, export_materials
from inverse_shading.export.glb import glb_bytes
from inverse_shading.export.renders import PixelRenderer
from inverse_shading.export.shaders import target_stage
from inverse_shading.export.targets import OPENPBR, TARGETS
from inverse_shading.material.document import INPUTS, make_material, standard_library
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.resources import Resources
from inverse_shading.scene.built_in_lights import daylight, studio
from inverse_shading.scene.make_stage import stage_mesh
from inverse_shading.scene.mesh import load_mesh
from inverse_shading.scene.stage_file import read_stage, save_stage
from tests.support.gltf_validator import issues
from tests.support.small_stage import MATERIALS, make_small_stage

CPU = Resources("cpu", 1)
# A tinted dielectric with a little metal in it: no target has quite the same.
VALUES = MATERIALS[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    make_small_stage(folder)
    (folder / "red.mtlx").write_text(mx.writeToXmlString(make_material(VALUES)))
    return folder


@pytest.fixture(scope="module")
def exported(folder):
    """All three targets of one material. Not to be changed."""
    output = folder / "exports"
    code = main(
        [
            "export", str(folder / "red.mtlx"), "--to", "openpbr,gltf,usd",
            "--stage", str(folder / "stage.safetensors"), "--output", str(output),
            "--render-device", "cpu", "--threads", "1",
        ]
    )  # fmt: skip
    assert code == 0
    return output


@pytest.fixture(scope="module")
def certificate(exported):
    return json.loads((exported / "red_certificate.json").read_text())


def test_there_are_the_files_that_the_certificate_lists(exported, certificate):
    names = ["red_openpbr.mtlx", "red.glb", "red.usda"]
    assert certificate["files"] == names
    assert {path.name for path in exported.iterdir()} == {*names, "red_certificate.json"}


@pytest.mark.parametrize("name", TARGETS)
def test_refitting_is_nearer_than_the_translation(certificate, name):
    found = certificate["targets"][name]
    for place in ("stage", "novel"):
        refitted, translation = found[place]["refitted"], found[place]["translation"]
        assert refitted["rms"] < translation["rms"]
        assert 0 < refitted["flip"] < 0.1
    assert found["stage"]["refitted"]["rms"] < (1.0 if name != "usd" else 3.0)


@pytest.mark.parametrize("name", TARGETS)
def test_intervals_hold_the_values_within_the_targets_ranges(certificate, name):
    target, found = TARGETS[name], certificate["targets"][name]
    values = {}
    for key, value in found["values"].items():
        parts = zip("rgb", value, strict=True) if isinstance(value, list) else [("", value)]
        values |= {f"{key}_{part}" if part else key: number for part, number in parts}
    low, high = (dict(zip(target.columns, ends, strict=True)) for ends in target.bounds)
    assert set(found["intervals"]) == values.keys() - {"useSpecularWorkflow"}
    for key, (below, above) in found["intervals"].items():
        assert low[key] <= below <= values[key] <= above <= high[key]
        assert below < above


def test_the_openpbr_file_holds_the_constants_and_renders_as_certified(
    exported, certificate, folder
):
    library = standard_library()
    document = mx.createDocument()
    mx.readFromXmlString(document, (exported / "red_openpbr.mtlx").read_text())
    document.setDataLibrary(library)
    assert document.validate()[0]
    (shader,) = document.getNodes("open_pbr_surface")
    given = {each.getName(): each.getValue() for each in shader.getInputs()}
    values = {
        name: list(value.asTuple()) if isinstance(value, mx.Color3) else value
        for name, value in given.items()
    }
    found = certificate["targets"]["openpbr"]
    assert values.keys() == found["values"].keys()
    # Inputs that the file leaves out have their defaults.
    defaults = {
        each.name: each.channels * [1.0] if each.channels > 1 else 0.0 for each in OPENPBR.inputs
    }
    numbers = OPENPBR.flat(defaults | {"coat_ior": 1.6, "fuzz_roughness": 0.5} | values)
    stage = read_stage(folder / "stage.safetensors")
    for place, shown in (("stage", stage), ("novel", in_novel_light(stage))):
        renderer = PixelRenderer(target_stage(shown, OPENPBR, OPENPBR.modes[0], library), CPU, 1)
        truth = PixelRenderer(shown, CPU, 1)
        difference = renderer.pixels(numbers[None]) - truth.pixels(VALUES[None])
        rms = np.sqrt(np.mean(difference.astype(float) ** 2))
        assert rms == pytest.approx(found[place]["refitted"]["rms"], abs=0.01)
        renderer.close()
        truth.close()


def test_the_glb_has_the_stages_mesh_and_no_fault(exported, certificate, folder, tmp_path):
    mesh, ball = load_mesh(exported / "red.glb"), load_mesh(folder / "ball.obj")
    np.testing.assert_array_equal(mesh.positions[mesh.triangles], ball.positions[ball.triangles])
    np.testing.assert_allclose(
        mesh.normals[mesh.triangles], ball.normals[ball.triangles], atol=1e-6
    )
    content = (exported / "red.glb").read_bytes()
    values = certificate["targets"]["gltf"]["values"]
    assert content == glb_bytes(stage_mesh(ball), values)
    (material,) = glb_document(content)["materials"]
    assert material["extensions"] == {
        "KHR_materials_specular": {
            "specularFactor": values["specular"],
            "specularColorFactor": values["specular_color"],
        },
        "KHR_materials_ior": {"ior": values["ior"]},
        "KHR_materials_clearcoat": {
            "clearcoatFactor": values["clearcoat"],
            "clearcoatRoughnessFactor": values["clearcoat_roughness"],
        },
    }
    assert material["pbrMetallicRoughness"] == {
        "baseColorFactor": [*values["base_color"], 1],
        "metallicFactor": values["metallic"],
        "roughnessFactor": values["roughness"],
    }


def test_khronos_finds_nothing_wrong_with_the_glb(exported):
    found = issues(exported / "red.glb")
    assert (found["numErrors"], found["numWarnings"]) == (0, 0), found["messages"]


def test_a_glb_names_only_the_extensions_that_its_material_has(certificate, folder):
    values = certificate["targets"]["gltf"]["values"]
    first = {name: value for name, value in values.items() if "clearcoat" not in name}
    document = glb_document(glb_bytes(stage_mesh(load_mesh(folder / "ball.obj")), first))
    extensions = ["KHR_materials_ior", "KHR_materials_specular"]
    assert document["extensionsUsed"] == extensions
    assert sorted(document["materials"][0]["extensions"]) == extensions


def glb_document(content: bytes) -> dict:
    """The JSON of a .glb file."""
    length = int.from_bytes(content[12:16], "little")
    return json.loads(content[20 : 20 + length])


def test_another_reader_opens_the_glb(exported):
    scene = trimesh.load(exported / "red.glb")
    (geometry,) = scene.geometry.values()
    assert len(geometry.faces) > 1000


def test_usd_opens_the_layer_and_finds_both_networks(exported, certificate):
    stage = Usd.Stage.Open(str(exported / "red.usda"))
    assert stage.GetDefaultPrim().IsValid() and not stage.GetCompositionErrors()
    material = UsdShade.Material(stage.GetPrimAtPath("/Materials/Exported"))
    preview, _, _ = material.ComputeSurfaceSource()
    network, _, _ = material.ComputeSurfaceSource("mtlx")
    assert preview.GetShaderId() == "UsdPreviewSurface"
    assert network.GetShaderId() == "ND_standard_surface_surfaceshader"
    for shader, expected in (
        (preview, certificate["targets"]["usd"]["values"]),
        (network, {n: VALUES[list(p)] if len(p) > 1 else VALUES[p[0]] for n, p in INPUTS.items()}),
    ):
        given = {each.GetBaseName(): each.Get() for each in shader.GetInputs()}
        assert given.keys() == expected.keys()
        for name, value in expected.items():
            np.testing.assert_allclose(given[name], value, atol=1e-6)


def test_settings_say_how_constants_are_found(folder, tmp_path, certificate, capsys):
    config, stage = tmp_path / "mine.yaml", folder / "stage.safetensors"
    given = ["export", str(folder / "red.mtlx"), "--to", "gltf", "--stage", str(stage), "--config"]
    given += [str(config), "--output", str(tmp_path), "--render-device", "cpu", "--threads", "1"]
    config.write_text("export: {restarts: -1}")
    assert main(given) == 2 and "export.restarts: found -1" in capsys.readouterr().err
    config.write_text("export: {restarts: 0, pixels: 600, visible: 0.25, held: 0.001}")
    assert main(given) == 0 and "can't hold this material" in capsys.readouterr().err
    own = json.loads((tmp_path / "red_certificate.json").read_text())
    assert own["settings"] == certificate["settings"] | {
        "restarts": 0, "pixels": 600, "visible": 0.25, "held": 0.001
    }  # fmt: skip
    (fitted, shipped) = (each["targets"]["gltf"] for each in (own, certificate))
    assert fitted["starts"] == 1 < shipped["starts"]
    widths = [np.subtract(*each["intervals"]["roughness"][::-1]) for each in (fitted, shipped)]
    assert widths[0] < 0.7 * widths[1]


def export(folder, output, targets=("openpbr",), stage=None):
    stage = stage or folder / "stage.safetensors"
    export_materials([folder / "red.mtlx"], targets, stage, output, CPU)


@pytest.mark.parametrize("targets", [["fbx"], ["openpbr", "fbx"], [""], []])
def test_an_unknown_target_is_refused(folder, tmp_path, targets):
    with pytest.raises(InputError, match=r"--to: found .*expected some of openpbr, gltf, usd"):
        export(folder, tmp_path, targets)


def test_gltf_of_a_stage_without_a_mesh_is_refused_and_other_targets_are_not(folder, tmp_path):
    old, output = tmp_path / "old.safetensors", tmp_path / "exports"
    save_stage(old, replace(read_stage(folder / "stage.safetensors"), mesh=None))
    with pytest.raises(InputError, match=r"old\.safetensors: found no mesh.*Make the stage anew"):
        export(folder, output, ["openpbr", "gltf"], old)
    assert not output.exists()
    check_mesh(["openpbr", "usd"], old, read_stage(old))


def test_files_of_somebody_else_are_left_alone(folder, tmp_path):
    mine = tmp_path / "red_openpbr.mtlx"
    mine.write_text("mine")
    with pytest.raises(InputError, match=r"red_openpbr\.mtlx: found a file.*isn't overwritten"):
        export(folder, tmp_path)
    assert mine.read_text() == "mine" and list(tmp_path.iterdir()) == [mine]


def test_a_file_that_is_read_is_never_an_output(folder, tmp_path):
    (tmp_path / "red.mtlx").write_bytes((folder / "red.mtlx").read_bytes())
    (tmp_path / "red.usda").symlink_to("red.mtlx")
    with pytest.raises(InputError, match=r"red\.usda: would take the place"):
        export_materials(
            [tmp_path / "red.mtlx"], ["usd"], folder / "stage.safetensors", tmp_path, CPU
        )


def test_an_export_again_makes_the_same_bytes_and_removes_what_is_not_asked_for(
    exported, folder, tmp_path
):
    output = shutil.copytree(exported, tmp_path / "exports")
    (output / "notes.txt").write_text("mine")
    export(folder, output)
    assert (output / "red_openpbr.mtlx").read_bytes() == (
        exported / "red_openpbr.mtlx"
    ).read_bytes()
    names = {"red_openpbr.mtlx", "red_certificate.json", "notes.txt"}
    assert {path.name for path in output.iterdir()} == names


def test_a_stage_in_daylight_is_checked_in_the_studio(folder):
    stage = read_stage(folder / "stage.safetensors")
    there = in_novel_light(stage)
    np.testing.assert_array_equal(there.radiance, daylight())
    np.testing.assert_array_equal(in_novel_light(there).radiance, studio())


def test_what_is_wrong_ends_with_2_and_without_a_traceback(folder, tmp_path, capsys):
    (tmp_path / "coat.mtlx").write_text(
        (folder / "red.mtlx").read_text().replace('name="base"', 'name="coat"')
    )
    stage = folder / "stage.safetensors"
    code = main(["export", str(tmp_path / "coat.mtlx"), "--to", "usd", "--stage", str(stage)])
    written = capsys.readouterr().err
    assert code == 2 and "coat.mtlx: found inputs beyond the ten: coat" in written
    assert "Traceback" not in written


def test_a_folder_that_cannot_be_written_to_is_refused_before_the_fit(
    folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(exporting, "Exporter", None)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="file: can't be written to"):
        export_materials(
            [folder / "red.mtlx"], ["usd"], folder / "stage.safetensors", tmp_path / "file"
        )
