"""From pictures to files, with a renderer of flat colours: what is written, for which pictures, and when."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from inverse_shading.inversion.calibration import read_calibration
from inverse_shading.inversion.reasons import EXPLANATIONS
from inverse_shading.inversion.refiner import Estimate
from inverse_shading.material.document import read_material
from inverse_shading.material.observable import guessed_materials
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.pictures.framed_picture import FramedPicture
from inverse_shading.prediction import (
    output_files as prediction_files,
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
    # The most alternatives that its pictures leave room for.
    room = 3

    def __init__(self, stage, framing, settings, calibration, device, threads):
        FlatRefiner.made += 1
        FlatRefiner.given = (stage, framing, settings, calibration, device, threads)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def render(self, values):
        FlatRefiner.rendered.append(np.array(values))
        return np.full((32, 32, 3), (np.asarray(values[1:4]) * 255).round(), np.uint8)

    def refine(self, picture, guess, alternatives=0):
        third = np.full(10, 1 / 3)
        others = [third / (2 + i) for i in range(min(alternatives, self.room))]
        return self._estimate(third, third, third - 0.1, third + 0.1, others)

    def assess(self, picture, guess, expected, low, high):
        return self._estimate(guess, expected, low, high, [])

    def _estimate(self, values, expected, low, high, alternatives):
        reasons = dict.fromkeys(PARAMETERS) | {"base": "product", "specular": "metal"}
        FlatRefiner.estimated.append(values)
        return Estimate(
            values, expected, low, high, reasons, 1.5, 2.5, 12.25, 1, True, alternatives
        )


def frame_flat(path, stage, framing, encoding="auto", any_silhouette=False):
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
        return predict_pictures(
            paths, model.folder, output, Options(**{"refine": False} | options), again=again
        )

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


def test_what_has_no_end_is_told_and_the_others_are_done(predict):
    os.mkfifo(predict.folder / "pipe.png")
    (predict.folder / "zero.png").symlink_to("/dev/zero")
    pipe, zero = predict("pipe.png", "zero.png", "a.png")
    assert "pipe.png: found a named pipe, expected a picture" in str(pipe)
    assert "zero.png: found a device, expected a picture" in str(zero)
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
    values = read_material(predict.output / "a.mtlx")
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
        found = read_material(predict.output / f"a_alternative_{number}.mtlx")
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
        lambda predict: (predict.output / "a.json").write_text("{"),
        lambda predict: (predict.output / "a.json").write_text("{}"),
    ],
    ids=["another picture", "no material", "half a report", "an empty report"],
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


def test_a_stopped_run_leaves_no_report_of_what_it_was_at_and_goes_on(predict, monkeypatch):
    predict()
    draw = prediction_files.draw_prediction

    def stop(output, *arguments):
        if output.stem == "b":
            raise Stopped(15)
        draw(output, *arguments)

    monkeypatch.setattr(prediction_files, "draw_prediction", stop)
    with pytest.raises(Stopped):
        predict(again=True)
    assert "b.json" not in written(predict)
    monkeypatch.setattr(prediction_files, "draw_prediction", draw)
    before = len(FlatRefiner.estimated)
    predict()
    assert len(FlatRefiner.estimated) == before + 1
    assert written(predict) == sorted(f"{name}{kind}" for name in "abc" for kind in KINDS)


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


def test_outputs_never_take_the_place_of_pictures(predict):
    before = (predict.folder / "a.png").read_bytes()
    with pytest.raises(InputError, match=r"a\.png would take the place of a picture"):
        predict(output=predict.folder)
    assert (predict.folder / "a.png").read_bytes() == before


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
    with pytest.raises(InputError, match=r"found no such model, expected one of .*: tested"):
        predict_pictures([predict.folder], model.folder.parent / "bst", tmp_path / "out", Options())
    assert not (tmp_path / "out").exists()


def test_the_network_is_set_up_before_the_renderer(predict, monkeypatch):
    """The other order ends in a segmentation fault, see `prediction_session`."""
    order = []
    make = prediction_session.Predictor

    def predictor(*arguments):
        order.append("network")
        return make(*arguments)

    class Second(FlatRefiner):
        def __init__(self, *arguments):
            order.append("renderer")
            super().__init__(*arguments)

    monkeypatch.setattr(prediction_session, "Predictor", predictor)
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
