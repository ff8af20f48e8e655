"""From pictures to files, with a renderer of flat colours: what is written, for which pictures, and when."""

import base64
import dataclasses
import errno
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inverse_shading.inversion.calibration import read_calibration
from inverse_shading.inversion.misfit import EXPLAINED, OTHER, Fit
from inverse_shading.inversion.reasons import EXPLANATIONS
from inverse_shading.inversion.refiner import Estimate
from inverse_shading.material.document import standard_library
from inverse_shading.material.given_material import read_given_material
from inverse_shading.material.observable import guessed_materials
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.pictures.framed_picture import FramedPicture
from inverse_shading.prediction import (
    picture_beside_render,
    trained_model,
)
from inverse_shading.prediction import (
    session as prediction_session,
)
from inverse_shading.prediction.model_card import read_model_card
from inverse_shading.prediction.predict import predict_pictures
from inverse_shading.prediction.session import Options
from inverse_shading.prediction.trained_model import validation_intervals
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.interruption import Stopped
from tests.support.small_model import SmallModel

KINDS = (".mtlx", ".png", ".json")


class FlatRefiner:
    """Renders images of one colour, that of the material's base_color; refines to a third."""

    driver = "a fake, OpenGL 0"
    made, rendered, estimated = 0, None, None
    fit = None
    # The most alternatives that its pictures leave room for.
    room = 3

    def __init__(self, stage, framing, settings, calibration, device, threads):
        FlatRefiner.made += 1
        FlatRefiner.given = (stage, framing, settings, calibration, device, threads)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def render(self, values, gains=None):
        FlatRefiner.rendered.append(np.array(values))
        return np.full((32, 32, 3), (np.asarray(values[1:4]) * 255).round(), np.uint8)

    def refine(self, picture, guess, alternatives=0, fit_exposure=False):
        third = np.full(10, 1 / 3)
        others = [third / (2 + i) for i in range(min(alternatives, self.room))]
        return self._estimate(third, third, third - 0.1, third + 0.1, others)

    def assess(self, picture, guess, expected, low, high):
        return self._estimate(guess, expected, low, high, [])

    def _estimate(self, values, expected, low, high, alternatives):
        reasons = dict.fromkeys(PARAMETERS) | {"base": "product", "specular": "metal"}
        FlatRefiner.estimated.append(values)
        return Estimate(
            values,
            expected,
            low,
            high,
            reasons,
            1.5,
            2.5,
            12.25,
            1,
            True,
            alternatives,
            fit=self.fit,
        )


def frame_flat(path, stage, framing, encoding="auto", any_silhouette=False, *others):
    if path.read_bytes()[:1] == b"x":
        raise InputError(f"{path}: can't be read as a picture. Save it again.")
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    ones = np.ones(pixels.shape[:2], np.float32)
    return FramedPicture(pixels, pixels.astype(np.float32), ones, "srgb", "framed", 1.0)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return SmallModel(tmp_path_factory.mktemp("results"))


@pytest.fixture
def predict(model, tmp_path, monkeypatch):
    """A call of predict_pictures with fakes; pictures a, b and c lie in its folder `pictures`."""
    monkeypatch.setattr(prediction_session, "Refiner", FlatRefiner)
    monkeypatch.setattr(prediction_session, "frame_picture", frame_flat)
    monkeypatch.setattr(prediction_session, "read_stage", lambda path: None)
    FlatRefiner.made, FlatRefiner.rendered, FlatRefiner.estimated = 0, [], []
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, name in enumerate("abc"):
        picture(folder / f"{name}.png", 40 * number)

    def call(*names, output=tmp_path / "out", again=False, **options):
        paths = [folder / name for name in names] or [folder]
        call.outcome = predict_pictures(
            paths, model.folder, output, Options(**{"refine": False} | options), again=again
        )
        return call.outcome.failures

    call.folder, call.output = folder, tmp_path / "out"
    return call


def picture(path, level):
    Image.fromarray(np.full((32, 32, 3), level, np.uint8)).save(path)


def written(predict):
    return sorted(path.name for path in predict.output.iterdir())


def report(predict, name):
    return json.loads((predict.output / f"{name}.json").read_text())


def test_every_picture_of_a_folder_has_its_files(predict):
    (predict.folder / "notes.txt").write_text("no picture")
    assert predict() == []
    assert written(predict) == sorted(f"{name}{kind}" for name in "abc" for kind in KINDS)
    assert FlatRefiner.made == 1


def test_a_bad_picture_is_told_and_the_others_are_done(predict):
    (predict.folder / "b.png").write_text("x is no picture")
    (failure,) = predict("a.png", "b.png", "missing.png", "c.png")[1:]
    assert "b.png: can't be read as a picture" in str(failure)
    assert written(predict) == sorted(f"{name}{kind}" for name in "ac" for kind in KINDS)


def test_a_missing_picture_is_told_by_name(predict):
    (failure,) = predict("a.png", "missing.png")
    assert "missing.png: can't be read (No such file or directory)" in str(failure)
    assert "a.mtlx" in written(predict)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_a_pipe_or_device_is_told_and_the_others_are_done(predict, make):
    make(predict.folder / "pipe.png")
    (failure,) = predict("a.png", "pipe.png")
    assert "pipe.png: found a " in str(failure) and "expected a picture" in str(failure)
    assert "a.mtlx" in written(predict)


def test_a_failing_render_is_told_with_the_pictures_name(predict, monkeypatch):
    assess = FlatRefiner.assess

    def fail(self, picture, *answer):
        if picture.image[0, 0, 0] == 40:
            raise InputError("The OpenGL driver failed.")
        return assess(self, picture, *answer)

    monkeypatch.setattr(FlatRefiner, "assess", fail)
    (failure,) = predict()
    assert str(failure).endswith("b.png: The OpenGL driver failed.")
    assert "c.json" in written(predict) and "b.mtlx" not in written(predict)


@pytest.mark.parametrize("refine", [False, True])
def test_material_report_and_render_are_of_the_same_numbers(predict, refine):
    predict("a.png", refine=refine)
    values = read_given_material(predict.output / "a.mtlx", standard_library())
    found = report(predict, "a")["parameters"]
    assert [found[name]["value"] for name in PARAMETERS] == values.tolist()
    np.testing.assert_array_equal(FlatRefiner.rendered[-1], values)
    np.testing.assert_allclose(values, FlatRefiner.estimated[-1], rtol=0, atol=5e-7)
    assert (values == values.round(6)).all()


def test_without_refinement_the_intervals_are_those_of_validation(predict, model):
    predict("a.png")
    half = validation_intervals(model.folder / "predictions.csv", 0.8)
    found = report(predict, "a")
    for i, name in enumerate(PARAMETERS):
        one = found["parameters"][name]
        assert one["low"] == pytest.approx(max(one["expected"] - half[i], 0), abs=2e-6)
        assert one["high"] == pytest.approx(min(one["expected"] + half[i], 1), abs=2e-6)
    assert found["interval"] == 0.8 and found["refinement"]["refined"] is False


def test_without_refinement_the_material_is_what_the_networks_means_look_like(predict):
    """The product of the means is brighter than the mean product, which the picture shows."""
    predict("a.png")
    parameters = report(predict, "a")["parameters"]
    answer = np.array([parameters[name]["expected"] for name in PARAMETERS])
    meant = guessed_materials(answer[None])[0]
    np.testing.assert_allclose(FlatRefiner.estimated[-1], meant, rtol=0, atol=2e-6)
    assert (meant[1:4] < answer[1:4]).all() and (meant[4:] == answer[4:]).all()


def test_the_report_says_what_the_picture_tells_and_how_close_the_render_is(predict):
    predict("b.png", refine=True)
    found = report(predict, "b")
    base, roughness = (found["parameters"][name] for name in ("base", "specular_roughness"))
    assert (base["determined"], base["reason"]) == (False, "product") and base[
        "explanation"
    ] == EXPLANATIONS["product"]
    assert (roughness["determined"], roughness["reason"]) == (True, None)
    # The picture is 40 everywhere, the render a third of 255.
    assert found["difference"]["rms"] == pytest.approx(45)
    assert found["refinement"] == {
        "refined": True, "converged": True, "rms": 1.5, "guess_rms": 2.5, "renders": 12.25, "starts": 1,
    }  # fmt: skip
    shown = Image.open(io.BytesIO(base64.b64decode(found["picture"].pop("framed"))))
    assert (np.asarray(shown) == 40).all() and shown.size == (32, 32)
    assert found["picture"] == {"encoding": "srgb", "placement": "framed", "silhouette": 1.0}
    assert found["made_by"]["renderer"].endswith("a fake, OpenGL 0")
    assert found["made_by"]["picture"] == "b.png"


def test_the_picture_shows_input_and_render(predict):
    predict("c.png", refine=True)
    with Image.open(predict.output / "c.png") as image:
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    for level in (80, 85):
        assert (pixels == level).all(axis=1).sum() > 200 * 200


def test_alternatives_are_further_materials(predict):
    predict("a.png", refine=True, alternatives=2)
    for number in (1, 2):
        found = read_given_material(
            predict.output / f"a_alternative_{number}.mtlx", standard_library()
        )
        np.testing.assert_allclose(found, 1 / (3 * (1 + number)), atol=5e-7)
        listed = report(predict, "a")["alternatives"][number - 1]
        assert [listed[name] for name in PARAMETERS] == found.tolist()


def test_fewer_alternatives_than_wanted_are_all_that_there_are(predict):
    predict("a.png", refine=True, alternatives=3)
    assert {f"a_alternative_{i}.mtlx" for i in (1, 2, 3)} <= set(written(predict))
    predict("a.png", refine=True, alternatives=2)
    # Those of the run before don't stay.
    assert "a_alternative_3.mtlx" not in written(predict)
    predict("a.png", refine=True, alternatives=9)
    assert "a_alternative_3.mtlx" in written(predict) and len(written(predict)) == 6
    # It is done all the same, as long as none of them goes missing.
    before = FlatRefiner.made
    predict("a.png", refine=True, alternatives=9)
    assert FlatRefiner.made == before
    (predict.output / "a_alternative_3.mtlx").unlink()
    predict("a.png", refine=True, alternatives=9)
    assert FlatRefiner.made == before + 1


def test_a_report_names_its_files(predict):
    predict("a.png")
    assert report(predict, "a")["files"] == ["a.mtlx", "a.png"]


def test_what_is_done_is_passed_over(predict):
    predict("a.png")
    predict()
    assert len(FlatRefiner.estimated) == 3 and FlatRefiner.made == 2
    assert predict() == []
    # Neither network nor renderer for nothing.
    assert FlatRefiner.made == 2
    predict(again=True)
    assert len(FlatRefiner.estimated) == 6


@pytest.mark.parametrize(
    "change",
    [
        lambda predict: picture(predict.folder / "a.png", 7),
        lambda predict: (predict.output / "a.mtlx").unlink(),
        lambda predict: (predict.output / "a.png").unlink(),
    ],
    ids=["another picture", "no material", "no picture"],
)
def test_what_changed_is_done_again(predict, change):
    predict()
    change(predict)
    predict()
    assert len(FlatRefiner.estimated) == 4
    assert report(predict, "a")["made_by"]["picture"] == "a.png"


@pytest.mark.parametrize(
    "options", [{"encoding": "linear"}, {"any_silhouette": True}, {"refine": True}]
)
def test_other_options_are_done_again(predict, options):
    predict("a.png")
    predict("a.png", **options)
    assert len(FlatRefiner.estimated) == 2


def test_a_picture_that_no_material_explains_is_told_of_each_time(predict, monkeypatch, caplog):
    fit = Fit(OTHER, 2e-5, True, "8 bits", 1.5, 0.3, ("exposure", "light"))
    monkeypatch.setattr(FlatRefiner, "fit", fit)
    for _ in range(2):
        assert predict("a.png", refine=True) == []
        assert predict.outcome.doubtful == [predict.folder / "a.png"]
    assert FlatRefiner.made == 1
    report = json.loads((predict.output / "a.json").read_text())
    assert report["fit"]["verdict"] == "not made this way" and report["fit"]["p_value"] == 2e-5
    assert report["fit"]["reasons"] == ["exposure", "light"] and report["fit"]["left"] == 1.5
    assert {one["reason"] for one in report["parameters"].values()} == {"misfit"}
    attributes = (predict.output / "a.mtlx").read_text()
    assert "not made this way (p below 0.0001): likely exposure or white balance" in attributes
    monkeypatch.setattr(FlatRefiner, "fit", dataclasses.replace(fit, verdict=EXPLAINED))
    assert predict("b.png", refine=True) == [] and predict.outcome.doubtful == []
    report = json.loads((predict.output / "b.json").read_text())
    assert report["parameters"]["metalness"]["determined"]


def test_pictures_without_the_object_are_told_again_when_they_are_passed_over(predict, monkeypatch):
    def given(*arguments):
        return dataclasses.replace(frame_flat(*arguments), placement="given")

    monkeypatch.setattr(prediction_session, "frame_picture", given)
    for _ in range(2):
        assert predict("a.png", any_silhouette=True) == []
        assert predict.outcome.doubtful == [predict.folder / "a.png"]
    assert len(FlatRefiner.estimated) == 1


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def stop(*arguments, **named):
    raise Stopped(15)


def test_a_run_that_is_stopped_leaves_what_was_there_and_goes_on(predict, monkeypatch):
    predict()
    before = contents(predict.output)
    picture(predict.folder / "b.png", 7)
    monkeypatch.setattr(picture_beside_render, "draw_prediction", stop)
    with pytest.raises(Stopped):
        predict()
    assert contents(predict.output) == before
    monkeypatch.undo()
    monkeypatch.setattr(prediction_session, "Refiner", FlatRefiner)
    monkeypatch.setattr(prediction_session, "frame_picture", frame_flat)
    monkeypatch.setattr(prediction_session, "read_stage", lambda path: None)
    estimated = len(FlatRefiner.estimated)
    assert predict() == []
    assert len(FlatRefiner.estimated) == estimated + 1
    assert written(predict) == sorted(f"{name}{kind}" for name in "abc" for kind in KINDS)


@pytest.mark.parametrize("count", range(1, 6))
def test_a_run_that_is_killed_while_it_puts_files_in_place_goes_on(predict, monkeypatch, count):
    """At the first to the fifth of its files: unfinished report, picture, materials, report."""
    predict("a.png", refine=True, alternatives=3)
    replace, replaced = os.replace, []

    def kill(source, target):
        if len(replaced) == count - 1:
            raise Stopped(9)
        replaced.append(Path(target).name)
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", kill)
        with pytest.raises(Stopped):
            predict("a.png", refine=True, alternatives=1)
    assert len(set(replaced)) == count - 1
    estimated = len(FlatRefiner.estimated)
    assert predict("a.png", refine=True, alternatives=1) == []
    assert len(FlatRefiner.estimated) == estimated + 1
    assert written(predict) == ["a.json", "a.mtlx", "a.png", "a_alternative_1.mtlx"]


@pytest.mark.parametrize("count", range(5))
def test_on_a_full_disk_what_was_there_stays(predict, monkeypatch, count):
    """With room for none to four of report, material, alternative, picture, unfinished report."""
    predict("a.png", refine=True, alternatives=2)
    before = contents(predict.output)
    written = []

    def full(number):
        if len(written) == count:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(number)

    monkeypatch.setattr(os, "fsync", full)
    (failure,) = predict("a.png", refine=True, alternatives=1)
    assert "can't be written (No space left on device)" in str(failure)
    assert contents(predict.output) == before


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("name", ["a.mtlx", "a.png", "a.json", "a_alternative_2.mtlx"])
def test_a_file_of_somebody_else_is_neither_overwritten_nor_removed(predict, name, again):
    predict.output.mkdir()
    (predict.output / name).write_text('{"precious": 1}')
    (failure,) = predict(refine=True, alternatives=3, again=again)
    assert f"{name}: found a file that no record of this picture names" in str(failure)
    assert (predict.output / name).read_text() == '{"precious": 1}'
    assert [entry for entry in written(predict) if entry.startswith("a")] == [name]
    assert {"b.json", "c.json"} < set(written(predict))


@pytest.mark.parametrize("content", ["{", "{}", '{"identity": {}}', "[" * 10**5, "é" * 9])
def test_a_damaged_report_vouches_for_nothing(predict, content):
    predict("a.png")
    (predict.output / "a.json").write_text(content, encoding="latin-1")
    before = contents(predict.output)
    (failure,) = predict("a.png")
    assert "Move or delete it" in str(failure)
    assert contents(predict.output) == before


@pytest.mark.parametrize(
    "make",
    [
        os.mkfifo,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.mkdir(),
        lambda path: path.open("wb").truncate(2**40),
    ],
    ids=["a pipe", "a device", "a folder", "a huge file"],
)
def test_what_is_no_report_vouches_for_nothing(predict, make):
    predict.output.mkdir()
    make(predict.output / "a.json")
    (failure,) = predict("a.png")
    assert "a.json: found a file that no record of this picture names" in str(failure)


def test_a_neighbours_material_is_not_taken_for_an_alternative(predict):
    picture(predict.folder / "a_alternative_1.png", 9)
    assert predict("a_alternative_1.png", "a.png") == []
    before = (predict.output / "a_alternative_1.mtlx").read_bytes()
    predict("a.png", again=True)
    (failure,) = predict("a.png", refine=True, alternatives=1)
    assert "a_alternative_1.mtlx: found a file that no record" in str(failure)
    assert (predict.output / "a_alternative_1.mtlx").read_bytes() == before
    with pytest.raises(InputError, match="found another picture whose material would be"):
        predict("a_alternative_1.png", "a.png", refine=True, alternatives=1)


def test_a_report_vouches_only_for_files_of_its_picture(predict):
    predict("a.png", "b.png", refine=True, alternatives=1)
    found = report(predict, "a")
    assert found["files"] == ["a.mtlx", "a_alternative_1.mtlx", "a.png"]
    others = ["b.mtlx", "../pictures/a.png", "a_alternative_1.mtlx/../b.png", "notes", 7]
    found |= {"files": found["files"] + others, "identity": None}
    (predict.output / "a.json").write_text(json.dumps(found))
    (predict.output / "notes").write_text("mine")
    assert predict("a.png") == []
    assert "a_alternative_1.mtlx" not in written(predict)
    assert {"b.mtlx", "b.png", "notes"} < set(written(predict))
    assert (predict.folder / "a.png").exists()


def test_reports_that_only_count_alternatives_vouch_for_these(predict):
    predict("a.png", refine=True, alternatives=2)
    found = report(predict, "a")
    del found["files"]
    (predict.output / "a.json").write_text(json.dumps(found))
    (predict.output / "a_alternative_3.mtlx").write_text("mine")
    assert predict("a.png") == []
    assert written(predict) == ["a.json", "a.mtlx", "a.png", "a_alternative_3.mtlx"]


def test_the_bytes_do_not_depend_on_the_other_pictures(predict, tmp_path):
    predict("c.png", output=tmp_path / "alone")
    predict()
    for kind in KINDS:
        alone = (tmp_path / "alone" / f"c{kind}").read_bytes()
        assert alone == (predict.output / f"c{kind}").read_bytes()


def test_two_pictures_of_one_name_are_refused_before_anything_runs(predict):
    picture(predict.folder / "a.jpg", 9)
    with pytest.raises(InputError, match=r"a\.png: found another picture .*a\.mtlx, .*a\.jpg"):
        predict()
    assert FlatRefiner.made == 0 and not predict.output.exists()


def test_the_same_picture_twice_is_one(predict):
    assert predict("a.png", "a.png") == []
    assert len(FlatRefiner.estimated) == 1


def through_a_parent(predict, path):
    (path / "other").mkdir(parents=True)
    (path / "real").symlink_to(predict.folder)
    return path / "other" / ".." / "real"


def through_a_link(predict, path):
    path.symlink_to(predict.folder)
    return path


def of_links(predict, path):
    path.mkdir()
    (path / "a.png").symlink_to(predict.folder / "a.png")
    return path


def of_hard_links(predict, path):
    path.mkdir()
    (path / "a.png").hardlink_to(predict.folder / "a.png")
    return path


def itself(predict, path):
    return predict.folder


@pytest.mark.parametrize(
    "place", [itself, through_a_link, through_a_parent, of_links, of_hard_links]
)
def test_outputs_never_take_the_place_of_pictures(predict, tmp_path, place):
    output = place(predict, tmp_path / "place")
    before = contents(predict.folder)
    with pytest.raises(InputError, match=r"a\.png would take the place of a picture"):
        predict(output=output)
    assert contents(predict.folder) == before and not FlatRefiner.made


def test_a_picture_that_is_a_link_is_not_replaced(predict, tmp_path):
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "a.png").symlink_to(predict.folder / "a.png")
    with pytest.raises(InputError, match=r"a\.png would take the place of a picture"):
        predict("../links/a.png", output=tmp_path / "links")
    assert (tmp_path / "links" / "a.png").is_symlink()


@pytest.mark.parametrize("name", ["model.png", "weights.safetensors.png"])
def test_outputs_never_take_the_place_of_the_models_files(predict, model, name):
    picture(predict.folder / name, 9)
    before = contents(model.folder)
    link = predict.folder / "model"
    link.symlink_to(model.folder)
    try:
        if name == "model.png":
            with pytest.raises(InputError, match=r"model\.json would take the place of a file of"):
                predict(name, output=link)
            assert contents(model.folder) == before
        else:
            assert predict(name, output=link) == []
            assert before.items() <= contents(model.folder).items()
    finally:
        for path in model.folder.glob("weights.safetensors.[mpj]*"):
            path.unlink()


NAMES = {
    "not UTF-8": b"b\xe9.png",
    "a backslash": rb"a\b.png",
    "braces": b"{x}.png",
    "a newline": b"a\nb.png",
    "250 bytes": b"n" * 246 + b".png",
    "what formats": b"%s 100% {0} $HOME.png",
    "what patterns are made of": b"[a]*?.png",
    "an escape sequence": b"\x1b[31m.png",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_any_name_of_a_picture_works(predict, name):
    path = predict.folder / os.fsdecode(name)
    (predict.folder / "c.png").rename(path)
    (predict.folder / "b.png").unlink()
    assert predict() == []
    assert len(written(predict)) == 6
    before = FlatRefiner.made
    assert predict() == [] and FlatRefiner.made == before
    for kind in KINDS:
        assert (predict.output / f"{path.stem}{kind}").stat().st_size > 100
    (predict.output / f"{path.stem}.mtlx").rename(predict.output / "moved.mtlx")
    assert read_given_material(predict.output / "moved.mtlx", standard_library()).shape == (10,)


def test_a_name_that_leaves_no_room_is_told_and_the_others_are_done(predict):
    path = predict.folder / f"{'n' * 246}.png"
    (predict.folder / "c.png").rename(path)
    (failure,) = predict(refine=True, alternatives=1)
    assert "found a name of 265 bytes, expected at most 255" in str(failure)
    assert {"a.json", "b.json"} < set(written(predict))


def test_an_output_folder_that_is_a_file_is_refused_at_once(predict, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    for output in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match=r"file.*: can't be written to .*--output"):
            predict(output=output)
    assert FlatRefiner.made == 0


def test_a_folder_without_pictures_is_refused(predict):
    for path in predict.folder.iterdir():
        path.unlink()
    with pytest.raises(InputError, match=r"pictures: found no picture, expected files that end in"):
        predict()


def test_an_unknown_model_is_refused_before_anything_is_made(predict, model, tmp_path):
    with pytest.raises(
        InputError, match=r"no such model, expected one of .*: tested; did you mean tested\?"
    ):
        predict_pictures(
            [predict.folder], model.folder.parent / "testd", tmp_path / "out", Options()
        )
    assert not (tmp_path / "out").exists()


def test_the_folder_of_all_models_is_no_model(predict, model, tmp_path):
    with pytest.raises(
        InputError, match=r"a folder of models, expected one model. Give .*/tested\."
    ):
        predict_pictures([predict.folder], model.folder.parent, tmp_path / "out", Options())


def test_the_network_is_set_up_before_the_renderer(predict, monkeypatch):
    """The other order ends in a segmentation fault, see `prediction_session`."""
    order = []
    make = trained_model.Predictor

    def predictor(*arguments):
        order.append("network")
        return make(*arguments)

    class Second(FlatRefiner):
        def __init__(self, *arguments):
            order.append("renderer")
            super().__init__(*arguments)

    monkeypatch.setattr(trained_model, "Predictor", predictor)
    monkeypatch.setattr(prediction_session, "Refiner", Second)
    predict("a.png")
    assert order == ["network", "renderer"]


def test_the_renderer_has_the_cards_settings(predict, model):
    predict("a.png")
    card = read_model_card(model.folder)
    stage, framing, settings, calibration, device, _ = FlatRefiner.given
    assert (stage, framing, settings) == (
        model.stage,
        card.framing.model_dump(),
        card.refinement.model_dump(),
    )
    assert calibration == read_calibration(model.calibration) and calibration.images == 7
    assert device == "auto"
