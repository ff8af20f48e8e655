"""Frames: what they show, that they repeat, and that a failing driver is noticed."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from inverse_shading.dataset.parameter_table import sample_parameters, write_parameters
from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.dataset.render_range import render_shard
from inverse_shading.render import frames
from inverse_shading.render.frames import Renderer
from inverse_shading.render.program import PackedProgram
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.jobs import logger
from inverse_shading.scene import opengl as context_module
from inverse_shading.scene.make_stage import write_stage
from inverse_shading.scene.opengl import create_context, egl_devices
from inverse_shading.scene.srgb import srgb_decode
from inverse_shading.scene.stage_file import read_stage

SIZE = 64
CONFIG = {
    "mesh": "builtin",
    "environment": "builtin",
    "camera": {"azimuth": 0.0, "elevation": 20.0, "field_of_view": 25.0, "fill": 0.95},
    "background": [0.42, 0.43, 0.45],
}
MATERIALS = sample_parameters(ImageRange(0, 5), seed=1)
BLACK = np.zeros(10)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("stage") / "stage.safetensors"
    write_stage(path, CONFIG, SIZE, 16, "cpu")
    return path


@pytest.fixture
def renderer(path):
    with Renderer(path, "cpu", threads=1) as renderer:
        yield renderer


def material(**changes):
    values = {
        "base": 1.0,
        "base_color": (0.5, 0.5, 0.5),
        "specular": 0.0,
        "specular_roughness": 0.5,
        "specular_color": (1.0, 1.0, 1.0),
        "metalness": 0.0,
    } | changes
    return np.hstack(list(values.values())).astype(float)


def test_a_frame_is_the_object_over_the_backdrop(renderer):
    frames = np.stack([renderer.render(values) for values in MATERIALS])
    assert frames.shape == (len(MATERIALS), SIZE, SIZE, 3)
    assert frames.dtype == np.uint8
    outside = frames[:, ~renderer.mask]
    np.testing.assert_array_equal(outside, np.broadcast_to(outside[:1], outside.shape))
    inside = frames[:, renderer.mask].reshape(len(MATERIALS), -1)
    assert len(np.unique(inside, axis=0)) == len(MATERIALS)
    assert (inside.std(axis=1) > 3).all()


def test_the_frame_stands_upright(renderer):
    # The key light is above: a matte ball is brighter there than below.
    frame = renderer.render(material()).astype(int)
    rows = np.nonzero(renderer.mask)[0]
    ball = slice(rows.min() + 5, int(rows.mean()))
    stand = frame[rows.max() - 1][renderer.mask[rows.max() - 1]]
    middle = frame[ball, SIZE // 2 - 5 : SIZE // 2 + 5]
    assert middle.mean() > stand.mean() + 10


def test_colours_are_the_materials_own(renderer):
    red = renderer.render(material(base_color=(0.8, 0.0, 0.0)))[renderer.mask]
    assert red[:, 0].min() > 20
    assert red[:, 1:].max() == 0


def test_twice_the_light_is_twice_the_linear_value(renderer):
    # Colours are encoded once: halving a matte object's base halves its linear pixels.
    full, half = (
        srgb_decode(renderer.render(material(base=base))[renderer.mask] / 255)
        for base in (0.8, 0.4)
    )
    np.testing.assert_allclose(half, full / 2, atol=0.004)


def test_a_black_material_is_a_black_object(renderer):
    for values in (BLACK, material(base=0.0), material(base=0.0, specular_roughness=0.9)):
        assert renderer.render(values)[renderer.mask].max() == 0


@pytest.mark.parametrize("index", range(10))
def test_every_parameter_can_be_seen(renderer, index):
    values = np.full(10, 0.5)
    low, high = values.copy(), values.copy()
    low[index], high[index] = 0.0, 1.0
    difference = (
        renderer.render(low)[renderer.mask].astype(int) - renderer.render(high)[renderer.mask]
    )
    assert np.abs(difference).max() >= 5


def test_order_does_not_matter(renderer):
    first = [renderer.render(values) for values in MATERIALS]
    second = [renderer.render(values) for values in MATERIALS[::-1]][::-1]
    np.testing.assert_array_equal(first, second)


def test_two_renderers_in_turn_do_not_disturb_each_other(path, tmp_path, renderer):
    other_path = tmp_path / "other.safetensors"
    write_stage(other_path, CONFIG, SIZE // 2, 4, "cpu")
    alone = [renderer.render(values) for values in MATERIALS]
    with Renderer(other_path, "cpu") as other:
        small = [other.render(values) for values in MATERIALS]
        for values, expected, expected_small in zip(MATERIALS, alone, small, strict=True):
            np.testing.assert_array_equal(renderer.render(values), expected)
            np.testing.assert_array_equal(other.render(values), expected_small)
    np.testing.assert_array_equal(renderer.render(MATERIALS[0]), alone[0])


RENDER = """
import hashlib, sys
import numpy as np
from inverse_shading.dataset.render_range import render_shard
from inverse_shading.render import frames
from inverse_shading.render.frames import Renderer
with Renderer(sys.argv[1], "cpu", int(sys.argv[2])) as renderer:
    for values in np.load(sys.argv[3]):
        print(hashlib.sha256(renderer.render(values).tobytes()).hexdigest())
assert "MaterialX" not in sys.modules
"""


def test_the_same_bytes_in_every_process_on_any_number_of_threads(path, tmp_path):
    np.save(tmp_path / "values.npy", MATERIALS[:3])
    answers = [
        subprocess.run(
            [sys.executable, "-c", RENDER, path, str(threads), tmp_path / "values.npy"],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for threads in (1, 2, 5)
    ]
    assert len(answers[0].split()) == 3
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("values", [np.zeros(9), np.full(10, 1.5), np.full(10, np.nan)])
def test_other_than_ten_values_from_0_to_1_are_refused(renderer, values):
    with pytest.raises(InputError, match="10 values"):
        renderer.render(values)


@pytest.fixture
def log(caplog):
    """The package's log; a job that ran before in this process may have kept it to itself."""
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


def test_a_pixel_that_was_not_written_is_noticed(renderer, monkeypatch, log):
    program = renderer._program._program
    expected = renderer.render(MATERIALS[0])
    # A draw call that the driver drops: the target keeps what it was cleared to.
    monkeypatch.setattr(program, "triangle", NoTriangle(program.triangle))
    np.testing.assert_array_equal(renderer.render(MATERIALS[0]), expected)
    assert renderer._program._program is not program
    assert "left pixels unwritten" in log.text


class NoTriangle:
    def __init__(self, triangle):
        self.release = triangle.release

    def render(self, *_, **__):
        pass


def test_a_driver_that_fails_twice_ends_the_job(renderer, monkeypatch):
    monkeypatch.setattr(PackedProgram, "shade", lambda *_: None)
    with pytest.raises(InputError, match=r"llvmpipe.*twice.*render\.device"):
        renderer.render(MATERIALS[0])


def test_a_failing_shard_names_the_image(path, tmp_path, monkeypatch):
    images = ImageRange(0, 3)
    write_parameters(tmp_path / "p.csv", images, seed=1)
    usual, frames = PackedProgram.shade, []

    def shade(program, values):
        frames.append(values)
        return None if len(frames) > 2 else usual(program, values)

    monkeypatch.setattr(PackedProgram, "shade", shade)
    with pytest.raises(InputError, match=r"s\.tar: image 000000002: .*twice"):
        render_shard(tmp_path / "s.tar", path, tmp_path / "p.csv", images, "cpu", 1)
    assert not (tmp_path / "s.tar").exists()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_noticed(path, monkeypatch, bad):
    stage = read_stage(path)
    # What a driver might make of a stage's finite numbers.
    broken = replace(stage, irradiance=np.full_like(stage.irradiance, bad))
    monkeypatch.setattr(frames, "read_stage", lambda _: broken)
    with (
        Renderer(path, "cpu") as renderer,
        pytest.raises(InputError, match="are no numbers"),
    ):
        renderer.render(MATERIALS[0])


def test_the_image_before_is_not_taken_for_this_one(path, renderer, monkeypatch, log):
    first = renderer.render(MATERIALS[0])
    program = renderer._program._program
    stale = program.shade(MATERIALS[0])
    monkeypatch.setattr(program, "shade", lambda _: stale)
    second = renderer.render(MATERIALS[1])
    assert renderer._program._program is not program
    assert not np.array_equal(first, second)
    assert "the image before" in log.text
    with Renderer(path, "cpu", threads=1) as other:
        np.testing.assert_array_equal(second, other.render(MATERIALS[1]))


def test_a_device_that_is_not_there_is_refused():
    count = len(egl_devices())
    with pytest.raises(InputError, match=r"render\.device"):
        create_context(count + 5)


def test_a_missing_driver_is_told_with_the_remedy(monkeypatch):
    def fail(**_):
        raise Exception("no driver")

    monkeypatch.setattr(context_module.moderngl, "create_context", fail)
    with pytest.raises(InputError, match="apt-get install -y libegl1 libgl1-mesa-dri"):
        create_context("auto")


def test_without_any_driver_the_job_says_what_to_install(path):
    script = (
        "from inverse_shading.runtime.jobs import job\n"
        "from inverse_shading.render.frames import Renderer\n"
        f"with job('/dev/null'): Renderer({str(path)!r}, 'auto', 1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=os.environ
        | {
            "PYTHONPATH": ":".join(sys.path),
            "__EGL_VENDOR_LIBRARY_FILENAMES": "/no/such/driver.json",
        },
    )
    assert done.returncode == 1
    assert "apt-get install -y libegl1" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_libegl_is_told_with_the_remedy(monkeypatch):
    def fail(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(context_module.ctypes, "CDLL", fail)
    with pytest.raises(InputError, match=r"libEGL\.so\.1.*apt-get install -y libegl1"):
        create_context("auto")


def test_a_graphics_card_comes_before_software(monkeypatch):
    devices = [context_module.EglDevice(0, True), context_module.EglDevice(1, False)]
    asked = []

    def note(**arguments):
        asked.append(arguments["device_index"])
        raise Exception("none")

    monkeypatch.setattr(context_module, "egl_devices", lambda: devices)
    monkeypatch.setattr(context_module.moderngl, "create_context", note)
    for device, order in (("auto", [1, 0]), ("cpu", [0]), (1, [1])):
        monkeypatch.delenv("LIBGL_ALWAYS_SOFTWARE", raising=False)
        asked.clear()
        with pytest.raises(InputError):
            create_context(device)
        assert asked == order
