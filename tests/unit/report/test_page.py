"""The report: what is read and chosen, and the finished page in a browser."""

import base64
import re

import numpy as np
import pandas as pd
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from inverse_shading.inversion.intervals_file import read_intervals
from inverse_shading.render import framed_frames as framed_renderer
from inverse_shading.report.page.data import read_report_data
from inverse_shading.report.page.gallery import Example, choose_examples
from inverse_shading.report.page.html import write_report
from inverse_shading.report.page.plots import calibration_figure, predicted_figure, reasons_figure
from inverse_shading.report.page.renders import LARGEST_SIDE, SMALLEST_SIDE, picture_side
from inverse_shading.report.page.table import report_columns, report_rows
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import seal
from tests.support.browser import browser, set_size
from tests.support.report_inputs import (
    FLIP,
    REFINED,
    TEST,
    FlatRenderer,
    true_values,
    write_appearance,
    write_inputs,
    write_intervals,
)


@pytest.fixture
def inputs(tmp_path):
    return write_inputs(tmp_path)


@pytest.fixture
def read(inputs):
    def reading():
        return read_report_data(
            *(inputs[key] for key in ("table", "predictions", "refined", "appearance"))
        )

    reading.inputs = inputs
    return reading


def test_refinement_first_then_the_best_model_then_the_others(read):
    data = read()
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


def test_appearance_of_other_images_is_refused(read):
    write_appearance(read.inputs["appearance"]["other"], ["1", "2", "3", "4", "5"], FLIP["other"])
    with pytest.raises(
        InputError, match=r"other_appearance.csv: found 5 images beginning with \['1'\]"
    ):
        read()


def test_a_reason_that_there_is_not_is_refused_by_name(tmp_path):
    write_intervals(
        tmp_path / "i.csv", list("abcde"), true_values()[TEST], base_undetermined="mood"
    )
    with pytest.raises(
        InputError, match=r"i\.csv: found the reason 'mood', expected one of product"
    ):
        read_intervals(tmp_path / "i.csv")


def test_a_missing_interval_is_refused_by_name(tmp_path):
    write_intervals(tmp_path / "i.csv", list("abcde"), true_values()[TEST], specular_low=np.nan)
    with pytest.raises(InputError, match=r"i\.csv: found a value that is not a finite number"):
        read_intervals(tmp_path / "i.csv")


def test_a_best_model_without_predictions_is_refused(read):
    del read.inputs["predictions"]["good"]
    with pytest.raises(InputError, match="found good as the best model, expected one of other"):
        read()


def test_the_best_of_a_column_is_a_rival(read):
    table = read().table
    columns = [column.name for column in report_columns(table)]
    assert columns == ["test_mse", "test_mae", "test_r2"]
    best = {row.model: [cell.best for cell in row.cells] for row in report_rows(table)}
    # Not the bound's and the poster's smaller ones; of R² the largest.
    assert best["good"] == [True, True, True]
    assert not any(any(cells) for model, cells in best.items() if model != "good")


def test_refinement_is_a_rival_on_the_sample_alone():
    table = pd.DataFrame({"model": ["a", "b"], "source": ["model", "refinement"]})
    table = table.assign(test_mse=[0.2, 0.1], sample_mse=[0.2, 0.1])
    best = [[cell.best for cell in row.cells] for row in report_rows(table)]
    assert best == [[True, False], [False, True]]


def test_columns_that_are_not_there_are_left_out():
    table = pd.DataFrame(
        {"model": ["a"], "source": ["model"], "image_flip": [0.1], "novel_flip": [np.nan]}
    )
    assert [column.name for column in report_columns(table)] == ["image_flip"]
    assert [cell.text for cell in report_rows(table)[0].cells] == ["0.1000"]


def test_examples_are_the_least_known_images_that_look_the_same(read):
    # Image 4 has the widest product but five levels of difference; metal hides nothing.
    assert choose_examples(read()) == [Example("product", 2), Example("dark", 3)]


def test_shares_of_truths_inside_their_intervals(read):
    figure = calibration_figure(read())
    (trace,) = figure["data"]
    assert trace["customdata"] == [3, *[5] * 9]
    # Wilson's 95 % range of 3 of 5.
    below = _numbers(trace["error_x"]["arrayminus"])
    assert 0.6 - below[0] == pytest.approx(0.2307, abs=1e-4)
    shapes = figure["layout"]["shapes"]
    assert (shapes[0]["x0"], shapes[0]["x1"]) == (pytest.approx(0.75), pytest.approx(0.85))


def test_shares_of_reasons_add_up(read):
    shares = {
        trace["meta"]["role"]: _numbers(trace["x"]) for trace in reasons_figure(read())["data"]
    }
    assert sum(shares.values()) == pytest.approx(np.ones(10))
    assert shares["product"].tolist() == [1, *[0] * 9]
    assert shares["dark"].tolist() == [0, 0.4, *[0] * 8]


def test_models_show_all_test_images_and_the_refinement_its_bars(read):
    figure = predicted_figure(read())
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


def _numbers(values):
    """Plotly packs arrays into base64."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
    return np.asarray(values)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(framed_renderer, "Renderer", FlatRenderer)
        arguments = write_inputs(folder)
        write_report(**arguments)
        first = arguments["output"].read_bytes()
        write_report(**arguments)
    return first, arguments["output"]


def test_the_same_inputs_give_the_same_bytes(report):
    first, path = report
    assert path.read_bytes() == first


def test_names_of_the_users_own_are_escaped(inputs, monkeypatch):
    monkeypatch.setattr(framed_renderer, "Renderer", FlatRenderer)
    text = inputs["table"].read_text().replace("Poster's", "<script>alert(1)</script>")
    inputs["table"].write_text(text)
    seal(inputs["table"])
    write_report(**inputs)
    assert "<script>alert" not in inputs["output"].read_text()


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def page(driver, report):
    set_size(driver, 1400, 900)
    driver.get(report[1].as_uri())
    WebDriverWait(driver, 20).until(
        lambda d: len(d.find_elements(By.CSS_SELECTOR, ".plot .main-svg")) >= 3
    )
    yield driver
    # Whatever a test did to the page, it complained of nothing.
    assert [entry["message"] for entry in driver.get_log("browser")] == []


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
    # Three cards and one example that is not among them, at two views and one.
    assert len(sizes) >= 3 * 2 * (1 + 2 * 3) + 2 * 2 and set(sizes) == {32}
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

    assert models() == ["other", "good", "ridge", "floor", "Poster's"]
    heading("test_mse").find_element(By.TAG_NAME, "button").click()
    assert models() == ["floor", "Poster's", "good", "ridge", "other"]
    assert heading("test_mse").get_attribute("aria-sort") == "ascending"
    # By keyboard as well.
    heading("test_mse").find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    assert models() == ["other", "ridge", "good", "Poster's", "floor"]
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
    WebDriverWait(page, 10).until(lambda d: len(set(d.execute_script(width))) == 1)
    plots = page.execute_script(
        "return [...document.querySelectorAll('.plot .main-svg')].map((s) => s.clientWidth)"
    )
    assert max(plots) <= 390
    background = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(21, 23, 26)" if dark else "rgb(251, 251, 249)")
