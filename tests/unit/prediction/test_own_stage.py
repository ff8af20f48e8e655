"""A stage of one's own, small: made, looked at, calibrated; pictures of it found without a model."""

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import OpenEXR
import pytest
from PIL import Image

from inverse_shading.command import main
from inverse_shading.config.own_stage import stage_settings
from inverse_shading.material.document import standard_library
from inverse_shading.material.given_material import read_given_material
from inverse_shading.material.parameters import ROUGHNESS
from inverse_shading.prediction import own_stage
from inverse_shading.prediction.material_file import material_text
from inverse_shading.prediction.own_stage import make_own_stage
from inverse_shading.prediction.predict import predict_pictures
from inverse_shading.prediction.session import Options
from inverse_shading.prediction.stage_card import card_path, preview_path, read_stage_card
from inverse_shading.runtime.artefacts import write_json
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import seal_path
from inverse_shading.runtime.interruption import Stopped
from inverse_shading.runtime.resources import Resources
from inverse_shading.scene.srgb import srgb_encode
from inverse_shading.scene.stage_file import read_stage, save_stage
from tests.support.project import write_ball
from tests.support.small_stage import FRAMING, MATERIALS, SETTINGS

CPU = Resources("cpu", 2)
SUFFIXES = (".mtlx", ".json", ".png")


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    mesh = tmp_path_factory.mktemp("mesh") / "ball.obj"
    write_ball(mesh, rings=32, sectors=48)
    given = {"stage": {"mesh": str(mesh)}, "framing": FRAMING, "refinement": SETTINGS}
    return stage_settings(
        None, given | {"render": {"frame_size": 96, "environment_samples": 4, "device": "cpu"}}
    )


@pytest.fixture(scope="module")
def stage(tmp_path_factory, settings):
    path = tmp_path_factory.mktemp("stage") / "ball.safetensors"
    make_own_stage(path, settings, CPU, calibrate=2)
    return path


@pytest.fixture
def material(tmp_path):
    path = tmp_path / "plastic.mtlx"
    path.write_text(material_text(MATERIALS[0], {}))
    return path


def copy_file(path, other):
    """Copy a file and its checksum."""
    shutil.copy(path, other)
    shutil.copy(seal_path(path), seal_path(other))


def render(*arguments):
    return main(["render", *map(str, arguments), "--render-device", "cpu"])


def test_a_stage_has_a_preview_and_a_card_beside_it(stage, settings):
    with Image.open(stage.with_suffix(".png")) as preview:
        assert preview.size == (3 * 96, 96)
        assert (np.asarray(preview)[:, :96] == (255, 176, 0)).all(axis=-1).sum() > 2 * 80
    card = read_stage_card(stage)
    assert card.framing.model_dump() == settings["framing"]
    assert card.measured.images == 2


def test_the_card_of_another_stage_is_refused(stage, tmp_path):
    other = tmp_path / "other.safetensors"
    copy_file(stage, other)
    copy_file(card_path(stage), card_path(other))
    seal_path(other).write_text(f"{'0' * 64}  other.safetensors\n")
    with pytest.raises(InputError, match=r"other\.json: found the card of another stage"):
        read_stage_card(other)


def test_the_card_of_a_former_version_is_refused_with_what_makes_it_anew(stage, tmp_path):
    other = tmp_path / "other.safetensors"
    copy_file(stage, other)
    content = json.loads(card_path(stage).read_text())
    del content["refinement"]["doubtful"]
    write_json(card_path(other), content)
    told = r"refinement\.doubtful: found nothing.*`inverse-shading stage` makes both anew\.$"
    with pytest.raises(InputError, match=told):
        read_stage_card(other)


def test_a_stage_without_a_card_has_the_shipped_settings(stage, tmp_path):
    other = tmp_path / "bare.safetensors"
    copy_file(stage, other)
    card = read_stage_card(other)
    assert card.framing.image_size == 224 and card.calibration is None


def test_files_of_somebody_else_are_not_overwritten(tmp_path, settings):
    (tmp_path / "mine.png").write_text("a picture of mine")
    with pytest.raises(InputError, match=r"mine\.png: found a file that wasn't made"):
        make_own_stage(tmp_path / "mine.safetensors", settings, CPU)
    assert (tmp_path / "mine.png").read_text() == "a picture of mine"
    (tmp_path / "mine.png").unlink()
    with pytest.raises(InputError, match=r"ends in \.safetensors"):
        make_own_stage(tmp_path / "stage.bin", settings, CPU)


def test_a_picture_leads_back_to_its_material_without_a_model(stage, material, tmp_path, capsys):
    assert render(material, "--stage", stage, "--output", tmp_path / "renders") == 0
    picture = tmp_path / "renders" / "plastic.png"
    options = Options(refine=True)
    found = predict_pictures([picture], None, tmp_path / "found", options, stage, rendering=CPU)
    assert found.failures == []
    record = json.loads((tmp_path / "found" / "plastic.json").read_text())
    assert record["calibrated"] and record["refinement"]["guess_rms"] is None
    assert record["difference"]["rms"] < 1 and record["refinement"]["converged"]
    found = read_given_material(tmp_path / "found" / "plastic.mtlx", standard_library())
    assert abs(found[ROUGHNESS] - MATERIALS[0][ROUGHNESS]) < 0.05
    # Again: the same bytes of the same stage are done.
    found = predict_pictures([picture], None, tmp_path / "found", options, stage, rendering=CPU)
    assert found.failures == []


def test_materials_are_exported_beside_their_pictures(stage, material, tmp_path, capsys):
    given = ["--stage", str(stage), "--render-device", "cpu", "--threads", "1"]
    assert main(["render", str(material), "--output", str(tmp_path), *given]) == 0
    picture, output = str(tmp_path / "plastic.png"), tmp_path / "out"
    predict = ["predict", picture, "--refine", "--output", str(output), *given]
    assert main([*predict, "--to", "gltf"]) == 0
    names = ["plastic.glb", "plastic_certificate.json"]
    report = json.loads((output / "plastic.json").read_text())
    assert report["files"] == ["plastic.mtlx", *names, "plastic.png"]
    assert {path.name for path in output.iterdir()} == {*report["files"], "plastic.json"}
    certificate = json.loads((output / names[-1]).read_text())
    assert certificate["material"] == {n: e["value"] for n, e in report["parameters"].items()}
    assert certificate["made_by"]["picture"] == "plastic.png"
    found = certificate["targets"]["gltf"]
    posterior, value = found["posterior"], found["values"]["roughness"]
    assert posterior["level"] == 0.8
    assert posterior["intervals"].keys() == found["intervals"].keys()
    low, high = posterior["intervals"]["roughness"]
    # The truth is 0.3, and another shader may need another number for it.
    assert low <= value <= high < low + 0.1 and abs(value - 0.3) < 0.1
    capsys.readouterr()
    assert main([*predict, "--to", "gltf"]) == 0
    assert "1 of 1 pictures are done already" in capsys.readouterr().err
    # Without them, theirs don't stay.
    assert main(predict) == 0
    assert {path.name for path in output.iterdir()} == {f"plastic{e}" for e in SUFFIXES}


def test_exports_that_cannot_be_are_refused_before_the_pictures(stage, tmp_path, capsys):
    old = tmp_path / "old.safetensors"
    save_stage(old, replace(read_stage(stage), mesh=None))
    given = ["predict", str(tmp_path / "none.png"), "--stage", str(old), "--refine"]
    given += ["--output", str(tmp_path / "out")]
    for options, told in (
        (["--to", "openpbr,fbx"], "--to: found fbx, expected some of openpbr, gltf, usd"),
        (["--to", "gltf"], f"{old}: found no mesh in the stage file"),
    ):
        assert main([*given, *options]) == 2
        assert told in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_stage_without_refinement_or_nothing_at_all_is_refused(stage, tmp_path):
    for options, given, message in (
        (Options(refine=False), stage, "without --refine"),
        (Options(refine=True), None, "neither a model nor a stage"),
    ):
        with pytest.raises(InputError, match=message):
            predict_pictures([tmp_path / "a.png"], None, tmp_path / "out", options, given)


def test_exr_is_the_png_in_linear_light(stage, material, tmp_path):
    for form in ("png", "exr"):
        assert render(material, "--stage", stage, "--output", tmp_path, "--format", form) == 0
    linear = OpenEXR.File(str(tmp_path / "plastic.exr")).channels()["RGB"].pixels
    encoded = 255 * srgb_encode(np.clip(linear, 0, 1))
    png = np.asarray(Image.open(tmp_path / "plastic.png")).astype(float)
    assert linear.dtype == np.float32 and np.abs(encoded - png).max() < 0.75


def test_a_picture_that_is_there_is_not_overwritten(stage, material, tmp_path, capsys):
    for form in ("png", "exr"):
        options = ("--stage", stage, "--output", tmp_path, "--format", form)
        picture = tmp_path / f"plastic.{form}"
        picture.write_text("mine")
        assert render(material, *options, "--again") == 2
        assert "isn't a render of this command" in capsys.readouterr().err
        assert picture.read_text() == "mine"
        picture.unlink()
        assert render(material, *options) == 0
        assert render(material, *options) == 2
        assert "isn't overwritten. Give --again" in capsys.readouterr().err
        assert render(material, *options, "--again") == 0


def test_a_material_that_ten_inputs_do_not_hold_is_named(stage, material, tmp_path, capsys):
    coat = '<input name="coat" type="float" value="0.5"/></standard_surface>'
    material.write_text(material.read_text().replace("</standard_surface>", coat))
    assert render(material, "--stage", stage, "--output", tmp_path / "out") == 2
    assert "plastic.mtlx: found inputs beyond the ten: coat = 0.5" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_wrong_settings_are_named_by_key(tmp_path):
    config = tmp_path / "mine.yaml"
    config.write_text("stage: {camera: {azimut: 3}}\nrendr: {}\n")
    with pytest.raises(InputError) as error:
        stage_settings(config, {"stage": {"camera": {"fill": 7.0}}})
    for line in ("stage.camera.azimut", "rendr: found an unknown key", "stage.camera.fill"):
        assert line in str(error.value)
    with pytest.raises(InputError, match=r"found 'light\.png'.*\(\.hdr or \.exr\)"):
        stage_settings(None, {"stage": {"environment": "light.png"}})
    config.write_text("seed: 7.0")
    assert stage_settings(config, {})["seed"] == 7
    config.write_text("seed: -1")
    with pytest.raises(InputError, match="seed: found -1"):
        stage_settings(config, {})
    config.write_text("- a list")
    with pytest.raises(InputError, match="found no keys"):
        stage_settings(config, {})


def test_without_a_model_nothing_waits_for_torch_pandas_or_matplotlib():
    script = (
        "import sys; import inverse_shading.prediction.predict\n"
        "import inverse_shading.prediction.own_stage, inverse_shading.config.own_stage\n"
        "print([m for m in ('torch', 'pandas', 'matplotlib', 'skimage') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stdout + done.stderr


def copied(stage, folder):
    """The stage with its card and preview in another folder."""
    other = folder / stage.name
    copy_file(stage, other)
    copy_file(card_path(stage), card_path(other))
    shutil.copy(preview_path(stage), preview_path(other))
    return other


def test_a_file_put_in_the_place_of_an_own_one_is_not_overwritten(stage, settings, tmp_path):
    other = copied(stage, tmp_path)
    preview_path(other).write_text("a photo of mine")
    with pytest.raises(InputError, match=r"ball\.png: found a file that wasn't made"):
        make_own_stage(other, settings, CPU)
    assert preview_path(other).read_text() == "a photo of mine"


def test_a_mesh_that_cannot_be_used_leaves_the_former_stage(stage, settings, tmp_path):
    other = copied(stage, tmp_path)
    wrong = settings | {"stage": settings["stage"] | {"mesh": str(tmp_path / "none.obj")}}
    with pytest.raises(InputError, match=r"none\.obj"):
        make_own_stage(other, wrong, CPU)
    assert read_stage_card(other).measured.images == 2


def test_a_stage_that_was_killed_is_no_stage_and_is_made_again(
    stage, settings, tmp_path, monkeypatch
):
    other = tmp_path / "ball.safetensors"
    monkeypatch.setattr(own_stage, "_preview", stop)
    with pytest.raises(Stopped):
        make_own_stage(other, settings, CPU)
    with pytest.raises(InputError, match="found the card of an unfinished stage"):
        read_stage_card(other)
    monkeypatch.undo()
    make_own_stage(other, settings, CPU)
    assert read_stage_card(other).stage == read_stage_card(stage).stage
    assert preview_path(other).read_bytes() == preview_path(stage).read_bytes()


def stop(*_):
    raise Stopped(signal.SIGTERM)


def test_what_is_no_stage_is_named_and_never_to_be_deleted(stage, material, tmp_path, capsys):
    for wrong in (material, card_path(stage)):
        assert render(material, "--stage", wrong, "--output", tmp_path / "out") == 2
        message = capsys.readouterr().err
        assert str(wrong) in message and "Give a stage that" in message
        assert "Delete" not in message
