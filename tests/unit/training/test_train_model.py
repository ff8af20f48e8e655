"""Training and evaluation of a model, from files to files."""

import json
import math
import os
import shutil
import signal

import numpy as np
import pandas as pd
import pytest
import torch

from inverse_shading.dataset.feature_files import features_head
from inverse_shading.dataset.rows import ArrayRows
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.network.heads import load_head
from inverse_shading.network.measured_layers import Standardise
from inverse_shading.runtime.artefacts import write_array, write_tensors
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import sealed_path, write_sealed_text
from inverse_shading.runtime.interruption import Stopped
from inverse_shading.runtime.jobs import logger
from inverse_shading.training import loop, prepare, train_model
from tests.support.synthetic import SyntheticData, model_config
from tests.support.trainings import evaluate, train

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
HEADS["perceptron without components"] = HEADS["perceptron"] | {"components": 0, "whitening": 0.0}
BINS = {"type": "bins", "count": 21, "decoding": "argmax"}


MODEL_FILES = ("weights.safetensors", "history.csv")


def contents(folder, names=MODEL_FILES):
    return [(folder / name).read_bytes() for name in names]


def history(folder):
    return pd.read_csv(folder / "history.csv")


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """The folder of a training that nothing disturbed: by the name of its head, with how it went."""
    made = {}

    def whole(head, objective=None, **training):
        key = json.dumps([head, objective, training])
        if key not in made:
            folder = tmp_path_factory.mktemp("whole")
            config = model_config(HEADS[head], objective, **training)
            made[key] = folder, train(data.of_features, folder, config), config
        return made[key]

    return whole


@pytest.mark.parametrize("head", HEADS)
def test_files_of_a_training(whole, head):
    folder, summary, _ = whole(head, max_epochs=4)
    assert list(summary) == [
        "parameter_count", "epochs", "best_epoch", "seconds", "seconds_per_epoch", "device",
        "batch_size",
    ]  # fmt: skip
    table = history(folder)
    assert list(table.columns) == [
        "epoch", "learning_rate", "train_loss", "validation_loss", "validation_mse",
    ]  # fmt: skip
    assert list(table["epoch"]) == [1, 2, 3, 4]
    assert summary["best_epoch"] == table["validation_mse"].argmin() + 1
    assert summary["device"] == "cpu (1 thread)"
    loaded, description = load_head(folder / "weights.safetensors")
    assert description["feature_shape"] == [24, 4, 4] and description["head"] == HEADS[head]
    assert summary["parameter_count"] == sum(weight.numel() for weight in loaded.parameters())


def test_two_trainings_write_the_same_bytes(data, whole, tmp_path):
    folder, _, config = whole("conv")
    train(data.of_features, tmp_path / "again", config)
    assert contents(tmp_path / "again") == contents(folder)
    train(data.of_features, tmp_path / "other", config | {"seed": 4})
    assert contents(tmp_path / "other")[1] != contents(folder)[1]


def test_pooling_beforehand_gives_the_same_result(data, whole, tmp_path, monkeypatch):
    folder, _, config = whole("pooled")
    monkeypatch.setattr(prepare, "MEMORY_FOR_PREPARED_FEATURES", 0)
    train(data.of_features, tmp_path, config)
    pd.testing.assert_frame_equal(history(folder), history(tmp_path), rtol=1e-4)


def test_the_size_of_features_makes_no_difference(whole, tmp_path):
    folder, _, config = whole("dense")
    big = SyntheticData(tmp_path / "big")
    for path in big.features:
        write_array(path, np.load(path) * np.float16(16))
    train(big.of_features, tmp_path / "sixteenfold", config)
    pd.testing.assert_frame_equal(history(folder), history(tmp_path / "sixteenfold"), rtol=1e-4)


@pytest.mark.parametrize("head", ["dense", "pooled", "perceptron without components"])
@pytest.mark.parametrize("memory", [0, 1 << 30])
def test_training_features_are_standardised(data, tmp_path, monkeypatch, head, memory):
    monkeypatch.setattr(prepare, "MEMORY_FOR_PREPARED_FEATURES", memory)
    train(data.of_features, tmp_path, model_config(HEADS[head], max_epochs=1))
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


def test_a_batch_that_does_not_fit_is_halved_before_the_training_too():
    rows = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    sizes = []

    def fit(limit):
        def prepare_rows(batch):
            sizes.append(len(batch))
            if len(batch) > limit:
                raise torch.OutOfMemoryError
            return batch

        standardise = Standardise((6,))
        prepare._standardise(
            standardise, prepare_rows, ArrayRows(rows), np.arange(50), 16, torch.device("cpu")
        )
        return standardise

    whole, tight = fit(50), fit(5)
    torch.testing.assert_close(tight.mean, whole.mean)
    torch.testing.assert_close(tight.factor, whole.factor)
    assert max(sizes) == 13 and sizes[-1] <= 4


def test_features_of_another_precision_are_refused(tmp_path):
    data = SyntheticData(tmp_path)
    config = model_config(HEADS["dense"], max_epochs=1)
    train(data.of_features, tmp_path / "model", config)
    path = data.features[1]
    array = np.load(path)
    with sealed_path(path) as temporary:
        head = features_head(array.dtype, array.shape, "bfloat16")
        temporary.write_bytes(head + array.tobytes())
    message = rf"{path}: found features in bfloat16, expected float32\. Delete"
    with pytest.raises(InputError, match=message):
        train(data.of_features, tmp_path / "again", config)
    with pytest.raises(InputError, match=message):
        evaluate(data.of_features, tmp_path / "model", config, data.trunk)


def test_metrics_of_a_regression(data, whole):
    folder, summary, config = whole("dense", max_epochs=30)
    metrics = evaluate(data.of_features, folder, config, data.trunk)
    assert list(metrics) == [
        "model", "trunk", "weights", "precision", "decoding", "splits", "parameter_count", "epochs",
        "best_epoch", "seconds", "device", "batch_size", "seed", "threads", "tuning",
    ]  # fmt: skip
    assert (metrics["model"], metrics["trunk"]) == ("tested", "vgg16")
    assert metrics["weights"] == "made by a test"
    assert metrics["seconds"] == summary["seconds"]
    assert (metrics["seed"], metrics["threads"]) == (3, 1)
    assert metrics["splits"]["train"]["mse"] < 0.05
    best = history(folder)["validation_mse"][metrics["best_epoch"] - 1]
    assert metrics["splits"]["validation"]["mse"] == pytest.approx(best, rel=1e-4)

    table = pd.read_csv(folder / "predictions.csv", dtype={"id": str})
    true = [f"{name}_true" for name in PARAMETERS]
    predicted = [f"{name}_predicted" for name in PARAMETERS]
    assert list(table.columns) == ["id", "split", *true, *predicted]
    assert list(table["id"]) == list(data.labels.values.index)
    np.testing.assert_array_equal(table[true], data.labels.values)
    test = table[table["split"] == "test"]
    mse = np.square(test[predicted].to_numpy() - test[true].to_numpy()).mean()
    assert metrics["splits"]["test"]["mse"] == pytest.approx(mse, rel=1e-3)


def test_the_configured_decoding_alone_judges_epochs_and_predictions(data, whole):
    """Two readings of one training: the weights go the same way, the values and the choice don't."""
    tables, predictions = {}, {}
    for decoding in ("argmax", "expected"):
        objective = BINS | {"decoding": decoding}
        folder, summary, config = whole("pooled", objective, max_epochs=10)
        metrics = evaluate(data.of_features, folder, config, data.trunk)
        assert metrics["decoding"] == decoding
        table = tables[decoding] = history(folder)
        assert summary["best_epoch"] == table["validation_mse"].argmin() + 1
        mse = metrics["splits"]["validation"]["mse"]
        assert mse == pytest.approx(table["validation_mse"].min(), rel=1e-4)
        names = [f"{name}_predicted" for name in PARAMETERS]
        predictions[decoding] = pd.read_csv(folder / "predictions.csv")[names].to_numpy()
    pd.testing.assert_series_equal(*(table["train_loss"] for table in tables.values()))
    assert (tables["argmax"]["validation_mse"] > tables["expected"]["validation_mse"]).all()
    np.testing.assert_allclose(predictions["argmax"] * 20 % 1, 0, atol=1e-3)
    assert np.abs(predictions["expected"] * 20 % 1 - 0.5).min() < 0.1


def test_two_evaluations_write_the_same_bytes(data, whole):
    folder, _, config = whole("mlp", BINS, max_epochs=4)
    evaluate(data.of_features, folder, config, data.trunk)
    first = contents(folder, ("predictions.csv", "metrics.json"))
    evaluate(data.of_features, folder, config, data.trunk)
    assert first == contents(folder, ("predictions.csv", "metrics.json"))


def test_weights_of_another_model_and_a_damaged_summary_are_refused(data, whole, tmp_path):
    folder, _, config = whole("dense")
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    with pytest.raises(
        InputError, match=r"weights\.safetensors: found weights of a model with head"
    ):
        evaluate(data.of_features, tmp_path, config | {"head": HEADS["mlp"]}, data.trunk)
    summary = json.loads((folder / "training.json").read_text())
    wrong = [{"batch_size": 0}, {"batch_size": "64"}, {"seconds": math.nan}, {"epochs": None}]
    for content in ("{", "[]", '{"epochs": 1}', *(json.dumps(summary | each) for each in wrong)):
        write_sealed_text(tmp_path / "training.json", content)
        with pytest.raises(InputError, match=r"training\.json: can't be read as a summary"):
            evaluate(data.of_features, tmp_path, config, data.trunk)
    write_tensors(tmp_path / "weights.safetensors", {"a": torch.ones(1)}, {})
    with pytest.raises(InputError, match=r"weights\.safetensors: found no weights of a head"):
        evaluate(data.of_features, tmp_path, config, data.trunk)


def test_a_failed_training_leaves_nothing(data, tmp_path):
    config = model_config(HEADS["pooled"] | {"grid": 9})
    with pytest.raises(InputError, match=r"head\.grid: found 9"):
        train(data.of_features, tmp_path, config)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("head", list(HEADS))
def test_a_stopped_training_goes_on_to_the_same_files(data, whole, tmp_path, monkeypatch, head):
    folder, _, config = whole(head, BINS, max_epochs=4)
    load, calls = loop._load, []

    def load_and_stop(*arguments):
        calls.append(arguments)
        # Somewhere in the second epoch's training or validation.
        if len(calls) == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return load(*arguments)

    monkeypatch.setattr(loop, "_load", load_and_stop)
    with pytest.raises(Stopped):
        train(data.of_features, tmp_path, config)
    kept = {"checkpoint.pt", "checkpoint.pt.sha256"}
    assert {path.name for path in tmp_path.iterdir()} == kept
    train(data.of_features, tmp_path, config)
    assert contents(tmp_path) == contents(folder)
    assert not kept & {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("change", ["nothing", "config", "code", "features", "threads"])
def test_only_a_checkpoint_of_this_very_training_is_gone_on_from(
    tmp_path, monkeypatch, caplog, change
):
    data = SyntheticData(tmp_path)
    config = model_config(HEADS["dense"], max_epochs=2)
    monkeypatch.setattr(logger, "propagate", True)
    caplog.set_level("INFO")

    def attempt(config=config, **changes):
        train(data.of_features, tmp_path, config, seconds=0, **changes)

    def crash(*_):
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        # After the last batch, with the checkpoint on disk.
        patch.setattr(train_model, "write_tensors", crash)
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
