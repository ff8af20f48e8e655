"""Trunk and head as one network: what is trained, what stays, and that it comes back from its file."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from inverse_shading.dataset.rows import ImageShards
from inverse_shading.evaluation.evaluate_model import evaluate_model
from inverse_shading.network import whole_network as fine_tuning
from inverse_shading.network.heads import build_head
from inverse_shading.network.trunk_weights import prepare_trunk
from inverse_shading.network.trunks import load_trunk
from inverse_shading.network.whole_network import (
    FineTuned,
    ResidentImages,
    feature_shape,
    load_network,
)
from inverse_shading.runtime.artefacts import read_description, read_tensors, write_tensors
from inverse_shading.runtime.errors import InputError
from inverse_shading.training.search import search_model
from inverse_shading.training.train_model import train_model
from tests.support.synthetic import SyntheticData, model_config

HEAD = {"type": "dense", "grid": 1}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return SyntheticData(tmp_path_factory.mktemp("data"), n_images=40, shard_size=20, image_side=32)


@pytest.fixture(scope="module", params=["vgg16", "resnet50"])
def trunk(request, data):
    path = data.folder / f"{request.param}.safetensors"
    config = {"architecture": request.param, "weights": "random", "seed": 1, "batch_size": 16}
    prepare_trunk(path, config, data.images[0], data.splits[0])
    return request.param, path


def settings(architecture, stages, **training):
    config = model_config(HEAD, max_epochs=2, trunk_rate=0.1, **training)
    more = {"architecture": architecture, "trainable_stages": stages, "precision": "float32"}
    return config | more


def train(data, trunk, folder, config):
    train_model(
        folder / "weights.safetensors", folder / "history.csv", folder / "training.json",
        folder / "checkpoint.pt", config, data.images, data.parameters, data.splits,
        device="cpu", threads=1, checkpoint_seconds=1000, code={}, trunk=trunk,
    )  # fmt: skip
    return json.loads((folder / "training.json").read_text())


def changed(before, after):
    return {name for name in before if not torch.equal(before[name], after[f"trunk.{name}"])}


def test_only_the_last_stages_change(data, trunk, tmp_path):
    architecture, path = trunk
    summary = train(data, path, tmp_path, settings(architecture, 1))
    after = read_tensors(tmp_path / "weights.safetensors")
    names = changed(read_tensors(path), after)
    last = {"vgg16": ("features.24.", "features.26.", "features.28."), "resnet50": ("layer4.",)}
    assert names and all(name.startswith(last[architecture]) for name in names)
    network, _ = load_network(tmp_path / "weights.safetensors")
    trained = sum(w.numel() for w in network.parameters() if w.requires_grad)
    assert summary["parameter_count"] == trained


def test_two_trainings_write_the_same_bytes_and_the_evaluation_is_of_the_best_epoch(data, tmp_path):
    path = data.folder / "resnet50.safetensors"
    prepare_trunk(
        path,
        {"architecture": "resnet50", "weights": "random", "seed": 1, "batch_size": 16},
        data.images[0],
        data.splits[0],
    )
    config = settings("resnet50", 1)
    for name in ("one", "two"):
        train(data, path, tmp_path / name, config)
    for name in ("weights.safetensors", "history.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    folder = tmp_path / "one"
    evaluate_model(
        folder / "predictions.csv", folder / "metrics.json", config, folder / "weights.safetensors",
        folder / "training.json", path, data.images, data.parameters, data.splits,
        device="cpu", threads=1,
    )  # fmt: skip
    metrics = json.loads((folder / "metrics.json").read_text())
    history = pd.read_csv(folder / "history.csv")
    assert metrics["splits"]["validation"]["mse"] == pytest.approx(
        history["validation_mse"].min(), rel=1e-4
    )


def test_a_search_tries_what_trains_stages_too(data, tmp_path):
    path = tmp_path / "vgg16.safetensors"
    prepare_trunk(path, {"architecture": "vgg16", "weights": "random", "seed": 1})
    model = settings("vgg16", 1)
    config = {
        "model": model, "space": {"training.trunk_rate": {"low": 0.01, "high": 1, "scale": "log"}},
        "seed": 1, "trials": 2, "startup_trials": 2, "warmup_epochs": None, "section": ["models"],
    }  # fmt: skip
    search_model(
        *(tmp_path / name for name in ("best.yaml", "trials.csv", "study.json", "trial.pt")),
        "tested", config, data.images, data.parameters, data.splits,
        device="cpu", threads=1, checkpoint_seconds=1000, code={}, trunk=path,
    )  # fmt: skip
    table = pd.read_csv(tmp_path / "trials.csv")
    best = table.loc[table["validation_mse"].idxmin()]
    rate = float(best["training.trunk_rate"])
    train(data, path, tmp_path, model | {"training": model["training"] | {"trunk_rate": rate}})
    history = pd.read_csv(tmp_path / "history.csv")
    assert history["validation_mse"].min() == pytest.approx(best["validation_mse"], rel=1e-8)
    assert table["validation_mse"].nunique() == 2


def network_of(path, stages):
    trunk = load_trunk(path)
    head = build_head(HEAD, feature_shape(trunk, 32), 10)
    return FineTuned(trunk, "vgg16", stages, head, "float32")


def test_gradients_reach_the_trained_stages_alone(data, tmp_path):
    path = tmp_path / "vgg16.safetensors"
    prepare_trunk(path, {"architecture": "vgg16", "weights": "random", "seed": 1})
    network = network_of(path, 2)
    images = torch.from_numpy(ImageShards(data.images).rows(np.arange(2)))
    network(images).square().mean().backward()
    with_gradient = {name for name, w in network.trunk.named_parameters() if w.grad is not None}
    assert with_gradient == {
        f"features.{layer}.{kind}"
        for layer in (17, 19, 21, 24, 26, 28)
        for kind in ("weight", "bias")
    }
    assert len(network.trunk_weights()) == len(with_gradient)


def test_batch_statistics_of_frozen_stages_stay(data, trunk):
    architecture, path = trunk
    body = load_trunk(path)
    network = FineTuned(
        body, architecture, 1, build_head(HEAD, feature_shape(body, 32), 10), "float32"
    )
    network.train()
    modes = {
        name: layer.training
        for name, layer in network.trunk.named_modules()
        if isinstance(layer, nn.BatchNorm2d)
    }
    assert all(training == name.startswith("layer4") for name, training in modes.items())


def test_images_on_the_device_are_the_files(data):
    shards = ImageShards(data.images)
    resident = ResidentImages(shards, torch.device("cpu"))
    rows = np.array([39, 0, 20])
    assert len(resident) == len(shards) and resident.shape == shards.shape
    np.testing.assert_array_equal(resident.rows(rows).numpy(), shards.rows(rows))
    assert resident.rows(rows).dtype == torch.uint8
    # The processor maps its files, which costs it nothing.
    assert fine_tuning.place_images(shards, torch.device("cpu")) is shards


def test_a_file_of_another_network_is_refused(data, trunk, tmp_path):
    architecture, path = trunk
    train(data, path, tmp_path, settings(architecture, 1))
    weights = tmp_path / "weights.safetensors"
    tensors, description = read_tensors(weights), read_description(weights)
    del tensors[next(name for name in tensors if name.startswith("trunk."))]
    write_tensors(weights, tensors, description)
    with pytest.raises(InputError, match=r"weights\.safetensors: found no weights of a network"):
        load_network(weights)
