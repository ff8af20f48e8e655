"""Trunk and head as one network: what is trained, what stays, and that it comes back from its file."""

import os
import signal

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from inverse_shading.dataset.rows import FeatureShards, ImageShards
from inverse_shading.network.devices import place_rows
from inverse_shading.network.fast_trunk import make_fast
from inverse_shading.network.heads import build_head
from inverse_shading.network.trunk_weights import prepare_trunk
from inverse_shading.network.trunks import load_trunk
from inverse_shading.network.whole_network import (
    FineTuned,
    ResidentRows,
    feature_shape,
    load_network,
    place_inputs,
)
from inverse_shading.runtime.artefacts import read_description, read_tensors, write_tensors
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.interruption import Stopped
from inverse_shading.training import loop
from inverse_shading.training.checkpoints import Resumption
from inverse_shading.training.search import SearchFiles, search_model
from tests.support.synthetic import SyntheticData, model_config
from tests.support.trainings import CPU, evaluate, keep_outputs, train

HEAD = {"type": "dense", "grid": 1}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return SyntheticData(tmp_path_factory.mktemp("data"), n_images=20, shard_size=20, image_side=32)


@pytest.fixture(scope="module", params=["vgg16", "resnet50"])
def architecture(request):
    return request.param


@pytest.fixture(scope="module")
def trunk(architecture, data, vgg16):
    """The file of the trunk."""
    if architecture == "vgg16":
        return vgg16
    path = data.folder / "resnet50.safetensors"
    config = {"architecture": "resnet50", "weights": "random", "seed": 1, "batch_size": 16}
    prepare_trunk(path, config, data.images[0], data.splits[0])
    return path


@pytest.fixture(scope="module")
def kept(architecture, data, trunk, tmp_path_factory):
    """The data set with what the first four stages give as its inputs."""
    return keep_outputs(tmp_path_factory.mktemp(architecture), data, trunk, architecture)


@pytest.fixture(scope="module")
def trained(architecture, kept, trunk, tmp_path_factory):
    """The folder of a training of the last block, with training.json's content."""
    folder = tmp_path_factory.mktemp("trained")
    return folder, train(kept, folder, settings(architecture, 1), trunk)


def settings(architecture, stages, **training):
    own = {"max_epochs": 2, "batch_size": 8, "trunk_rate": 0.1, "trunk_decay": 0.01}
    config = model_config(HEAD, **own | training)
    more = {"architecture": architecture, "trainable_stages": stages, "precision": "float32"}
    return config | more


def changed(before, after):
    return {name for name in before if not torch.equal(before[name], after[f"trunk.{name}"])}


def test_only_the_last_stages_change(architecture, trunk, trained):
    folder, summary = trained
    after = read_tensors(folder / "weights.safetensors")
    names = changed(read_tensors(trunk), after)
    last = {"vgg16": ("features.24.", "features.26.", "features.28."), "resnet50": ("layer4.",)}
    assert names and all(name.startswith(last[architecture]) for name in names)
    network, _ = load_network(folder / "weights.safetensors")
    count = sum(w.numel() for w in network.parameters() if w.requires_grad)
    assert summary["parameter_count"] == count


@pytest.mark.parametrize("architecture", ["resnet50"], scope="module")
def test_a_stopped_training_goes_on_to_the_same_bytes_and_the_evaluation_is_of_the_best_epoch(
    kept, architecture, trunk, trained, tmp_path, monkeypatch
):
    folder, config = trained[0], settings(architecture, 1)
    loads, usual = [], loop._load

    def load(*arguments):
        loads.append(arguments)
        # In the first of two steps of the second epoch.
        if len(loads) == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return usual(*arguments)

    monkeypatch.setattr(loop, "_load", load)
    with pytest.raises(Stopped):
        train(kept, tmp_path, config, trunk)
    assert (tmp_path / "checkpoint.pt").exists()
    train(kept, tmp_path, config, trunk)
    for name in ("weights.safetensors", "history.csv"):
        assert (folder / name).read_bytes() == (tmp_path / name).read_bytes()
    metrics = evaluate(kept, tmp_path, config, trunk)
    history = pd.read_csv(folder / "history.csv")
    assert metrics["splits"]["validation"]["mse"] == pytest.approx(
        history["validation_mse"].min(), rel=1e-4
    )


def test_tuning_tries_what_trains_stages_too(data, vgg16, tmp_path):
    kept = keep_outputs(tmp_path, data, vgg16, "vgg16")
    model = settings("vgg16", 1, max_epochs=1)
    config = {
        "model": model, "space": {"training.trunk_rate": {"low": 0.01, "high": 1, "scale": "log"}},
        "seed": 1, "trials": 2, "startup_trials": 2, "warmup_epochs": None, "section": ["models"],
    }  # fmt: skip
    outputs = SearchFiles(*(tmp_path / name for name in ("best.yaml", "trials.csv", "study.json")))
    resumption = Resumption(tmp_path / "trial.pt", 1000, {})
    search_model(outputs, "tested", config, kept, CPU, resumption, vgg16)
    table = pd.read_csv(outputs.trials)
    best = table.loc[table["validation_mse"].idxmin()]
    model["training"]["trunk_rate"] = float(best["training.trunk_rate"])
    train(kept, tmp_path, model, vgg16)
    history = pd.read_csv(tmp_path / "history.csv")
    assert history["validation_mse"].min() == pytest.approx(best["validation_mse"], rel=1e-8)
    assert table["validation_mse"].nunique() == 2


def network_of(data, path, architecture, stages, image_size=None):
    trunk, images = load_trunk(path), ImageShards(data.images)
    shape = feature_shape(trunk, architecture, stages, images, image_size)
    head = build_head(HEAD, shape, 10)
    return FineTuned(trunk, architecture, stages, head, "float32", image_size).eval()


def test_gradients_reach_the_trained_stages_alone(data, vgg16):
    network = network_of(data, vgg16, "vgg16", 2)
    images = torch.from_numpy(ImageShards(data.images).rows(np.arange(2)))
    network(images).square().mean().backward()
    with_gradient = {name for name, w in network.trunk.named_parameters() if w.grad is not None}
    assert with_gradient == {
        f"features.{layer}.{kind}"
        for layer in (17, 19, 21, 24, 26, 28)
        for kind in ("weight", "bias")
    }
    assert len(network.trunk_weights()) == len(with_gradient)


def test_batch_statistics_of_frozen_stages_stay(data, architecture, trunk):
    network = network_of(data, trunk, architecture, 1).train()
    modes = {
        name: layer.training
        for name, layer in network.trunk.named_modules()
        if isinstance(layer, nn.BatchNorm2d)
    }
    assert all(training == name.startswith("layer4") for name, training in modes.items())


def test_stages_after_kept_outputs_are_the_trunk_on_images(data, architecture, trunk, tmp_path):
    images = place_rows(ImageShards(data.images).rows(np.arange(20)), torch.device("cpu"))
    # Of another batch some round to the neighbour in float16, which a random ResNet50 amplifies.
    tolerance = {"vgg16": 1e-5, "resnet50": 1e-3}[architecture]
    for stages in (1, 4):
        network = network_of(data, trunk, architecture, stages)
        make_fast(network.frozen, torch.device("cpu"), "float32")
        files = keep_outputs(tmp_path, data, trunk, architecture, first_trained=6 - stages)
        rows = FeatureShards(files.inputs, "float32")
        assert rows.dtype == np.float16
        with torch.inference_mode():
            expected = network.features(images)
            found = network.features(place_rows(rows.rows(np.arange(20)), torch.device("cpu")))
        assert (found - expected).norm() < tolerance * expected.norm()
        # What is compared differs from image to image.
        assert (expected - expected.mean(dim=0)).norm() > 0.1 * expected.norm()


@pytest.mark.parametrize(
    "make", [lambda data: data.images, lambda data: data.features], ids=["images", "features"]
)
def test_inputs_on_the_device_are_the_files(tmp_path, make):
    data = SyntheticData(tmp_path, n_images=40, shard_size=20)
    paths = make(data)
    shards = ImageShards(paths) if paths is data.images else FeatureShards(paths, "float32")
    resident = ResidentRows(shards, torch.device("cpu"))
    rows = np.array([39, 0, 20])
    assert len(resident) == len(shards) and resident.shape == shards.shape
    found = resident.rows(rows).numpy()
    np.testing.assert_array_equal(found, shards.rows(rows))
    assert found.dtype == shards.dtype
    # The processor maps its files, which costs it nothing.
    assert place_inputs(shards, torch.device("cpu")) is shards


def test_images_are_averaged_down(data, vgg16):
    network = network_of(data, vgg16, "vgg16", 5, image_size=16)
    images = torch.from_numpy(
        np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    )
    seen = []
    network.trunk.features[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    network(images)
    pixel = images[1, 6:8, 10:12, 2].float().mean() / 255
    assert seen[0].shape == (2, 3, 16, 16)
    assert float(seen[0][1, 2, 3, 5]) == pytest.approx((float(pixel) - 0.406) / 0.225, abs=1e-5)
    with pytest.raises(RuntimeError, match="invalid for input of size"):
        network(images[:, :24, :24])


def test_a_training_on_smaller_images_says_so_and_comes_back(vgg16, tmp_path):
    data = SyntheticData(tmp_path, n_images=20, shard_size=20, image_side=64)
    config = settings("vgg16", 5, max_epochs=1) | {"image_size": 32}
    train(data.of_images, tmp_path, config, vgg16)
    network, description = load_network(tmp_path / "weights.safetensors")
    assert network.image_size == description["image_size"] == 32
    metrics = evaluate(data.of_images, tmp_path, config, vgg16)
    assert metrics["weights"] == "random (seed 1), images of 32 px"
    with pytest.raises(InputError, match="a model with image_size 32, expected None"):
        evaluate(data.of_images, tmp_path, settings("vgg16", 5), vgg16)


def test_kept_outputs_of_another_stage_are_refused(data, vgg16, tmp_path):
    files = keep_outputs(tmp_path, data, vgg16, "vgg16", first_trained=2)
    with pytest.raises(
        InputError, match=r"000000-000019\.npy: found float16 of shape \(64, 16, 16\) an image, .*"
        r"the last 1 stages of vgg16",
    ):  # fmt: skip
        train(files, tmp_path, settings("vgg16", 1), vgg16)


def test_a_file_of_another_network_is_refused(trained, tmp_path):
    source, weights = trained[0] / "weights.safetensors", tmp_path / "weights.safetensors"
    tensors, description = read_tensors(source), read_description(source)
    del tensors[next(name for name in tensors if name.startswith("trunk."))]
    write_tensors(weights, tensors, description)
    with pytest.raises(InputError, match=r"weights\.safetensors: found no weights of a network"):
        load_network(weights)
