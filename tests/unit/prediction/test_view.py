"""The page of predicted pictures: what it is made of, and that it does in a browser what the command does."""

import base64
import itertools
import json
import re

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from inverse_shading.command import main
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.pictures.placement import frame_picture
from inverse_shading.pictures.stage_view import StageView
from inverse_shading.prediction.predict import predict_pictures
from inverse_shading.prediction.session import Options
from inverse_shading.prediction.view import _limits, _note, read_record, write_view
from inverse_shading.render.frames import Renderer
from inverse_shading.report.live_stage import live_stage
from inverse_shading.runtime.errors import InputError
from inverse_shading.scene.stage_file import read_stage
from tests.support.browser import POLL, set_size
from tests.support.live_page import call
from tests.support.node import run_in_node
from tests.support.optional import npm_package
from tests.support.small_model import FRAMING, PERCEPTRON, SmallModel
from tests.support.small_stage import MATERIALS, make_small_stage

SIDE = FRAMING["image_size"]


class World:
    """A model, its stage, and pictures of it: frames of materials, predicted with and without refinement."""

    def __init__(self, folder):
        self.model = SmallModel(folder / "results", head=PERCEPTRON, objective="canonical")
        self.stage = make_small_stage(folder / "results")
        self.model.describe()
        self.pictures, self.out = folder / "pictures", folder / "out"
        self.pictures.mkdir()
        with Renderer(self.stage, "cpu", 1) as renderer:
            self.frames = [renderer.render(values) for values in MATERIALS[:2]]
        for number, frame in enumerate(self.frames):
            Image.fromarray(frame).save(self.pictures / f"picture{number}.png")
        self.in_page = live_stage(read_stage(self.stage), FRAMING, "cpu")
        outcome = predict_pictures([self.pictures], self.model.folder, self.out, Options())
        assert not outcome.failures
        self.records = outcome.records

    def write(self, output, records=None, **options):
        records = self.records if records is None else records
        write_view(records, output, model=self.model.folder, device="cpu", **options)
        return output

    def changed(self, path, change):
        """The first record, changed."""
        content = json.loads(self.records[0].read_text())
        change(content)
        path.write_text(json.dumps(content))
        return path


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"))


def whole(frame):
    return Image.fromarray(frame)


def enlarged(frame):
    return whole(frame).resize((224, 224), Image.Resampling.BICUBIC)


def cut_out(frame, mask):
    return Image.fromarray(np.dstack([frame, (255 * mask).astype(np.uint8)]))


def taken(world, picture):
    """What the page makes of a picture, or its refusal."""
    body = """
    const view = new page.StageView(await page.readStage(data.stage));
    const picture = { ...data.picture, pixels: Uint8ClampedArray.from(data.picture.pixels) };
    try {
      const { image, target, weights, placement } = page.framePicture(picture, view, data.limits);
      return { image: [...image], target: [...target], weights: [...weights], placement };
    } catch (error) {
      if (error instanceof page.PictureError) return error.message;
      throw error;
    }
    """
    pixels = np.asarray(picture.convert("RGBA"))
    given = {"pixels": pixels.ravel().tolist(), "width": picture.width, "height": picture.height}
    data = {
        "stage": world.in_page,
        "picture": given,
        "limits": _limits(StageView(read_stage(world.stage), FRAMING)),
    }
    return run_in_node(["intake.js", "live_renderer.js", "stage_view.js"], body, data)


@pytest.mark.parametrize("make", [whole, enlarged, "framed", "cut_out"])
def test_the_page_frames_a_picture_as_the_command_does(world, tmp_path, make):
    stage, frame = read_stage(world.stage), world.frames[1]
    if make == "framed":
        picture = whole(frame_picture(world.pictures / "picture1.png", stage, FRAMING).image)
    elif make == "cut_out":
        picture = cut_out(frame, stage.mask)
    else:
        picture = make(frame)
    picture.save(tmp_path / "picture.png")
    expected = frame_picture(tmp_path / "picture.png", stage, FRAMING)
    found = taken(world, picture)
    assert found["placement"] == expected.placement
    shape = (SIDE, SIDE, 3)
    image = np.abs(np.array(found["image"], float).reshape(shape) - expected.image)
    target = np.abs(np.array(found["target"]).reshape(shape) - expected.target)
    if make == "cut_out":
        # The command moves a cut-out by fractions of a pixel where its outline fits better.
        image, target = (off[expected.weights > 0] for off in (image, target))
    assert image.max() <= 1 and target.max() <= 1
    assert np.array_equal(np.array(found["weights"]).reshape(SIDE, SIDE), expected.weights)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda stage, frame: whole(stage.background), "doesn't show the stage's object"),
        (lambda stage, frame: whole(np.roll(frame, 6, axis=1)), "doesn't show the stage's object"),
        (lambda stage, frame: whole(frame[:, 4:]), "found 92 × 96 pixels, expected a square"),
        (
            lambda stage, frame: cut_out(frame, np.roll(stage.mask, 8, axis=0)),
            "found a cut-out whose silhouette overlaps the object's by 0.",
        ),
    ],
    ids=["empty", "elsewhere", "not square", "another silhouette"],
)
def test_a_picture_of_something_else_is_told_and_what_to_do(world, make, told):
    stage = read_stage(world.stage)
    found = taken(world, make(stage, world.frames[0]))
    assert isinstance(found, str) and told in found and "inverse-shading predict" in found


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda record: record.clear(), "can't be read as the record of a prediction"),
        (lambda record: record["parameters"].pop("base"), "can't be read as the record"),
        (
            lambda record: record.update(alternatives=[{"base": 0.5}]),
            "parameters or alternatives: expected base, base_color_r",
        ),
        (
            lambda record: record["parameters"]["base"].update(value=5.0),
            "parameters.base.value: found 5.0",
        ),
        (lambda record: record["picture"].pop("framed"), "without its framed picture"),
        # As the certificate of an export.
        (lambda record: [record.pop(k) for k in ("parameters", "picture")], "can't be read as"),
        (lambda record: record["picture"].update(framed="AAAA"), "found no framed picture in it"),
        (
            lambda record: record["made_by"].update(stage_sha256="0" * 64),
            "found a prediction on another stage",
        ),
    ],
)
def test_a_record_that_is_none_or_another_stages_is_refused(world, tmp_path, change, told):
    record = world.changed(tmp_path / "record.json", change)
    with pytest.raises(InputError, match=f"record.json: .*{told}"):
        world.write(tmp_path / "page.html", [record])


def test_a_note_tells_the_verdict_and_a_fitted_light(world, tmp_path):
    fit = {"explanation": "doubtful (p 0.01)", "gains": [1.2, 1, 0.9]}
    notes = [
        _note(read_record(world.changed(tmp_path / "record.json", change)))
        for change in (
            lambda record: record.update(fit=None),
            lambda record: record.update(fit=fit),
        )
    ]
    assert "Verdict" not in notes[0]
    assert (
        "Verdict: doubtful (p 0.01). That is in a light multiplied by 1.20 (red), 1.00" in notes[1]
    )
    assert all(note.endswith(" calibrated.") for note in notes)


def test_a_record_can_not_bring_markup_into_the_page(world, tmp_path):
    name = "</script><script>alert(1)</script>"
    record = world.changed(tmp_path / "a.json", lambda one: one["made_by"].update(picture=name))
    page = world.write(tmp_path / "page.html", [record]).read_text()
    assert "<script>alert" not in page and "\\u003cscript\\u003ealert(1)" in page


def test_a_refined_material_without_alternatives_gets_some_to_walk_along(world, tmp_path):
    network = world.changed(
        tmp_path / "a.json", lambda one: one["refinement"].update(refined=False)
    )
    page = world.write(tmp_path / "page.html", [network, world.records[0]]).read_text()
    network, found = json.loads(re.search(r'id="data-pictures"[^>]*>(.*?)</script>', page)[1])
    assert network["alternatives"] == [] and len(found["alternatives"]) >= 2
    material = [each["value"] for each in found["inputs"]]
    assert np.abs(np.array(found["alternatives"]) - material).max(axis=1).min() > 0.01


def test_a_file_that_is_no_json_and_a_record_of_another_framing_are_refused(world, tmp_path):
    with pytest.raises(InputError, match=r"picture0\.png: can't be read as the record"):
        world.write(tmp_path / "page.html", [world.pictures / "picture0.png"])
    # Without the model, what lies beside the stage says how pictures are framed.
    with pytest.raises(InputError, match="found a framed picture of 32 x 32 pixels, expected 224"):
        write_view(world.records, tmp_path / "page.html", stage=world.stage)
    assert not (tmp_path / "page.html").exists()


def test_the_command_writes_a_page_and_refuses_other_names(world, tmp_path, capsys):
    model = ["--model", str(world.model.folder)]
    page, out = tmp_path / "page.html", ["--output", str(world.out)]
    assert (
        main(["predict", str(world.pictures), *model, *out, "--refine", "--page", str(page)]) == 0
    )
    first = page.read_bytes()
    records = list(map(str, world.records))
    assert main(["view", *records, *model, "--output", str(page)]) == 0
    # The command's own carries no network, which would be most of it.
    none = b'id="data-network">null<'
    assert none in first and none not in page.read_bytes()
    with pytest.raises(SystemExit):
        main(["view", *records, *model, "--output", records[0]])
    with pytest.raises(SystemExit):
        main(["view", *records, "--output", str(page)])
    assert "expected a name that ends in .html" in capsys.readouterr().err


@pytest.fixture(scope="module")
def page_file(world, tmp_path_factory):
    return world.write(tmp_path_factory.mktemp("page") / "page.html", carries_network=True)


def test_the_same_records_give_the_same_bytes_and_certificates_are_passed_over(
    world, page_file, tmp_path
):
    # As *.json names them where --to was given.
    (tmp_path / "picture0_certificate.json").write_text('{"targets": {}}')
    named = [*world.records, tmp_path / "picture0_certificate.json"]
    again = world.write(tmp_path / "again.html", named, carries_network=True)
    assert again.read_bytes() == page_file.read_bytes()


@pytest.fixture
def page(driver, page_file):
    set_size(driver, 1400, 900)
    driver.get_log("browser")
    driver.get(page_file.as_uri())
    wait(driver, lambda: shown_rms(driver))
    return driver


def text(driver, selector):
    return driver.find_element(By.CSS_SELECTOR, selector).text


def wait(driver, condition):
    return WebDriverWait(driver, 60, POLL).until(lambda _: condition())


def shown_rms(driver):
    """RMS of the live picture from the picture once it is whole, else None."""
    found = re.fullmatch(
        r"([\d.]+) levels of 255 \(RMS\) from the picture", text(driver, ".live-picture .note")
    )
    return found and float(found[1])


def values(driver):
    sliders = driver.find_elements(By.CSS_SELECTOR, ".live-sliders input")
    return [float(one.get_attribute("value")) for one in sliders]


def give(driver, *paths):
    driver.find_element(By.ID, "own-file").send_keys("\n".join(map(str, paths)))


def test_predicted_pictures_are_shown_with_renders_as_near_as_the_command_s(page, world):
    records = [json.loads(path.read_text()) for path in world.records]
    buttons = page.find_elements(By.CSS_SELECTOR, "#picture-list button")
    assert [button.text for button in buttons] == ["picture0.png", "picture1.png"]
    for button, record in zip(buttons, records, strict=True):
        button.click()
        expected = [record["parameters"][name]["value"] for name in PARAMETERS]
        assert values(page) == pytest.approx(expected, abs=6e-4)
        # Both are rounded to levels, and the page's mean leaves out where the object is hardly seen.
        assert wait(page, lambda: shown_rms(page)) <= record["difference"]["rms"] + 0.1
    loaded = "return performance.getEntriesByType('resource').length"
    assert page.execute_script(loaded) == 0
    assert [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"] == []
    # Nor could it make a request.
    asked = "return fetch('data:,').then(() => 'answered', () => 'refused')"
    assert call(page, asked) == "refused"


def test_a_picture_of_ones_own_is_answered_and_refined_as_the_command_does(page, world, tmp_path):
    answers, refined = (
        json.loads(record.read_text()) for record in (_answer(world, tmp_path), world.records[1])
    )
    give(page, world.pictures / "picture1.png")
    wait(page, lambda: "network's answer" in text(page, "#shown-note"))
    expected = [answers["parameters"][name]["value"] for name in PARAMETERS]
    assert values(page) == pytest.approx(expected, abs=2e-3)
    assert "knows no intervals" in text(page, "#shown-note")
    page.find_element(By.ID, "refine").click()
    wait(page, lambda: text(page, "#shown-note").startswith("Refined to"))
    rms = float(text(page, "#shown-note").split()[2])
    assert abs(rms - refined["refinement"]["rms"]) <= 0.1


def _answer(world, folder):
    options = Options(refine=False)
    picture = world.pictures / "picture1.png"
    return predict_pictures([picture], world.model.folder, folder, options).records[0]


def test_files_that_are_no_pictures_are_told_and_the_others_taken(page, world, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    whole(read_stage(world.stage).background).save(tmp_path / "empty.png")
    Image.new("RGB", (5000, 5000)).save(tmp_path / "large.png")
    names = ["text.png", "empty.png", "large.png"]
    give(page, *(tmp_path / name for name in names), world.pictures / "picture0.png")
    told = wait(page, lambda: text(page, "#own-problem"))
    for name, reason in zip(
        names, ["no picture that this browser", "doesn't show", "5000 × 5000"], strict=True
    ):
        assert f"{name}: found" in told and reason in told
    assert len(page.find_elements(By.CSS_SELECTOR, "#picture-list button")) == 3
    assert text(page, "#shown-name") == "picture0.png"


def test_a_picture_is_framed_beside_the_page_as_by_the_command(page, world, tmp_path):
    whole(world.frames[1]).resize((640, 640), Image.Resampling.BICUBIC).save(tmp_path / "large.png")
    # What the page itself can't do, it can't be held up by.
    page.execute_script("OffscreenCanvas.prototype.getContext = () => { throw new Error('here') }")
    give(page, tmp_path / "large.png")
    wait(page, lambda: text(page, "#shown-name") == "large.png")
    assert text(page, "#own-status") == text(page, "#own-problem") == ""
    expected = frame_picture(tmp_path / "large.png", read_stage(world.stage), FRAMING)
    found = page.execute_script("return [...page.shown.entry.framed.target]")
    assert np.abs(np.reshape(found, expected.target.shape) - expected.target).max() <= 1


def test_a_picture_that_comes_while_another_is_taken_takes_its_place(page, world):
    files = [base64.b64encode(path.read_bytes()).decode() for path in world.pictures.iterdir()]
    script = """
      const file = (text, name) => new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name);
      const all = a[0].map((text, number) => page.takeFiles([file(text, `own${number}`)]));
      const status = document.querySelector("#own-status").textContent;
      await Promise.all(all);
      return [status, page.entries.map(({ name }) => name)]"""
    status, names = call(page, script, files)
    assert status == "own1 is being read."
    assert names == ["picture0.png", "picture1.png", "own1"]
    assert text(page, "#own-problem") == ""


def test_without_webgl_pictures_are_shown_and_answered_with_a_word(driver, page_file, world):
    command = "Page.addScriptToEvaluateOnNewDocument"
    none = {"source": "OffscreenCanvas.prototype.getContext = ((get) => function (kind, ...more) {"
            " return kind === 'webgl2' ? null : get.call(this, kind, ...more); })"
            "(OffscreenCanvas.prototype.getContext)"}  # fmt: skip
    script = driver.execute_cdp_cmd(command, none)
    try:
        driver.get(page_file.as_uri())
        wait(driver, lambda: "no WebGL 2" in text(driver, ".live-picture .note"))
        give(driver, world.pictures / "picture1.png")
        wait(driver, lambda: "network's answer" in text(driver, "#shown-note"))
        driver.find_element(By.ID, "refine").click()
        wait(driver, lambda: "no WebGL 2" in text(driver, "#refine-status"))
        assert len(values(driver)) == 10
    finally:
        driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


def test_axe_finds_nothing_against_the_page(page):
    axe = (npm_package("axe-core") / "axe.min.js").read_text()
    page.execute_script(axe)
    run = (
        "const done = arguments[0]; axe.run().then(({ violations }) => done("
        "violations.map((v) => [v.id, v.nodes.map((n) => n.html.slice(0, 200) + n.failureSummary)])))"
    )
    for width, dark in itertools.product((1400, 390), (False, True)):
        set_size(page, width, 900, dark)
        assert page.execute_async_script(run) == [], (width, dark)
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
