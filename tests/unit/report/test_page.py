"""The report: what is read and chosen, and the finished page in a browser."""

import base64
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from inverse_shading.prediction.material_file import material_template, material_text
from inverse_shading.render import framed_frames
from inverse_shading.report.difference_colors import flip_colors
from inverse_shading.report.page import gallery, stage_pictures
from inverse_shading.report.page.data import read_report_data
from inverse_shading.report.page.gallery import Example, choose_examples
from inverse_shading.report.page.html import write_report
from inverse_shading.report.page.plots import calibration_figure, predicted_figure, reasons_figure
from inverse_shading.report.page.renders import (
    LARGEST_SIDE,
    SMALLEST_SIDE,
    flip_stops,
    flip_tones,
    picture_side,
)
from inverse_shading.report.page.stage_pictures import visible_environment
from inverse_shading.report.page.table import report_columns, report_rows
from inverse_shading.runtime.errors import InputError
from tests.support.browser import POLL, set_size
from tests.support.optional import npm_package
from tests.support.report_inputs import (
    FLIP,
    PUBLISHED,
    REFINED,
    TEST,
    FlatRenderer,
    true_values,
    write_appearance,
    write_images,
    write_inputs,
)


@pytest.fixture
def inputs(tmp_path):
    return write_inputs(tmp_path)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Of the inputs as they are."""
    return read_report_data(**write_inputs(tmp_path_factory.mktemp("data")))


def test_refinement_first_then_the_best_model_then_the_others(data):
    assert (
        list(data.guesses)
        == list(data.materials)
        == list(data.appearance)
        == [REFINED, "good", "other"]
    )
    assert data.splits == {"train": 2, "validation": 1, "test": 5}
    assert data.sample == [f"{index:09d}" for index in TEST]
    # What can't be rendered is brought to what can; what was predicted stays as it is.
    assert data.guesses["good"][3, 2] == 1.2 and data.materials["good"][3, 2] == 1.0
    assert (data.materials[REFINED][:, 0] == 0.9).all() and data.guesses[REFINED][0, 0] < 0.22


def test_appearance_of_other_images_is_refused(inputs):
    write_appearance(inputs["appearance"]["other"], ["1", "2", "3", "4", "5"], FLIP["other"])
    with pytest.raises(
        InputError, match=r"other_appearance.csv: found 5 images beginning with \['1'\]"
    ):
        read_report_data(**inputs)


def test_a_best_model_without_predictions_is_refused(inputs):
    del inputs["predictions"]["good"]
    with pytest.raises(InputError, match="found good as the best model, expected one of other"):
        read_report_data(**inputs)


def test_the_best_of_a_column_is_a_rival(data):
    table = data.table
    columns = [column.name for column in report_columns(table)]
    assert columns == ["test_mse", "test_mae", "test_r2"]
    best = {row.model: [cell.best for cell in row.cells] for row in report_rows(table)}
    # Not the bound's and the poster's smaller ones; of R² the largest.
    assert best["good"] == [True, True, True]
    assert not any(any(cells) for model, cells in best.items() if model != "good")


def test_refinement_is_a_rival_on_the_sample_alone():
    table = pd.DataFrame({"model": ["a", "b"], "source": ["model", "refinement"]})
    table = table.assign(test_mse=[0.2, 0.1], sample_mse=[0.2, 0.1])
    rows = report_rows(table)
    assert [[cell.best for cell in row.cells] for row in rows] == [[True, False], [False, True]]
    assert [[cell.apart for cell in row.cells] for row in rows] == [[False] * 2, [True, False]]


def test_columns_that_are_not_there_are_left_out():
    table = pd.DataFrame(
        {"model": ["a"], "source": ["model"], "image_flip": [0.1], "novel_flip": [np.nan]}
    )
    assert [column.name for column in report_columns(table)] == ["image_flip"]
    assert [cell.text for cell in report_rows(table)[0].cells] == ["0.1000"]


def test_examples_are_the_least_known_images_that_look_the_same(data):
    # Image 4 has the widest product but five levels of difference; metal hides nothing.
    assert choose_examples(data) == [Example("product", 2), Example("dark", 3)]


def test_shares_of_truths_inside_their_intervals(data):
    figure = calibration_figure(data)
    (trace,) = figure["data"]
    assert trace["customdata"] == [3, *[5] * 9]
    # Wilson's 95 % range of 3 of 5.
    below = _numbers(trace["error_x"]["arrayminus"])
    assert 0.6 - below[0] == pytest.approx(0.2307, abs=1e-4)
    shapes = figure["layout"]["shapes"]
    assert (shapes[0]["x0"], shapes[0]["x1"]) == (pytest.approx(0.75), pytest.approx(0.85))


def test_shares_of_reasons_add_up(data):
    shares = {trace["meta"]["role"]: _numbers(trace["x"]) for trace in reasons_figure(data)["data"]}
    assert sum(shares.values()) == pytest.approx(np.ones(10))
    assert shares["product"].tolist() == [1, *[0] * 9]
    assert shares["dark"].tolist() == [0, 0.4, *[0] * 8]


def test_models_show_all_test_images_and_the_refinement_its_bars(data):
    figure = predicted_figure(data)
    assert list(figure["traces"]) == [REFINED, "good", "other"]
    assert all(len(traces) == 10 for traces in figure["traces"].values())
    assert (
        "error_y" in figure["traces"][REFINED][0] and "error_y" not in figure["traces"]["good"][0]
    )
    assert "MSE 0.0025" in figure["titles"]["good"][0]


def test_many_pictures_are_smaller():
    assert picture_side(100, 300) == LARGEST_SIDE
    assert picture_side(100, 64) == 64
    assert picture_side(10**9, 300) == SMALLEST_SIDE


def test_the_page_makes_the_colours_of_flip_of_its_grey_maps():
    errors = np.linspace(0, 1, 1000)[None]
    # As the page's filter does: squared, then interpolated between stops.
    squared = (flip_tones(errors) / 255.0) ** 2
    stops = flip_stops()
    places = np.linspace(0, 1, len(stops))
    shown = np.stack([np.interp(squared, places, stops[:, c]) for c in range(3)], axis=-1)
    assert np.abs(255 * shown - flip_colors(errors).astype(float)).max() < 4
    # A hundredth of FLIP's range still has twenty tones and more.
    assert len(np.unique(flip_tones(errors / 100))) > 20


def test_an_environment_is_shown_at_an_exposure_that_leaves_few_texels_white():
    radiance = np.geomspace(1e-3, 1e3, 10_000).reshape(100, 100, 1) * np.ones(3)
    white = (visible_environment(radiance) == 255).all(axis=-1).mean()
    assert 0.01 < white < 0.03
    # One lamp in the dark.
    lamp = np.zeros((10, 10, 3))
    lamp[2, 3] = 50
    assert (visible_environment(lamp) == 255).all(axis=-1).sum() == 1


def _numbers(values):
    """Plotly packs arrays into base64."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
    return np.asarray(values)


def flat_alikes(values):
    return np.stack([values * [0.5, *[1] * 9], values * [0.7, *[1] * 9]])


def write_flat_reports(folder, data, counts):
    """Reports of a flat world by their names, each with so many images in its gallery."""
    views = write_images(folder)
    with pytest.MonkeyPatch.context() as patch:
        for module in (framed_frames, stage_pictures):
            patch.setattr(module, "Renderer", FlatRenderer)
        # Base never shows in a flat world.
        patch.setattr(gallery, "look_alikes", lambda values, *_: [flat_alikes(v) for v in values])
        for name, count in counts.items():
            write_report(folder / name, data, views, count, material_template({}))


@pytest.fixture(scope="module")
def report(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("report")
    write_flat_reports(folder, data, {"first.html": 3, "report.html": 3})
    return folder / "report.html"


def test_refined_images_that_were_not_met_say_so(report, data, tmp_path):
    told = "For 1 of the 5 images its render stays more than 1 level"
    # The last image of the sample alone is 5 levels off. A gallery of three leaves it out.
    text = report.read_text()
    assert told in text and "misfit: " not in text
    appearance = data.appearance | {REFINED: data.appearance[REFINED].assign(rms=0.2)}
    write_flat_reports(tmp_path, data, {"all.html": 5})
    text = (tmp_path / "all.html").read_text()
    assert told in text and text.count("misfit: 5.0 levels off") == 1
    write_flat_reports(tmp_path, replace(data, appearance=appearance), {"met.html": 1})
    assert "stays more than" not in (tmp_path / "met.html").read_text()


def test_the_same_inputs_give_the_same_bytes(report):
    assert report.with_name("first.html").read_bytes() == report.read_bytes()


def test_names_of_the_users_own_are_escaped(report):
    text = report.read_text()
    assert "alert(1)" in text and "<script>alert" not in text


@pytest.fixture
def page(driver, report):
    set_size(driver, 1400, 900)
    # What other pages complained of.
    driver.get_log("browser")
    driver.get(report.as_uri())
    WebDriverWait(driver, 20, POLL).until(
        lambda d: len(d.find_elements(By.CSS_SELECTOR, ".plot .main-svg")) >= 3
    )
    yield driver
    # Whatever a test did to the page, it complained of nothing.
    messages = [entry["message"] for entry in driver.get_log("browser")]
    # Chromium remarks on pictures that are read back, by the page or by a test.
    remarks = ("GPU stall due to ReadPixels", "willReadFrequently")
    assert [one for one in messages if not any(remark in one for remark in remarks)] == []


def _texts(page, selector):
    return [element.text for element in page.find_elements(By.CSS_SELECTOR, selector)]


def _images(page):
    return [int(text.removeprefix("Image ")) for text in _texts(page, ".card h3")]


def _choose(page, name, value):
    Select(page.find_element(By.NAME, name)).select_by_value(value)


def test_every_picture_is_there_and_nothing_was_asked_of_a_network(page):
    sizes = page.execute_script(
        "return Promise.all([...document.images].map((i) => i.decode().then(() => i.naturalWidth)))"
    )
    # Three cards and one example that is not among them, at two views and one; two stages.
    assert len(sizes) >= 3 * 2 * (1 + 2 * 3) + 2 * 2 + 2 * 3
    frames, environments = sizes.count(64), sizes.count(16)
    assert (frames, environments, set(sizes)) == (4, 2, {16, 32, 64})
    names = page.execute_script("return performance.getEntries().map((entry) => entry.name)")
    assert [name for name in names if re.match(r"(https?|wss?|ftp):", name)] == []
    assert [n for n in names if n.startswith("file:")] == [page.current_url]
    alternatives = page.execute_script("return [...document.images].map((image) => image.alt)")
    assert all(alternatives)


def test_a_click_on_a_heading_sorts_and_another_turns_it(page):
    def heading(name):
        return page.find_element(By.CSS_SELECTOR, f"th[data-column={name}]")

    def models():
        return _texts(page, "#comparison tbody th")

    assert models() == ["other", "good", "ridge", "floor", PUBLISHED]
    heading("test_mse").find_element(By.TAG_NAME, "button").click()
    assert models() == ["floor", PUBLISHED, "good", "ridge", "other"]
    assert heading("test_mse").get_attribute("aria-sort") == "ascending"
    # By keyboard as well.
    heading("test_mse").find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    assert models() == ["other", "ridge", "good", PUBLISHED, "floor"]
    assert heading("test_mse").get_attribute("aria-sort") == "descending"
    # Of R² the largest first, and rows without one last.
    heading("test_r2").find_element(By.TAG_NAME, "button").click()
    assert models()[:3] == ["good", "ridge", "other"]
    assert heading("test_mse").get_attribute("aria-sort") is None


def test_the_gallery_sorts_by_any_error_of_any_predictor(page):
    # Even ranks of good's FLIP: images 2 (0.1), 5 (0.3), 4 (0.5).
    assert _images(page) == [4, 5, 2]
    _choose(page, "order", "best")
    assert _images(page) == [2, 5, 4]
    _choose(page, "predictor", "other")
    # 2: 0.7, 4: 0.8, 5: 0.9
    assert _images(page) == [2, 4, 5]
    _choose(page, "measure", "novel_flip")
    assert _images(page) == [5, 4, 2]
    _choose(page, "measure", "mse")
    _choose(page, "predictor", "good")
    assert _images(page)[-1] == 5


def test_the_gallery_shows_what_is_chosen(page):
    def shown(selector):
        elements = page.find_elements(By.CSS_SELECTOR, f".card:first-child {selector}")
        return [element for element in elements if element.is_displayed()]

    def names():
        return [tile.get_attribute("data-name") for tile in shown(".tile")]

    assert names() == ["truth", REFINED, "good", "other"]
    assert len(shown(".render")) == 4 and len(shown(".map")) == 3
    page.find_element(By.CSS_SELECTOR, "input[value=other]").click()
    assert names() == ["truth", REFINED, "good"]
    page.find_element(By.NAME, "maps").click()
    assert shown(".map") == []
    before = [image.get_attribute("src") for image in shown(".render")]
    _choose(page, "view", "novel")
    after = [image.get_attribute("src") for image in shown(".render")]
    assert len(after) == 3 and not set(before) & set(after)


def test_an_image_opens_with_its_ten_values(page):
    page.find_element(By.CSS_SELECTOR, ".tile[data-name=good] button").click()
    dialog = page.find_element(By.ID, "detail")
    assert dialog.is_displayed() and "Image 4" in dialog.text
    rows = _texts(page, "#detail tbody tr")
    assert len(rows) == 10
    assert rows[0].split() == ["Base", "0.200", "0.250", "0.210", "0.100", "–", "0.800"]
    assert len(page.find_elements(By.CSS_SELECTOR, "#detail .pictures img")) == 6
    dialog.send_keys(Keys.ESCAPE)
    assert not dialog.is_displayed()


def _open_live(page):
    """Open what good says of image 4 and wait for its live picture."""
    page.find_element(By.CSS_SELECTOR, ".tile[data-name=good] button").click()
    _await_pixel(page, 10, [140, 64, 64])


def _await_pixel(page, column, expected):
    """Wait for the colour of the live picture's pixel in a row in the middle."""
    script = (
        "const c = document.querySelector('.live canvas');"
        "return [...c.getContext('2d').getImageData(arguments[0], c.height / 2, 1, 1).data.slice(0, 3)]"
    )
    found = []

    def is_there(driver):
        found[:] = driver.execute_script(script, column)
        return np.abs(np.subtract(found, expected)).max() <= 1

    try:
        WebDriverWait(page, 20, POLL).until(is_there)
    except TimeoutException:
        assert found == expected


def _press(page, label):
    page.execute_script(
        "[...document.querySelectorAll('.live button')]"
        ".find((one) => one.textContent.startsWith(arguments[0])).click()",
        label,
    )


def _live_choice(page, place, text):
    fields = page.find_elements(By.CSS_SELECTOR, ".live-controls select")
    Select(fields[place]).select_by_visible_text(text)


def test_the_live_picture_follows_sliders_and_keys(page):
    _open_live(page)
    notes = _texts(page, ".live-sliders small")
    assert notes[0] == "Only a product shows" and notes[9] == ""
    red = page.find_element(By.CSS_SELECTOR, "input[type=range][aria-label='Base colour R']")
    assert red.get_attribute("value") == "0.55"
    red.send_keys(Keys.END)
    _await_pixel(page, 10, [255, 64, 64])
    swatch = page.find_element(By.CSS_SELECTOR, ".live .swatch").get_attribute("style")
    assert "color(srgb-linear 1 0.25 0.25)" in swatch
    _press(page, "truth")
    _await_pixel(page, 10, [128, 51, 51])
    _press(page, "Reset")
    _await_pixel(page, 10, [140, 64, 64])
    # In the gallery's light, and then in the other one.
    page.find_element(By.ID, "detail").send_keys(Keys.ESCAPE)
    _choose(page, "view", "novel")
    _open_live(page)
    light = page.find_element(By.CSS_SELECTOR, ".live-controls select")
    assert Select(light).first_selected_option.text == "New light and view"
    _live_choice(page, 0, "Training images")
    _await_pixel(page, 10, [140, 64, 64])


def test_images_that_are_opened_share_one_graphics_context(page):
    # A browser takes the oldest of more than a few away.
    page.execute_script(
        "window.made = 0; const get = OffscreenCanvas.prototype.getContext;"
        "OffscreenCanvas.prototype.getContext = function (kind, ...more) {"
        " window.made += kind === 'webgl2'; return get.call(this, kind, ...more); }"
    )
    for _ in range(3):
        _open_live(page)
        page.find_element(By.ID, "detail").send_keys(Keys.ESCAPE)
    assert page.execute_script("return window.made") == 1


def test_the_live_picture_is_compared_with_the_truth(page):
    _open_live(page)
    _live_choice(page, 1, "wipe")
    _await_pixel(page, 10, [128, 51, 51])
    _await_pixel(page, 54, [140, 64, 64])
    page.find_element(By.CSS_SELECTOR, ".wipe").send_keys(Keys.HOME)
    _await_pixel(page, 10, [140, 64, 64])
    status = page.find_element(By.CSS_SELECTOR, ".live-picture .note").text
    assert status == "12.68 levels of 255 (RMS) from truth"
    assert _texts(page, ".live-frame .shows") == ["truth", "live"]
    _live_choice(page, 1, "difference")
    _await_pixel(page, 10, [96, 104, 104])
    page.find_element(By.CSS_SELECTOR, "[aria-label='Gain of the differences']").send_keys(
        Keys.HOME
    )
    _await_pixel(page, 10, [12, 13, 13])
    _live_choice(page, 1, "flicker")
    _await_pixel(page, 10, [128, 51, 51])
    _await_pixel(page, 10, [140, 64, 64])
    _live_choice(page, 2, REFINED)
    _await_pixel(page, 10, [128, 51, 51])


def test_what_differs_is_announced_once_it_stands(page):
    _open_live(page)
    _live_choice(page, 1, "wipe")
    # What has been announced whenever the text changes.
    script = """
      const done = arguments[0], spoken = document.querySelector(".live [role=status]");
      const note = document.querySelector(".live-picture .note"), heard = [];
      const range = document.querySelector("[aria-label='Base colour R']");
      const text = () => note.textContent, step = () => {
        range.value = Number(range.value) + 0.01;
        range.dispatchEvent(new Event("input"));
      };
      new MutationObserver(() => {
        if (text()) heard.push(spoken.textContent === text());
        if (heard.length < 3) step();
      }).observe(note, { childList: true });
      new MutationObserver(() => {
        if (heard.length > 2) done([heard, spoken.textContent === text()]);
      }).observe(spoken, { childList: true });
      step();"""
    heard, is_told = page.execute_async_script(script)
    assert not any(heard) and is_told
    loud = (
        "return [...document.querySelectorAll('output')].filter((o) => o.ariaLive !== 'off').length"
    )
    assert page.execute_script(loud) == 0


def test_alternatives_are_buttons_and_a_walk_goes_round_them(page):
    _open_live(page)
    base = page.find_element(By.CSS_SELECTOR, "input[type=range][aria-label='Base']")
    _press(page, "looks the same 1")
    assert base.get_attribute("value") == "0.45"
    _press(page, "Walk")
    seen = set()
    WebDriverWait(page, 20, POLL).until(
        lambda _: seen.add(base.get_attribute("value")) or len(seen) > 3
    )
    status = page.find_element(By.CSS_SELECTOR, ".live-picture .note").text
    assert status == "0.00 levels of 255 (RMS) from where the walk began"
    # Whoever takes a slider ends the walk.
    base.send_keys(Keys.HOME)
    pressed = "return [...document.querySelectorAll('.live [aria-pressed=true]')].length"
    assert page.execute_script(pressed) == 0 and base.get_attribute("value") == "0"


def test_the_material_of_the_sliders_is_a_file_and_the_picture_too(page):
    _open_live(page)
    page.execute_script(
        "window.saved = []; const make = URL.createObjectURL;"
        "URL.createObjectURL = (blob) => { window.saved.push(blob); return make(blob); };"
    )
    _press(page, "Download .mtlx")
    _press(page, "Download picture")
    WebDriverWait(page, 10, POLL).until(
        lambda d: d.execute_script("return window.saved.length") == 2
    )
    text, kind = page.execute_async_script(
        "const done = arguments[0]; saved[0].text().then((text) => done([text, saved[1].type]))"
    )
    values = true_values()[4] + 0.05
    assert text == material_text(values, {}) and kind == "image/png"


def test_without_webgl_2_the_still_pictures_stay(page):
    page.execute_script("OffscreenCanvas.prototype.getContext = () => null")
    page.find_element(By.CSS_SELECTOR, ".tile[data-name=good] button").click()
    status = page.find_element(By.CSS_SELECTOR, ".live-picture .note")
    WebDriverWait(page, 10, POLL).until(lambda _: "no WebGL 2" in status.text)
    assert status.text.endswith("The still pictures stay.")
    assert page.find_element(By.CSS_SELECTOR, "#detail .pictures img").is_displayed()


def test_a_context_that_is_lost_while_the_shader_compiles_comes_back(page):
    page.execute_script("""
      const links = WebGL2RenderingContext.prototype, link = links.linkProgram;
      links.linkProgram = function (program) {
        links.linkProgram = link;
        window.lose = this.getExtension("WEBGL_lose_context");
        window.lose.loseContext();
        link.call(this, program);
      };""")
    page.find_element(By.CSS_SELECTOR, ".tile[data-name=good] button").click()
    note = page.find_element(By.CSS_SELECTOR, ".live-picture .note")
    WebDriverWait(page, 20, POLL).until(
        lambda _: note.text.startswith("The browser took the graphics")
    )
    page.execute_script("setTimeout(() => window.lose.restoreContext(), 50)")
    _await_pixel(page, 10, [140, 64, 64])
    WebDriverWait(page, 20, POLL).until(lambda _: note.text == "")


def test_the_gallery_shows_images_of_one_kind(page):
    kinds = {int(i): k for i, k in zip(_images(page), _texts(page, ".card .kinds"), strict=True)}
    # All are as metallic and reflect as weakly; base times colour is dark where colour is below 1/2.
    assert kinds[2] == "dark, weakly reflecting" and kinds[5] == "weakly reflecting"
    _choose(page, "kind", "dark")
    shown = [e for e in page.find_elements(By.CSS_SELECTOR, ".card h3") if e.is_displayed()]
    assert [element.text for element in shown] == ["Image 2"]
    assert page.find_element(By.ID, "gallery-status").text == "1 of 3 images, worst first"
    _choose(page, "kind", "metal")
    assert page.find_element(By.ID, "gallery-status").text == "0 of 3 images, worst first"


def test_predicted_colours_stand_beside_the_true_ones(page):
    colour = "return [...document.querySelectorAll(arguments[0])].map((e) => e.style.background)"
    tile = ".card[data-image='000000004'] .tile[data-name={}] .swatch"
    truth = page.execute_script(colour, tile.format("truth"))
    good = page.execute_script(colour, tile.format("good"))
    # Image 4: base colour 0.5, 0.2, 0.2, and good is 0.05 above.
    assert truth[0] == "color(srgb-linear 0.5 0.2 0.2)"
    assert good[0] == "color(srgb-linear 0.55 0.25 0.25)"
    page.find_element(By.CSS_SELECTOR, ".tile[data-name=good] button").click()
    assert [text.splitlines() for text in _texts(page, "#detail .colours li")] == [
        [label, "true", "good", REFINED] for label in ("Base colour", "Specular colour")
    ]
    assert page.execute_script(colour, "#detail .colours .swatch")[:2] == [truth[0], good[0]]


def test_keys_set_the_gain_of_the_maps_and_their_scale(page):
    def amplitudes():
        return page.execute_script(
            "return [...document.querySelectorAll('#flip-colours [amplitude]')]"
            ".map((f) => f.getAttribute('amplitude'))"
        )

    slider = page.find_element(By.ID, "flip-gain")
    assert amplitudes() == ["1"] * 3
    slider.send_keys(Keys.ARROW_RIGHT * 2)
    assert amplitudes() == ["4"] * 3
    assert page.find_element(By.ID, "flip-gain-output").text == "× 4"
    assert page.find_element(By.ID, "flip-brightest").text == "FLIP 0.25 or more"


def test_keys_open_an_image_and_closing_it_leads_back(page):
    button = page.find_element(By.CSS_SELECTOR, ".tile[data-name=good] button")
    button.send_keys(Keys.ENTER)
    dialog = page.find_element(By.ID, "detail")
    assert dialog.is_displayed()
    page.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not dialog.is_displayed() and page.switch_to.active_element == button


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1400, 390])
def test_axe_finds_nothing_against_the_page_and_its_dialog(page, width, dark):
    axe = (npm_package("axe-core") / "axe.min.js").read_text()
    set_size(page, width, 900, dark)
    page.execute_script(axe)
    run = (
        "const [scope, done] = arguments; axe.run(scope).then(({ violations }) => done("
        "violations.map((v) => [v.id, v.nodes.map((n) => n.html.slice(0, 200) + n.failureSummary)])))"
    )
    assert page.execute_async_script(run, "html") == []
    page.execute_script("document.querySelectorAll('.tile button')[2].click()")
    assert page.execute_async_script(run, "#detail") == []


def test_headings_of_groups_are_in_sight_on_a_phone(page):
    set_size(page, 390, 844)
    script = (
        "const box = document.querySelector('#comparison .scroll'); box.scrollLeft = arguments[0];"
        "const frame = box.getBoundingClientRect();"
        "return [...document.querySelectorAll('.groups span')].filter((span) => {"
        " const { left, right, width } = span.getBoundingClientRect();"
        " return width && left >= frame.left && right <= frame.right; }).map((s) => s.textContent)"
    )
    assert page.execute_script(script, 0) == ["Inputs"]
    assert page.execute_script(script, 40) == ["Inputs"]


def test_the_plot_shows_the_predictor_that_is_chosen(page):
    def drawn():
        return page.execute_script(
            "const plot = document.getElementById('plot-predicted');"
            "return [plot.querySelectorAll('.point').length, plot.querySelectorAll('.yerror').length,"
            " plot.querySelector('.annotation-text').textContent]"
        )

    points, bars, title = drawn()
    assert (points, bars) == (50, 50) and "MSE 0.0001" in title
    choice = Select(page.find_element(By.ID, "predicted-choice"))
    assert [option.text for option in choice.options] == [REFINED, "good", "other"]
    choice.select_by_visible_text("good")
    points, bars, title = drawn()
    assert (points, bars) == (50, 0) and "MSE 0.0025" in title


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_needs_no_scrolling_sideways(page, dark):
    set_size(page, 390, 844, dark)
    width = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    WebDriverWait(page, 10, POLL).until(lambda d: len(set(d.execute_script(width))) == 1)
    plots = page.execute_script(
        "return [...document.querySelectorAll('.plot .main-svg')].map((s) => s.clientWidth)"
    )
    assert max(plots) <= 390
    background = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(21, 23, 26)" if dark else "rgb(251, 251, 249)")
