"""Training and evaluation of a model, from files to files."""

import json
import os
import signal

import numpy as np
import pandas as pd
import pytest
import torch

from inverse_shading.evaluation.evaluate_model import evaluate_model
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.network.heads import load_head
from inverse_shading.runtime.artefacts import write_array, write_tensors
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import write_sealed_text
from inverse_shading.runtime.interruption import Stopped
from inverse_shading.training import loop as fitting
from inverse_shading.training import train_model as training
from inverse_shading.training.train_model import train_model
from tests.support.synthetic import SyntheticData, model_config

HEADS = {
    "dense": {"type": "dense", "grid": 0},
    "pooled": {"type": "dense", "grid": 2},
    "conv": {"type": "conv", "channels": 8, "spatial_dropout": 0.1, "grid": 0},
    "mlp": {"type": "mlp", "hidden_sizes": [16, 16], "dropout": 0.2},
    "perceptron": {
        "type": "perceptron",
        "components": 8,
        "whitening": 0.4,
        "hidden_sizes": [16],
        "blocks": [24 * 16],
    },
}
BINS = {"type": "bins", "count": 21}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return SyntheticData(tmp_path_factory.mktemp("data"))


def train(data, folder, config):
    train_model(
        folder / "weights.safetensors",
        folder / "history.csv",
        folder / "training.json",
        folder / "checkpoint.pt",
        config,
        data.features,
        data.parameters,
        data.splits,
        device="cpu",
        threads=1,
        checkpoint_seconds=1000,
        code={"training.py": "as it is"},
    )
    return json.loads((folder / "training.json").read_text())


def evaluate(data, folder, config):
    evaluate_model(
        folder / "predictions.csv",
        folder / "metrics.json",
        config,
        folder / "weights.safetensors",
        folder / "training.json",
        data.trunk,
        data.features,
        data.parameters,
        data.splits,
        device="cpu",
        threads=1,
    )
    return json.loads((folder / "metrics.json").read_text())


@pytest.mark.parametrize("head", HEADS)
def test_files_of_a_training(data, tmp_path, head):
    config = model_config(HEADS[head], max_epochs=4, patience=4)
    summary = train(data, tmp_path, config)
    assert list(summary) == [
        "parameter_count",
        "epochs",
        "best_epoch",
        "seconds",
        "seconds_per_epoch",
        "device",
        "batch_size",
    ]
    history = pd.read_csv(tmp_path / "history.csv")
    assert list(history.columns) == [
        "epoch",
        "learning_rate",
        "train_loss",
        "validation_loss",
        "validation_mse",
    ]
    assert list(history["epoch"]) == [1, 2, 3, 4]
    assert summary["best_epoch"] == history["validation_mse"].argmin() + 1
    assert summary["device"] == "cpu (1 thread)"
    loaded, description = load_head(tmp_path / "weights.safetensors")
    assert description["feature_shape"] == [24, 4, 4] and description["head"] == HEADS[head]
    assert summary["parameter_count"] == sum(weight.numel() for weight in loaded.parameters())


def test_two_trainings_write_the_same_bytes(data, tmp_path):
    config = model_config(HEADS["conv"])
    for name in ("one", "two"):
        train(data, tmp_path / name, config)
    for name in ("weights.safetensors", "history.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    train(data, tmp_path / "other", config | {"seed": 4})
    assert (tmp_path / "one/history.csv").read_bytes() != (
        tmp_path / "other/history.csv"
    ).read_bytes()


def test_pooling_beforehand_gives_the_same_result(data, tmp_path, monkeypatch):
    config = model_config(HEADS["pooled"])
    train(data, tmp_path / "before", config)
    monkeypatch.setattr(training, "MEMORY_FOR_PREPARED_FEATURES", 0)
    train(data, tmp_path / "batchwise", config)
    before, batchwise = (
        pd.read_csv(tmp_path / name / "history.csv") for name in ("before", "batchwise")
    )
    pd.testing.assert_frame_equal(before, batchwise, rtol=1e-4)


def test_the_size_of_features_makes_no_difference(data, tmp_path):
    config = model_config(HEADS["dense"])
    train(data, tmp_path / "as it is", config)
    big = SyntheticData(tmp_path / "big")
    for path in big.features:
        write_array(path, np.load(path) * np.float16(16))
    train(big, tmp_path / "sixteenfold", config)
    small, large = (
        pd.read_csv(tmp_path / name / "history.csv") for name in ("as it is", "sixteenfold")
    )
    pd.testing.assert_frame_equal(small, large, rtol=1e-4)


@pytest.mark.parametrize("head", ["dense", "pooled"])
@pytest.mark.parametrize("memory", [0, 1 << 30])
def test_training_features_are_standardised(data, tmp_path, monkeypatch, head, memory):
    monkeypatch.setattr(training, "MEMORY_FOR_PREPARED_FEATURES", memory)
    train(data, tmp_path, model_config(HEADS[head], max_epochs=1))
    loaded, _ = load_head(tmp_path / "weights.safetensors")
    rows = np.concatenate([np.load(path) for path in data.features])[data.labels.indices("train")]
    features = torch.from_numpy(rows).float()
    if loaded.pooling is not None:
        features = loaded.pooling(features)
    standard = loaded.standardise(features)
    torch.testing.assert_close(
        standard.mean(dim=0), torch.zeros(standard.shape[1:]), atol=1e-3, rtol=0
    )
    assert standard.square().mean().item() == pytest.approx(1, rel=1e-3)


def test_metrics_of_a_regression(data, tmp_path):
    config = model_config(HEADS["dense"], max_epochs=30, patience=30)
    summary = train(data, tmp_path, config)
    metrics = evaluate(data, tmp_path, config)
    assert list(metrics) == [
        "model",
        "trunk",
        "weights",
        "splits",
        "parameter_count",
        "epochs",
        "best_epoch",
        "seconds",
        "device",
        "batch_size",
        "seed",
        "threads",
    ]
    assert (metrics["model"], metrics["trunk"]) == ("tested", "vgg16")
    assert metrics["weights"] == "made by a test"
    assert metrics["seconds"] == summary["seconds"]
    assert (metrics["seed"], metrics["threads"]) == (3, 1)
    assert metrics["splits"]["train"]["mse"] < 0.05
    history = pd.read_csv(tmp_path / "history.csv")
    best = history["validation_mse"][metrics["best_epoch"] - 1]
    assert metrics["splits"]["validation"]["mse"] == pytest.approx(best, rel=1e-4)

    table = pd.read_csv(tmp_path / "predictions.csv", dtype={"id": str})
    true = [f"{name}_true" for name in PARAMETERS]
    predicted = [f"{name}_predicted" for name in PARAMETERS]
    assert list(table.columns) == ["id", "split", *true, *predicted]
    assert list(table["id"]) == list(data.labels.values.index)
    np.testing.assert_array_equal(table[true], data.labels.values)
    test = table[table["split"] == "test"]
    mse = np.square(test[predicted].to_numpy() - test[true].to_numpy()).mean()
    assert metrics["splits"]["test"]["mse"] == pytest.approx(mse, rel=1e-3)


def test_metrics_of_bins_hold_both_decodings(data, tmp_path):
    config = model_config(HEADS["pooled"], BINS, max_epochs=10, patience=10)
    train(data, tmp_path, config)
    metrics = evaluate(data, tmp_path, config)
    by_name = metrics["decodings"]
    assert list(by_name) == ["argmax", "expected"]
    assert by_name["argmax"]["test"]["mse"] != by_name["expected"]["test"]["mse"]
    chosen = min(by_name, key=lambda name: by_name[name]["validation"]["mse"])
    assert metrics["decoding"] == chosen
    for split in ("train", "validation", "test"):
        for error in ("mse", "mae", "r2"):
            assert by_name[chosen][split][error] == metrics["splits"][split][error]


def test_two_evaluations_write_the_same_bytes(data, tmp_path):
    config = model_config(HEADS["mlp"], BINS)
    train(data, tmp_path, config)
    names = ("predictions.csv", "metrics.json")
    evaluate(data, tmp_path, config)
    first = [(tmp_path / name).read_bytes() for name in names]
    evaluate(data, tmp_path, config)
    assert first == [(tmp_path / name).read_bytes() for name in names]


def test_weights_of_another_model_are_refused(data, tmp_path):
    config = model_config(HEADS["dense"])
    train(data, tmp_path, config)
    with pytest.raises(
        InputError, match=r"weights\.safetensors: found weights of a model with head"
    ):
        evaluate(data, tmp_path, config | {"head": HEADS["mlp"]})
    write_tensors(tmp_path / "weights.safetensors", {"a": torch.ones(1)}, {})
    with pytest.raises(InputError, match=r"weights\.safetensors: found no weights of a head"):
        evaluate(data, tmp_path, config)


@pytest.mark.parametrize("content", ["{", "[]", '{"epochs": 1}'])
def test_a_damaged_summary_is_refused(data, tmp_path, content):
    config = model_config(HEADS["dense"], max_epochs=1)
    train(data, tmp_path, config)
    write_sealed_text(tmp_path / "training.json", content)
    with pytest.raises(InputError, match=r"training\.json: can't be read as a summary"):
        evaluate(data, tmp_path, config)


def test_a_failed_training_leaves_nothing(data, tmp_path):
    config = model_config(HEADS["pooled"] | {"grid": 9})
    with pytest.raises(InputError, match=r"head\.grid: found 9"):
        train(data, tmp_path, config)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("head", list(HEADS))
def test_a_stopped_training_goes_on_to_the_same_files(data, tmp_path, monkeypatch, head):
    config = model_config(HEADS[head], BINS, max_epochs=4)
    train(data, tmp_path / "whole", config)
    calls = []

    def load_and_stop(*arguments):
        calls.append(arguments)
        # Somewhere in the second epoch's training or validation.
        if len(calls) == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return fitting_load(*arguments)

    fitting_load = fitting._load
    monkeypatch.setattr(fitting, "_load", load_and_stop)
    with pytest.raises(Stopped):
        train(data, tmp_path / "stopped", config)
    assert {path.name for path in (tmp_path / "stopped").iterdir()} == {
        "checkpoint.pt",
        "checkpoint.pt.sha256",
    }
    train(data, tmp_path / "stopped", config)
    for name in ("weights.safetensors", "history.csv"):
        assert (tmp_path / "stopped" / name).read_bytes() == (
            tmp_path / "whole" / name
        ).read_bytes()
    assert not (tmp_path / "stopped/checkpoint.pt").exists()
    assert not (tmp_path / "stopped/checkpoint.pt.sha256").exists()


@pytest.mark.parametrize("change", ["nothing", "config", "code", "features", "threads"])
def test_only_a_checkpoint_of_this_very_training_is_gone_on_from(
    tmp_path, monkeypatch, caplog, change
):
    data = SyntheticData(tmp_path)
    config = model_config(HEADS["dense"], max_epochs=2)
    monkeypatch.setattr(training.logger, "propagate", True)
    caplog.set_level("INFO")

    def attempt(config=config, code="1", threads=1):
        names = ("weights", "history", "summary", "checkpoint.pt")
        train_model(
            *(tmp_path / name for name in names),
            config,
            data.features,
            data.parameters,
            data.splits,
            device="cpu",
            threads=threads,
            checkpoint_seconds=0,
            code={"training.py": code},
        )

    def crash(*_):
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        # After the last batch, with the checkpoint on disk.
        patch.setattr(training, "write_tensors", crash)
        with pytest.raises(RuntimeError):
            attempt()
    if change == "features":
        for path in data.features:
            write_array(path, np.load(path) * np.float16(2))
    changes = {
        "config": {"config": config | {"seed": 4}},
        "code": {"code": "2"},
        "threads": {"threads": 2},
    }
    caplog.clear()
    attempt(**changes.get(change, {}))
    torch.set_num_threads(1)
    assert ("going on from a checkpoint" in caplog.text) == (change == "nothing")
    assert ("of another configuration or data" in caplog.text) == (change != "nothing")
