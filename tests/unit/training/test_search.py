"""Hyper-parameter tuning: it finds, goes on after a kill, and test images are not used."""

import csv
import json
import math
import os
import signal

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from inverse_shading.runtime.artefacts import write_array
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import seal
from inverse_shading.runtime.interruption import Stopped
from inverse_shading.runtime.jobs import logger
from inverse_shading.runtime.resources import Resources
from inverse_shading.training import loop as loop
from inverse_shading.training import search
from inverse_shading.training.checkpoints import Resumption
from inverse_shading.training.found_values import lay_over, with_found_values
from inverse_shading.training.loop import DivergenceError
from inverse_shading.training.proposals import is_behind, propose
from inverse_shading.training.search import SearchFiles, search_model
from inverse_shading.training.trials import COMPLETE, DIVERGED, PRUNED, Trial, read_trials
from tests.support.synthetic import SyntheticData, model_config
from tests.support.trainings import train

SPACE = {
    "head.spatial_dropout": {"low": 0.0, "high": 0.6},
    "training.learning_rate": {"low": 1.0e-4, "high": 1.0e-1, "scale": "log"},
}


# Batches of an epoch: four of training images, one of validation images.
STEPS = 5


def settings(**changes):
    """What a search is given by the rule, of a small convolution."""
    model = model_config({"type": "conv", "channels": 4, "grid": 0}, max_epochs=3)
    del model["training"]["learning_rate"]
    config = {
        "model": model,
        "space": SPACE,
        "seed": 1,
        "trials": 4,
        "startup_trials": 2,
        "warmup_epochs": 1,
        "section": ["models"],
    }
    return config | changes


def run(data, folder, config=None, code="1", threads=1, seconds=1000):
    """A search in a folder; its table without the seconds, and best.yaml."""
    folder.mkdir(exist_ok=True)
    outputs = SearchFiles(*(folder / name for name in ("best.yaml", "trials.csv", "study.json")))
    resumption = Resumption(folder / "trial.pt", seconds, {"search.py": code})
    resources = Resources("cpu", threads)
    search_model(outputs, "tested", config or settings(), data.of_features, resources, resumption)
    with open(folder / "trials.csv") as file:
        table = [
            {name: value for name, value in row.items() if name != "seconds"}
            for row in csv.DictReader(file)
        ]
    return table, yaml.safe_load((folder / "best.yaml").read_text())["models"]["tested"]


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """A search that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, *run(data, folder)


def test_the_best_trial_is_what_a_training_with_its_values_gives(data, whole, tmp_path):
    _, table, best = whole
    rows = pd.DataFrame(table)
    complete = rows[rows["state"] == COMPLETE].astype({"validation_mse": float})
    row = complete.loc[complete["validation_mse"].idxmin()]
    assert {name: float(row[name]) for name in SPACE} == {
        "head.spatial_dropout": best["head"]["spatial_dropout"],
        "training.learning_rate": best["training"]["learning_rate"],
    }
    values = {f"{section}.{key}": best[section][key] for section in best for key in best[section]}
    train(data.of_features, tmp_path, lay_over(settings()["model"], values))
    history = pd.read_csv(tmp_path / "history.csv")
    assert history["validation_mse"].min() == pytest.approx(row["validation_mse"], rel=1e-8)
    assert history["validation_mse"].idxmin() + 1 == int(row["best_epoch"])


def test_what_was_found_stands_above_the_best_values(whole):
    folder, table, _ = whole
    text = (folder / "best.yaml").read_text()
    number = int(text.partition("trial ")[2].partition(",")[0])
    error = float(table[number - 1]["validation_mse"])
    states = [row["state"] for row in table]
    assert f"({states.count(COMPLETE)} complete, {states.count(PRUNED)} pruned)" in text
    assert "# The best of 4 trials of tested" in text
    assert (
        f"trial {number}, {error:.6f} after epoch {table[number - 1]['best_epoch']}, seed 3" in text
    )
    assert f"--configfile {folder}/best.yaml" in text
    assert read_trials(folder / "trials.csv", list(SPACE))["validation_mse"].min() == error
    assert not (folder / "trial.pt").exists() and (folder / "study.json").exists()


def test_what_was_found_is_what_a_training_takes(whole):
    folder, _, best = whole
    tuning = {"model": "tested", "place": ["models", "tested"], "space": SPACE}
    taken = settings()["model"] | {"tuning": tuning | {"trials": 4, "images": 80}}
    found = with_found_values(taken, folder / "best.yaml")
    assert found["training"]["learning_rate"] == best["training"]["learning_rate"]
    assert found["head"] == taken["head"] | best["head"]


@pytest.mark.parametrize("fault", ["killed", "asked to stop"])
# In the first trial, there in an epoch's validation, and in the third trial.
@pytest.mark.parametrize("batch", [3, 10, 2 * 3 * STEPS + 2])
def test_a_search_that_was_cut_off_goes_on_to_the_same_files(
    data, whole, tmp_path, monkeypatch, fault, batch
):
    load, calls = loop._load, []

    def load_or_stop(*arguments):
        calls.append(arguments)
        if len(calls) == batch:
            if fault == "killed":
                raise RuntimeError
            os.kill(os.getpid(), signal.SIGTERM)
        return load(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_load", load_or_stop)
        with pytest.raises(RuntimeError if fault == "killed" else Stopped):
            # Killed, it has the checkpoint of the step before; asked to stop, it writes one.
            run(data, tmp_path, seconds=0 if fault == "killed" else 1000)
        assert (tmp_path / "trial.pt").exists() and not (tmp_path / "best.yaml").exists()
        assert run(data, tmp_path) == whole[1:]
    # The step that was cut off, and no other, was made twice.
    assert len(calls) == STEPS * sum(int(row["epochs"]) for row in whole[1]) + (fault == "killed")
    assert not (tmp_path / "trial.pt").exists()


def test_a_signal_after_the_last_step_of_a_trial_is_not_forgotten(
    data, whole, tmp_path, monkeypatch
):
    fit = search.fit

    def fit_and_stop(*arguments):
        result = fit(*arguments)
        os.kill(os.getpid(), signal.SIGTERM)
        return result

    with monkeypatch.context() as patch:
        patch.setattr(search, "fit", fit_and_stop)
        with pytest.raises(Stopped):
            run(data, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"study.json", "study.json.sha256"}
    assert run(data, tmp_path) == whole[1:]


@pytest.fixture
def trained(monkeypatch):
    """The examples of every trial that is trained, a list that grows."""
    examples, fit = [], search.fit

    def watched(task, *rest):
        examples.append(task.examples)
        return fit(task, *rest)

    monkeypatch.setattr(search, "fit", watched)
    return examples


def test_more_trials_go_on_with_those_there_are(data, whole, tmp_path, trained):
    table, _ = run(data, tmp_path, settings(trials=1))
    assert table == whole[1][:1] and len(trained) == 1
    assert run(data, tmp_path) == whole[1:]
    assert len(trained) == 4
    # And fewer are those that came first.
    assert run(data, tmp_path, settings(trials=1))[0] == table
    assert len(trained) == 4


@pytest.mark.parametrize("change", ["nothing", "config", "space", "code", "threads", "damage"])
def test_only_trials_of_this_very_search_are_gone_on_from(
    data, tmp_path, trained, monkeypatch, caplog, change
):
    monkeypatch.setattr(logger, "propagate", True)
    caplog.set_level("INFO")
    config = settings(trials=1)
    run(data, tmp_path, config)
    changes = {
        "config": {"config": config | {"model": config["model"] | {"seed": 4}}},
        "space": {
            "config": config | {"space": SPACE | {"training.max_epochs": {"choices": [1, 2]}}}
        },
        "code": {"code": "2"},
        "threads": {"threads": 2},
    }
    if change == "damage":
        (tmp_path / "study.json").write_text("{")
    run(data, tmp_path, **{"config": config} | changes.get(change, {}))
    torch.set_num_threads(1)
    assert len(trained) == (1 if change == "nothing" else 2)
    assert ("starting anew" in caplog.text) == (change != "nothing")


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(trials=5),
        lambda content: content.update(trials=[None]),
        lambda content: content.pop("trials"),
        lambda content: content["trials"][0].update(state="done"),
        lambda content: content["trials"][0].update(errors=[]),
        lambda content: content["trials"][0].update(errors=[math.nan]),
        lambda content: content["trials"][0].update(errors=["0.1"]),
        lambda content: content["trials"][0].update(seconds="long"),
        lambda content: content["trials"][0].update(values={}),
        lambda content: content["trials"][0].update(more=1),
        lambda content: content["trials"][0]["values"].update({"training.learning_rate": 5}),
        lambda content: content["trials"][0]["values"].update({"training.learning_rate": "0.001"}),
        lambda content: content["trials"][0]["values"].update({"training.learning_rate": True}),
    ],
)
def test_what_is_no_trial_costs_time_only_whatever_its_seal(
    data, tmp_path, trained, monkeypatch, caplog, change
):
    monkeypatch.setattr(logger, "propagate", True)
    run(data, tmp_path, settings(trials=1))
    study = tmp_path / "study.json"
    content = json.loads(study.read_text())
    change(content)
    study.write_text(json.dumps(content))
    seal(study)
    run(data, tmp_path, settings(trials=1))
    assert len(trained) == 2 and "starting anew" in caplog.text


def test_test_images_are_not_used(whole, tmp_path):
    """Their features are no numbers and their labels others: not a digit of what comes out changes."""
    data = SyntheticData(tmp_path / "changed")
    rows = data.labels.split == "test"
    assert 0 < rows.sum() < len(rows)
    sizes = np.cumsum([len(images) for images in data.ranges])[:-1]
    for features, labels, hidden in zip(
        data.features, data.parameters, np.split(rows, sizes), strict=True
    ):
        array = np.load(features)
        array[hidden] = np.nan
        write_array(features, array)
        lines = labels.read_text().splitlines()
        for number in np.flatnonzero(hidden) + 1:
            lines[number] = lines[number][:10] + ",".join(["0.123456"] * 10)
        labels.write_text("\n".join(lines) + "\n")
        seal(labels)
    assert run(data, tmp_path / "search") == whole[1:]


def test_no_training_is_handed_the_truth_of_test_images(data, tmp_path, monkeypatch, trained):
    prepare, seen = search.prepare_model, []

    def watched(config, inputs, labels, *rest):
        seen.append(labels)
        return prepare(config, inputs, labels, *rest)

    monkeypatch.setattr(search, "prepare_model", watched)
    run(data, tmp_path, settings(trials=1))
    assert len(seen) == 1 and len(seen[0].indices("test")) == 0
    ((examples, test),) = [(each, data.labels.indices("test")) for each in trained]
    assert not set(test) & {*examples.train, *examples.validation}
    assert np.isnan(examples.targets[test]).all()
    assert np.isfinite(examples.targets).all(axis=1).sum() == len(examples.targets) - len(test)


def test_a_model_of_fewer_images_is_tuned_on_those(data, tmp_path, trained):
    config = settings(trials=1)
    config["model"]["images"] = 40
    run(data, tmp_path, config)
    assert [(len(each.train), len(each.validation)) for each in trained] == [(26, 6)]


def test_trials_that_fall_behind_are_cut_short(data, tmp_path, monkeypatch):
    asked = []

    def behind(space, finished, values, errors, startup_trials, warmup_epochs):
        asked.append((len(finished), len(errors), startup_trials, warmup_epochs))
        return len(finished) == 1 and len(errors) == 2

    monkeypatch.setattr(search, "is_behind", behind)
    table, _ = run(data, tmp_path, settings(trials=3))
    assert [(row["state"], row["epochs"]) for row in table] == [
        (COMPLETE, "3"),
        (PRUNED, "2"),
        (COMPLETE, "3"),
    ]
    # Never after a training's last epoch, when there is nothing to save.
    assert asked == [(trial, epochs, 2, 1) for trial in range(3) for epochs in (1, 2)]


def test_without_pruning_nobody_asks(data, tmp_path, monkeypatch):
    monkeypatch.setattr(search, "is_behind", None)
    table, _ = run(data, tmp_path, settings(trials=1, warmup_epochs=None))
    assert table[0]["epochs"] == "3"


def test_a_trial_that_diverges_is_a_result(data, tmp_path, monkeypatch):
    fit = search.fit
    row = {"validation_mse": 0.1}

    def diverging(*arguments):
        if arguments[1]["learning_rate"] > 0.01:
            raise DivergenceError("training: the loss stopped being a finite number", [row])
        return fit(*arguments)

    monkeypatch.setattr(search, "fit", diverging)
    table, best = run(data, tmp_path, settings(warmup_epochs=None))
    states = {row["state"]: row for row in table}
    assert set(states) == {COMPLETE, DIVERGED}
    assert states[DIVERGED]["validation_mse"] == "" and states[DIVERGED]["epochs"] == "1"
    assert best["training"]["learning_rate"] <= 0.01
    assert read_trials(tmp_path / "trials.csv", list(SPACE))["validation_mse"].isna().any()


def test_a_search_in_which_all_diverge_is_refused(data, tmp_path, monkeypatch):
    def diverge(*_):
        raise DivergenceError("no", [])

    monkeypatch.setattr(search, "fit", diverge)
    with pytest.raises(InputError, match=r"none of 4 trials .* Lower the learning rates"):
        run(data, tmp_path)


def test_models_of_studies_are_found_in_their_section(data, tmp_path):
    run_in = settings(trials=1, section=["studies", "bins", "models"])
    with pytest.raises(KeyError):
        run(data, tmp_path, run_in)
    content = yaml.safe_load((tmp_path / "best.yaml").read_text())
    assert list(content["studies"]["bins"]["models"]["tested"]) == ["head", "training"]


MIXED = {
    "head.channels": {"low": 1, "high": 4, "kind": "integer"},
    "head.hidden_sizes": {"choices": [[8], [16, 16]]},
    "training.learning_rate": {"low": 1.0e-5, "high": 1.0e-1, "scale": "log"},
    "training.weight_decay": {"low": 0.25, "high": 0.75},
}


def proposals(count, error, seed=1, startup_trials=8):
    """The values of so many trials, whose errors `error` tells."""
    finished = []
    for _ in range(count):
        values = propose(MIXED, finished, startup_trials, seed)
        finished.append(Trial(COMPLETE, values, [error(values)], 1.0))
    return [trial.values for trial in finished]


def test_the_first_trials_are_spread_over_the_space():
    tried = proposals(8, lambda values: 0.1)
    assert {values["head.channels"] for values in tried} == {1, 2, 3, 4}
    assert sum(values["head.hidden_sizes"] == [8] for values in tried) in (3, 4, 5)
    decades = np.log10([values["training.learning_rate"] for values in tried])
    assert set(np.floor(decades)) == {-5, -4, -3, -2}
    decays = np.array([values["training.weight_decay"] for values in tried])
    assert ((decays >= 0.25) & (decays <= 0.75)).all()
    assert set(np.floor(decays * 8)) == {2, 3, 4, 5}
    # Numbers that people can read, and that a file holds in full.
    assert all(float(f"{decay:.4g}") == decay for decay in decays)


def test_later_trials_go_where_it_was_good():
    def error(values):
        off = np.log10(values["training.learning_rate"]) + 2
        return 0.01 + 0.01 * off**2 + 0.01 * (values["head.hidden_sizes"] == [8])

    tried = proposals(30, error)
    off = np.abs([np.log10(values["training.learning_rate"]) + 2 for values in tried])
    assert np.median(off[15:]) < 0.5 * np.median(off[:8])
    assert sum(values["head.hidden_sizes"] == [8] for values in tried[15:]) < 5
    assert tried == proposals(30, error) != proposals(30, error, seed=2)


def trial(*errors, state=COMPLETE):
    return Trial(state, {"training.max_epochs": 1}, errors, 1.0)


@pytest.mark.parametrize(
    "errors, startup_trials, warmup_epochs, answer",
    [
        ([5, 5, 5], 3, 0, True),
        ([5, 5, 2.9], 3, 0, False),  # below the median of 2, 3 and 4
        ([5, 2.9, 5], 3, 0, False),  # what it once reached counts
        ([5, 5, 5], 4, 0, False),  # three complete trials are too few
        ([5, 5, 5], 3, 2, True),
        ([5, 5, 5], 3, 3, False),  # the third epoch is free
        ([5, 5, 5, 5], 3, 0, False),  # nobody else got that far
    ],
)
def test_a_trial_is_held_against_the_median(errors, startup_trials, warmup_epochs, answer):
    finished = [
        trial(9, 8, 2),
        trial(9, 8, 3),
        trial(9, 8, 4),
        trial(0.1, state=PRUNED),
        trial(0.1, 0.1, 0.1, state=DIVERGED),
    ]
    space = {"training.max_epochs": {"choices": [1, 2]}}
    found = is_behind(
        space, finished, {"training.max_epochs": 2}, errors, startup_trials, warmup_epochs
    )
    assert found == answer
