"""Trunk and head as one network: what is trained, what stays, and that it comes back from its file."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from inverse_shading.dataset.rows import ImageShards
from inverse_shading.network.heads import build_head
from inverse_shading.network.trunk_weights import prepare_trunk
from inverse_shading.network.trunks import load_trunk
from inverse_shading.network.whole_network import (
    FineTuned,
    ResidentImages,
    feature_shape,
    load_network,
    place_images,
)
from inverse_shading.runtime.artefacts import read_description, read_tensors, write_tensors
from inverse_shading.runtime.errors import InputError
from inverse_shading.training.checkpoints import Resumption
from inverse_shading.training.search import SearchFiles, search_model
from tests.support.synthetic import SyntheticData, model_config
from tests.support.trainings import CPU, evaluate, train

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
def trained(architecture, data, trunk, tmp_path_factory):
    """The folder of a training of the last stage, with training.json's content."""
    folder = tmp_path_factory.mktemp("trained")
    return folder, train(data.of_images, folder, settings(architecture, 1), trunk)


def settings(architecture, stages, **training):
    config = model_config(HEAD, **{"max_epochs": 2, "batch_size": 8, "trunk_rate": 0.1} | training)
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
def test_two_trainings_write_the_same_bytes_and_the_evaluation_is_of_the_best_epoch(
    data, architecture, trunk, trained, tmp_path
):
    folder, _ = trained
    config = settings(architecture, 1)
    train(data.of_images, tmp_path, config, trunk)
    for name in ("weights.safetensors", "history.csv"):
        assert (folder / name).read_bytes() == (tmp_path / name).read_bytes()
    metrics = evaluate(data.of_images, tmp_path, config, trunk)
    history = pd.read_csv(folder / "history.csv")
    assert metrics["splits"]["validation"]["mse"] == pytest.approx(
        history["validation_mse"].min(), rel=1e-4
    )


def test_tuning_tries_what_trains_stages_too(data, vgg16, tmp_path):
    model = settings("vgg16", 1, max_epochs=1)
    config = {
        "model": model, "space": {"training.trunk_rate": {"low": 0.01, "high": 1, "scale": "log"}},
        "seed": 1, "trials": 2, "startup_trials": 2, "warmup_epochs": None, "section": ["models"],
    }  # fmt: skip
    outputs = SearchFiles(*(tmp_path / name for name in ("best.yaml", "trials.csv", "study.json")))
    resumption = Resumption(tmp_path / "trial.pt", 1000, {})
    search_model(outputs, "tested", config, data.of_images, CPU, resumption, vgg16)
    table = pd.read_csv(outputs.trials)
    best = table.loc[table["validation_mse"].idxmin()]
    model["training"]["trunk_rate"] = float(best["training.trunk_rate"])
    train(data.of_images, tmp_path, model, vgg16)
    history = pd.read_csv(tmp_path / "history.csv")
    assert history["validation_mse"].min() == pytest.approx(best["validation_mse"], rel=1e-8)
    assert table["validation_mse"].nunique() == 2


def network_of(path, architecture, stages):
    trunk = load_trunk(path)
    head = build_head(HEAD, feature_shape(trunk, 32), 10)
    return FineTuned(trunk, architecture, stages, head, "float32")


def test_gradients_reach_the_trained_stages_alone(data, vgg16):
    network = network_of(vgg16, "vgg16", 2)
    images = torch.from_numpy(ImageShards(data.images).rows(np.arange(2)))
    network(images).square().mean().backward()
    with_gradient = {name for name, w in network.trunk.named_parameters() if w.grad is not None}
    assert with_gradient == {
        f"features.{layer}.{kind}"
        for layer in (17, 19, 21, 24, 26, 28)
        for kind in ("weight", "bias")
    }
    assert len(network.trunk_weights()) == len(with_gradient)


def test_batch_statistics_of_frozen_stages_stay(architecture, trunk):
    network = network_of(trunk, architecture, 1).train()
    modes = {
        name: layer.training
        for name, layer in network.trunk.named_modules()
        if isinstance(layer, nn.BatchNorm2d)
    }
    assert all(training == name.startswith("layer4") for name, training in modes.items())


def test_images_on_the_device_are_the_files(tmp_path):
    shards = ImageShards(SyntheticData(tmp_path, n_images=40, shard_size=20).images)
    resident = ResidentImages(shards, torch.device("cpu"))
    rows = np.array([39, 0, 20])
    assert len(resident) == len(shards) and resident.shape == shards.shape
    np.testing.assert_array_equal(resident.rows(rows).numpy(), shards.rows(rows))
    assert resident.rows(rows).dtype == torch.uint8
    # The processor maps its files, which costs it nothing.
    assert place_images(shards, torch.device("cpu")) is shards


def test_a_file_of_another_network_is_refused(trained, tmp_path):
    source, weights = trained[0] / "weights.safetensors", tmp_path / "weights.safetensors"
    tensors, description = read_tensors(source), read_description(source)
    del tensors[next(name for name in tensors if name.startswith("trunk."))]
    write_tensors(weights, tensors, description)
    with pytest.raises(InputError, match=r"weights\.safetensors: found no weights of a network"):
        load_network(weights)
