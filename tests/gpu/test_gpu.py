"""On a machine with an NVIDIA GPU: rendering and training happen there, and come out the same.

Fails, rather than passing idly, on a machine without one.
"""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from inverse_shading.dataset.data_files import DataFiles
from inverse_shading.dataset.parameter_table import sample_parameters, write_parameters
from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.dataset.splits import write_split
from inverse_shading.inversion.refiner import Refiner
from inverse_shading.network.features import extract_features
from inverse_shading.network.stage_outputs import extract_stage_outputs
from inverse_shading.network.trunk_weights import prepare_trunk
from inverse_shading.pictures.framed_picture import FramedPicture
from inverse_shading.render.frames import Renderer
from inverse_shading.runtime.artefacts import read_tensors, write_array
from inverse_shading.runtime.interruption import Stopped
from inverse_shading.runtime.resources import Resources
from inverse_shading.scene.make_stage import write_stage
from inverse_shading.training import loop as fitting
from inverse_shading.training.checkpoints import Resumption
from inverse_shading.training.train_model import TrainingFiles, train_model

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())
IMAGES = ImageRange(0, 39)


def test_frames_are_rendered_on_the_card_and_equal_the_processor_s(tmp_path):
    path = tmp_path / "stage.safetensors"
    write_stage(path, CONFIG["stage"], 256, CONFIG["render"]["environment_samples"], "cpu")
    values = sample_parameters(ImageRange(0, 19), seed=7)
    with Renderer(path, "auto") as renderer:
        assert "llvmpipe" not in renderer.driver, renderer.driver
        card = np.stack([renderer.render(value) for value in values]).astype(int)
        mask = renderer.mask
    with Renderer(path, "cpu", threads=2) as renderer:
        assert "llvmpipe" in renderer.driver, renderer.driver
        processor = np.stack([renderer.render(value) for value in values]).astype(int)
    assert np.abs(card - processor)[:, mask].max() <= 2


def test_materials_are_found_by_rendering_on_the_card(tmp_path):
    """Of pictures that the processor rendered, so that the two renderers agree is part of it."""
    path = tmp_path / "stage.safetensors"
    samples = CONFIG["render"]["environment_samples"]
    write_stage(path, CONFIG["stage"], CONFIG["render"]["frame_size"], samples, "cpu")
    values = sample_parameters(ImageRange(0, 4), seed=8)
    arguments = (path, CONFIG["framing"], CONFIG["refinement"])
    with Refiner(*arguments, device="cpu", threads=2) as processor:
        images = [processor.render(value) for value in values]
        shown = (processor.weights > 0).astype(np.float32)
    with Refiner(*arguments, device="auto") as card:
        assert "llvmpipe" not in card.driver, card.driver
        for image in images:
            picture = FramedPicture(image, image.astype(np.float32), shown, "srgb", "framed", 1.0)
            estimate = card.refine(picture)
            # Half a level is what rounding to bytes makes, twice.
            assert estimate.converged and estimate.rms < 0.5


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Images of noise: what is compared is arithmetic, not learning."""
    folder = tmp_path_factory.mktemp("data")
    noise = np.random.default_rng(0).integers(0, 256, (len(IMAGES), 64, 64, 3), dtype=np.uint8)
    write_array(folder / f"{IMAGES}.npy", noise)
    (folder / "parameters").mkdir()
    (folder / "splits").mkdir()
    write_parameters(folder / f"parameters/{IMAGES}.csv", IMAGES, seed=1)
    write_split(folder / f"splits/{IMAGES}.csv", IMAGES, CONFIG["split"], seed=1)
    return folder


def features(data, architecture, device):
    trunk = data / f"{architecture}.safetensors"
    config = {"architecture": architecture, "weights": "random", "seed": 1, "batch_size": 16}
    prepare_trunk(trunk, config, data / f"{IMAGES}.npy", data / f"splits/{IMAGES}.csv")
    output = data / device / architecture / f"{IMAGES}.npy"
    settings = {"architecture": architecture, "batch_size": 16, "precision": "float32"}
    extract_features(output, trunk, data / f"{IMAGES}.npy", settings, Resources(device, 2))
    return output


@pytest.mark.parametrize("architecture", ["vgg16", "resnet50"])
def test_features_of_the_card_are_the_processor_s(data, architecture):
    card, processor = (np.load(features(data, architecture, d)) for d in ("cuda", "cpu"))
    error = np.linalg.norm(card.astype(float) - processor) / np.linalg.norm(processor.astype(float))
    # The processor's minimal filtering comes out near 2e-4.
    assert error < 1e-3


def train_on(data, inputs, folder, run, config, trunk=None):
    """Train on the card into files that are named by the run; the summary."""
    outputs = TrainingFiles(
        *(folder / f"{run}.{suffix}" for suffix in ("safetensors", "csv", "json"))
    )
    labels = data / f"parameters/{IMAGES}.csv", data / f"splits/{IMAGES}.csv"
    files = DataFiles([inputs], [labels[0]], [labels[1]])
    resumption = Resumption(folder / f"{run}.pt", 1000, {})
    train_model(outputs, config, files, Resources("auto", 2), resumption, trunk)
    return json.loads(outputs.summary.read_text())


@pytest.mark.parametrize("stopped", [False, True], ids=["whole", "stopped on the way"])
@pytest.mark.parametrize("model", ["vgg16_v2", "vgg16_bins_v1", "resnet50_v3"])
def test_a_head_trains_on_the_card_twice_the_same(data, tmp_path, monkeypatch, model, stopped):
    definition = CONFIG["models"][model]
    kept = features(data, CONFIG["trunks"][definition["trunk"]]["architecture"], "cuda")
    config = {
        "seed": 1,
        "architecture": definition["trunk"],
        "head": definition["head"],
        "objective": definition["objective"],
        "training": CONFIG["training"] | {"max_epochs": 3},
    }

    def train(run):
        summary = train_on(data, kept, tmp_path, run, config)
        assert summary["device"] == torch.cuda.get_device_name()

    train("a")
    if stopped:
        loads = []

        def load(*arguments):
            loads.append(arguments)
            # In the second epoch: each has a batch to train on and one to validate.
            if len(loads) == 3:
                os.kill(os.getpid(), signal.SIGTERM)
            return usual(*arguments)

        usual = fitting._load
        with monkeypatch.context() as patch, pytest.raises(Stopped):
            patch.setattr(fitting, "_load", load)
            train("b")
    train("b")
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()


@pytest.mark.parametrize("stages", [1, 5])
@pytest.mark.parametrize("architecture", ["vgg16", "resnet50"])
def test_a_trunk_s_stages_train_on_the_card(data, tmp_path, architecture, stages):
    features(data, architecture, "cuda")
    config = {
        "seed": 1,
        "architecture": architecture,
        "head": {"type": "dense", "grid": 1},
        "objective": {"type": "regression"},
        "training": CONFIG["training"] | {"max_epochs": 2, "batch_size": 8},
        "trainable_stages": stages,
        "precision": "float32",
    }
    trunk = data / f"{architecture}.safetensors"
    inputs = data / f"{IMAGES}.npy"
    if stages == 1:
        inputs = tmp_path / f"{IMAGES}.npy"
        kept = {"architecture": architecture, "first_trained": 5}
        kept |= {"batch_size": 16, "precision": "float32"}
        images = data / f"{IMAGES}.npy"
        extract_stage_outputs(inputs, trunk, images, kept, Resources("cuda", 2))
    summary = train_on(data, inputs, tmp_path, "whole", config, trunk)
    assert summary["device"] == torch.cuda.get_device_name()
    before = read_tensors(trunk)
    after = read_tensors(tmp_path / "whole.safetensors")
    weights = [name for name in before if "weight" in name]
    changed = [name for name in weights if not torch.equal(before[name], after[f"trunk.{name}"])]
    last = ("features.24", "features.26", "features.28", "layer4.")
    assert changed == [name for name in weights if stages == 5 or name.startswith(last)]
