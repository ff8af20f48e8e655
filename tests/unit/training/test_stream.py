"""Training on a stream of renders, from a stage to files."""

import json
import os
import signal

import numpy as np
import pytest
import torch

from inverse_shading.dataset.parameter_table import sample_parameters
from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.network.heads import load_head
from inverse_shading.network.trunk_weights import prepare_trunk
from inverse_shading.render.cell_centres import CellCentres
from inverse_shading.render.framed_frames import FramedRenderer
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.interruption import Stopped
from inverse_shading.runtime.jobs import logger
from inverse_shading.training import stream, train_model
from inverse_shading.training.checkpoints import Resumption
from tests.support.small_stage import FRAMING, MATERIALS, make_small_stage
from tests.support.trainings import CPU, FILES

GRID = 16
HEAD = {"type": "perceptron", "components": 12, "whitening": 0.4, "hidden_sizes": [32]}
CONFIG = {
    "seed": 3,
    "architecture": "pixels",
    "depths": {"image": GRID},
    "head": HEAD | {"blocks": [3 * GRID**2]},
    "objective": {"type": "canonical_quantiles", "level": 0.8, "weight": 0.2},
    "training": {
        "batch_size": 16,
        "max_epochs": 8,
        "learning_rate": 0.01,
        "schedule": "one_cycle",
        "weight_decay": 0.0001,
    },
    "framing": FRAMING,
    "stream": {"renders": 300, "framed": 40, "cells": 60},
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    return make_small_stage(tmp_path_factory.mktemp("stage"), size=64)


@pytest.fixture(scope="module")
def trunk(tmp_path_factory):
    path = tmp_path_factory.mktemp("trunk") / "pixels.safetensors"
    prepare_trunk(path, {"architecture": "pixels", "weights": "none"})
    return path


@pytest.fixture
def train(stage, trunk):
    def train(folder, rendering="cpu", **changes):
        names = ("weights", "history", "summary")
        outputs = train_model.TrainingFiles(**{name: folder / FILES[name] for name in names})
        resumption = Resumption(folder / "checkpoint.pt", 0, {})
        stream.train_streamed(outputs, CONFIG | changes, stage, trunk, CPU, rendering, resumption)
        return json.loads(outputs.summary.read_text())

    return train


@pytest.fixture(scope="module")
def whole(stage, trunk, tmp_path_factory):
    """The folder of a training that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    names = ("weights", "history", "summary")
    outputs = train_model.TrainingFiles(**{name: folder / FILES[name] for name in names})
    resumption = Resumption(folder / "checkpoint.pt", 1000, {})
    stream.train_streamed(outputs, CONFIG, stage, trunk, CPU, "cpu", resumption)
    return folder


def contents(folder):
    return [(folder / FILES[name]).read_bytes() for name in ("weights", "history")]


def test_middles_of_cells_are_the_means_where_the_surface_is_smooth(stage):
    centres = CellCentres(stage, FRAMING, GRID, None, "cpu", 1)
    rendered = centres.render(MATERIALS).reshape(len(MATERIALS), 3, -1)
    centres.close()
    with FramedRenderer(stage, FRAMING, "cpu", 1) as renderer:
        images = np.stack([renderer.render(values) for values in MATERIALS]) / 255
    side = FRAMING["image_size"] // GRID
    means = images.reshape(-1, GRID, side, GRID, side, 3).mean(axis=(2, 4))
    means = means.reshape(len(MATERIALS), -1, 3).transpose(0, 2, 1)[..., centres.cells]
    differences = np.sort(np.abs(means - rendered).max(axis=(0, 1)))
    # Half of them within a level or two; those at edges are not.
    assert differences[len(differences) // 2] < 0.02 < differences[-1]


def test_it_learns_and_leaves_a_head_and_no_checkpoint(whole):
    assert {path.name for path in whole.iterdir() if path.suffix != ".sha256"} == {
        "weights.safetensors", "history.csv", "training.json",
    }  # fmt: skip
    head, description = load_head(whole / "weights.safetensors")
    assert description["head"] == CONFIG["head"]
    # Cells that are not used weigh nothing.
    assert (head.components.basis != 0).any(dim=1).sum() == 3 * CONFIG["stream"]["cells"]
    history = np.genfromtxt(whole / "history.csv", delimiter=",", names=True)
    # A constant has 0.083.
    assert history["validation_mse"].min() < 0.06


@pytest.mark.parametrize("renders", [1, 4, 9])
def test_one_that_is_stopped_goes_on_to_the_same_files(
    whole, train, tmp_path, monkeypatch, renders
):
    """Stopped while frames, pixels or the network are at work."""
    keep, calls = stream.keep, []

    def keep_and_stop(*arguments):
        calls.append(arguments)
        if len(calls) == renders:
            os.kill(os.getpid(), signal.SIGTERM)
        return keep(*arguments)

    with monkeypatch.context() as patch:
        # Frames: 1 batch; middles of the same: 1; the stream: 6; then the loop's own.
        patch.setattr(stream, "keep", keep_and_stop)
        patch.setattr("inverse_shading.training.loop.keep", keep_and_stop)
        with pytest.raises(Stopped):
            train(tmp_path)
    train(tmp_path)
    assert contents(tmp_path) == contents(whole)


class OfAnotherDriver(stream.FramedRenderer):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.driver = "another"


@pytest.mark.parametrize(
    ("seed", "renderer"), [(4, stream.FramedRenderer), (CONFIG["seed"], OfAnotherDriver)]
)
def test_renders_of_another_stream_or_driver_are_not_gone_on_from(
    train, tmp_path, monkeypatch, caplog, seed, renderer
):
    monkeypatch.setattr(logger, "propagate", True)
    caplog.set_level("INFO")

    shorter = {"training": CONFIG["training"] | {"max_epochs": 1}}

    def crash(*_):
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(stream, "_most_alike", crash)
        with pytest.raises(RuntimeError):
            train(tmp_path, **shorter)
    monkeypatch.setattr(stream, "FramedRenderer", renderer)
    train(tmp_path, **shorter, seed=seed)
    assert "renders.pt is of another configuration" in caplog.text
    assert "going on after" not in caplog.text


def test_an_object_of_fewer_cells_is_refused(train, tmp_path):
    with pytest.raises(InputError, match=r"stream\.cells: found 250, expected at most 1\d\d: "):
        train(tmp_path, stream=CONFIG["stream"] | {"cells": 250})


def test_a_stream_is_of_other_materials_than_any_data_set():
    drawn = stream.draw_materials(120, 1)
    assert drawn.shape == (120, 10) and len(np.unique(drawn, axis=0)) == 120
    np.testing.assert_array_equal(stream.draw_materials(60, 1), drawn[:60])
    stored = sample_parameters(ImageRange(0, 119), 1)
    assert not set(map(tuple, drawn)) & set(map(tuple, stored))


def test_noise_has_the_covariance_that_it_is_given():
    covariance = np.array([[2.0, 0.6, 0.0], [0.6, 1.0, 0.0], [0.0, 0.0, 0.0]])
    noise = stream.Noise(covariance)
    torch.manual_seed(0)
    rows = torch.zeros(20000, 3)
    np.testing.assert_allclose(np.cov(noise(rows).numpy().T), covariance, atol=0.06)
    noise.eval()
    assert noise(rows) is rows
