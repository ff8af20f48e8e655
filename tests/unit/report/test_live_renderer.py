"""The page's WebGL renderer in a browser, held against this project's own."""

import base64
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from inverse_shading.material.document import standard_library
from inverse_shading.material.parameters import DECIMALS, METALNESS, ROUGHNESS
from inverse_shading.prediction.material_file import material_template, material_text
from inverse_shading.render.frames import Renderer
from inverse_shading.render.framing import frame_levels
from inverse_shading.report import live_stage as module
from inverse_shading.report.live_stage import live_stage
from inverse_shading.report.page.look_alikes import look_alikes
from inverse_shading.runtime.resources import Resources
from inverse_shading.scene.make_stage import write_stage
from inverse_shading.scene.stage_file import read_stage
from tests.support.live_page import call, live_frame, open_live_page, write_live_page
from tests.support.meshes import torus, write_glb
from tests.support.small_stage import FRAMING, MATERIALS, STAGE

SIZE = 96
NAMES = ("builtin", "torus")
# Beside the others a mirror, which shows each edge of the light.
SHOWN = np.concatenate([MATERIALS, MATERIALS[-1:]])
SHOWN[-1, [ROUGHNESS, METALNESS]] = 0.02, 1


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Stages: the built-in one, and a mesh of a glTF file."""
    folder = tmp_path_factory.mktemp("stages")
    write_glb(folder / "torus.glb", torus())
    meshes = {"builtin": "builtin", "torus": str(folder / "torus.glb")}
    for name, mesh in meshes.items():
        write_stage(folder / f"{name}.safetensors", STAGE | {"mesh": mesh}, SIZE, 4, "cpu")
    return {name: folder / f"{name}.safetensors" for name in meshes}


@pytest.fixture(scope="module")
def page(driver, tmp_path_factory, paths):
    folder = tmp_path_factory.mktemp("live")
    data = {name: live_stage(read_stage(path), FRAMING, "cpu") for name, path in paths.items()}
    write_live_page(folder / "page.html", data)
    open_live_page(driver, folder / "page.html")
    return driver


def test_a_page_holds_what_the_camera_sees_and_no_mesh(paths):
    stage = read_stage(paths["torus"])
    expected = live_stage(stage, FRAMING, "cpu")
    assert live_stage(replace(stage, mesh=None), FRAMING, "cpu") == expected


def floats(text):
    return np.frombuffer(base64.b64decode(text), np.float32)


@pytest.mark.parametrize("name", NAMES)
def test_the_browser_renders_the_same_pixels(page, paths, name):
    with Renderer(paths[name], "cpu") as renderer:
        inside = binary_erosion(renderer.mask, iterations=3)
        expected = [renderer.render(values) for values in SHOWN]
        outside = ~renderer.mask
    assert inside.sum() > 500
    for values, frame in zip(SHOWN, expected, strict=True):
        found = live_frame(page, name, values)
        differs = np.abs(found.astype(int) - frame)[inside]
        assert differs.max() <= 2
        # A floor that looks the light up elsewhere in the pole's row would double this.
        assert (differs > 0).mean() < (0.08 if values[METALNESS] < 1 else 0.15)
        np.testing.assert_array_equal(found[outside], frame[outside])
    # Neither blank nor stale pictures would pass above.
    assert all(
        np.abs(expected[0][inside].astype(int) - one[inside]).max() > 20 for one in expected[1:]
    )
    assert expected[0][inside].std() > 10


def test_levels_are_of_the_chosen_pixels_before_rounding(page, paths):
    mask = read_stage(paths["torus"]).mask
    indices = np.random.default_rng(0).permutation(mask.sum())[:500]
    script = "return [renderers.torus.unrounded, coded(renderers.torus.levels(a[0], a[1]))]"
    unrounded, text = call(page, script, SHOWN[0].tolist(), indices.tolist())
    assert unrounded
    levels = floats(text).reshape(-1, 3)
    rounded = live_frame(page, "torus", SHOWN[0])[mask][indices]
    assert np.abs(levels - rounded).max() < 1 and (levels != levels.round()).mean() > 0.9


def test_a_browser_that_renders_bytes_alone_has_rounded_levels(page):
    levels = call(
        page,
        "const old = WebGL2RenderingContext.prototype.getExtension;"
        "WebGL2RenderingContext.prototype.getExtension = () => null;"
        "const poor = new LiveRenderer(renderers.torus.stage);"
        "const levels = poor.levels(a[0], [3, 4]);"
        "WebGL2RenderingContext.prototype.getExtension = old;"
        "return [poor.unrounded, coded(levels)]",
        SHOWN[0].tolist(),
    )
    assert levels[0] is False and (floats(levels[1]) % 1 == 0).all()


def test_steps_begin_coarse_and_end_with_the_frame(page):
    # A renderer that has no pace yet begins with little more than the coarse picture.
    script = """
      const found = [];
      for (const pixels of new LiveRenderer(renderers.builtin.stage).steps(a[0])) found.push(coded(pixels));
      return [found.length, found[0], found.at(-1)]"""
    count, *texts = call(page, script, SHOWN[0].tolist())
    first, last = (np.frombuffer(base64.b64decode(text), np.uint8) for text in texts)
    frame = live_frame(page, "builtin", SHOWN[0])
    assert count > 1
    np.testing.assert_array_equal(last.reshape(SIZE, SIZE, 4)[..., :3], frame)
    # Of every square of eight pixels one is shaded, and the others have its colour.
    coarse = first.reshape(SIZE, SIZE, 4)[..., :3]
    differs = np.abs(coarse.astype(int) - frame).max(axis=-1)
    assert 0 < differs.mean(where=differs > 0) < 60 and 0.1 < (differs > 0).mean() < 0.9


def test_a_lost_context_is_said_and_comes_back(page):
    script = """
      const kept = [], old = OffscreenCanvas.prototype.getContext;
      OffscreenCanvas.prototype.getContext = function (...all) {
        kept.push(old.apply(this, all)); return kept[0];
      };
      const one = new LiveRenderer(renderers.torus.stage);
      OffscreenCanvas.prototype.getContext = old;
      const before = coded(one.frame(a[0])), lose = kept[0].getExtension("WEBGL_lose_context");
      const lost = new Promise((done) => { one.onlost = done; });
      const restored = new Promise((done) => { one.onrestored = done; });
      lose.loseContext();
      await lost;
      // It can come back once the event is over.
      await new Promise((go) => setTimeout(go, 50));
      let told = "";
      try { one.frame(a[0]); } catch (error) { told = error.message; }
      lose.restoreContext();
      await restored;
      const same = coded(one.frame(a[0])) === before;
      return [told, same]"""
    told, same = call(page, script, SHOWN[1].tolist())
    assert told.startswith("The browser took the graphics context away.") and same


def test_a_browser_without_webgl_2_is_told(page):
    script = """
      const old = OffscreenCanvas.prototype.getContext;
      OffscreenCanvas.prototype.getContext = () => null;
      try { new LiveRenderer(renderers.torus.stage); }
      finally { OffscreenCanvas.prototype.getContext = old; }"""
    with pytest.raises(RuntimeError, match=r"This browser has no WebGL 2"):
        call(page, script)


def test_pixels_that_no_shader_wrote_and_a_shader_that_is_none_are_told(page):
    script = """
      const stage = renderers.torus.stage;
      new LiveRenderer({ ...stage, shader: a[0](stage.shader) }).frame(a[1])"""
    for change, message in (
        (
            "(text) => text.replace('shadeSurface();\\n', 'shadeSurface(); discard;\\n')",
            "unwritten",
        ),
        ("() => 'no shader'", "can't compile the shader"),
    ):
        with pytest.raises(RuntimeError, match=message):
            call(page, script.replace("a[0]", f"({change})"), None, SHOWN[0].tolist())


def test_a_walk_along_materials_that_look_alike_stands_still(page, paths):
    # On the ball's stage a metal and a dielectric.
    alike = look_alikes(MATERIALS[:2], paths["torus"], FRAMING, Resources("cpu", 1))
    for values, found in zip(MATERIALS[:2], alike, strict=True):
        assert len(found) >= 2 and np.abs(found - values).max() > 0.1
        script = """
          const renderer = renderers.torus, all = renderer.stage.places.map((_, index) => index);
          const start = renderer.levels(a[0][0], all), apart = [], places = [];
          for (let leg = 0; leg <= a[0].length; leg += 0.125) {
            const values = walkAt(a[0], leg);
            const levels = renderer.levels(values, all);
            places.push(values);
            apart.push(Math.sqrt(levels.reduce((s, l, i) => s + (l - start[i]) ** 2, 0) / levels.length));
          }
          return [apart, places]"""
        apart, places = call(page, script, [values.tolist(), *found.tolist()])
        places = np.array(places)
        assert max(apart) < 1
        np.testing.assert_allclose(places[[0, -1]], [values, values], atol=1e-9)
        assert (places.max(axis=0) - places.min(axis=0)).max() > 0.1
        assert ((places >= 0) & (places <= 1)).all()


def test_the_page_writes_the_command_s_file(page):
    generator = np.random.default_rng(0)
    values = np.concatenate([generator.random((40, 10)), generator.random((20, 10)) / 10**4])
    values = np.concatenate(
        [values, [[0, 1, 1e-6, 1e-5, 1e-4, 0.999999, 0.1, 0.123457, 0.5, 2e-5]]]
    )
    origin, library = {"made_by": "a test"}, standard_library()
    written = call(
        page,
        "return a[1].map((values) => materialText(a[0], values))",
        material_template(origin, library),
        values.tolist(),
    )
    for text, material in zip(written, values, strict=True):
        assert text == material_text(material.round(DECIMALS), origin, library)


@pytest.mark.parametrize("method", ["box", "bilinear", "hamming", "bicubic", "lanczos"])
def test_the_page_frames_as_pillow_does(page, method):
    frame = np.random.default_rng(0).uniform(0, 255, (40, 40, 3))
    box = (3.3, 4.6, 35.1, 36.4)
    framing = {"box": box, "size": 17, "filter": method}
    script = "return coded(frameLevels(a[0], 40, a[1]))"
    found = floats(call(page, script, frame.ravel().tolist(), framing)).reshape(17, 17, 3)
    expected = np.clip(frame_levels(frame, box, 17, method), 0, 255)
    # Pillow clips after its second pass alone; overshoots of noise are rare.
    assert np.quantile(np.abs(found - expected), 0.95) < 1e-2


def test_fine_levels_of_a_large_environment_are_left_out(paths, monkeypatch):
    stage = read_stage(paths["torus"])
    whole = live_stage(stage, FRAMING, "cpu")
    monkeypatch.setattr(module, "MOST_COLUMNS", 256)
    small = live_stage(stage, FRAMING, "cpu")
    assert whole["levels"][0] == [512, 1024] and whole["levels"][-1] == [1, 1]
    assert small["levels"] == whole["levels"][2:]
    assert len(small["data"]) < len(whole["data"])
