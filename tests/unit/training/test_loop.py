"""The training loop: it learns, stops, repeats itself, survives a full GPU, refuses to diverge."""

import copy
import dataclasses
import itertools
import math
import os
import signal

import numpy as np
import pytest
import torch
from torch import nn

from inverse_shading.dataset.rows import ArrayRows
from inverse_shading.network.objectives.objective import load_objective
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import seal
from inverse_shading.runtime.interruption import Stopped
from inverse_shading.runtime.jobs import logger
from inverse_shading.training.checkpoints import Checkpoint
from inverse_shading.training.loop import DivergenceError, Examples, Task, count_steps, fit
from tests.support.synthetic import TRAINING

CPU = torch.device("cpu")
REGRESSION = load_objective({"type": "regression"}, 2)


@pytest.fixture
def examples():
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(100, 5)).astype(np.float32)
    mixture = generator.normal(size=(5, 2))
    targets = (1 / (1 + np.exp(-inputs @ mixture))).astype(np.float32)
    return Examples(ArrayRows(inputs), targets, np.arange(70), np.arange(70, 100))


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 2))


def run(examples, net=None, objective=REGRESSION, seed=1, checkpoint=None, judge=None, **config):
    task = Task(net or network(), objective, examples)
    return fit(task, TRAINING | config, seed, CPU, checkpoint, judge)


def weights_of(net):
    return nn.utils.parameters_to_vector(net.parameters())


def test_it_learns(examples):
    result = run(examples, max_epochs=40)
    first, last = result.history[0], result.history[-1]
    assert last["validation_loss"] < 0.2 * first["validation_loss"]
    assert last["train_loss"] < 0.5 * first["train_loss"]
    # For this objective loss and error are the same.
    assert last["validation_mse"] == pytest.approx(last["validation_loss"], rel=1e-4)


def test_the_same_seed_gives_the_same_bits(examples):
    nets = [network() for _ in range(3)]
    histories = [
        run(examples, net, seed=seed).history for net, seed in zip(nets, (1, 1, 2), strict=True)
    ]
    assert histories[0] == histories[1] != histories[2]
    weights = [weights_of(net) for net in nets]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


class Scripted:
    """An objective whose validation errors are given, and whose training does nothing.

    It is meant for targets of zero: a prediction's square is then its error. The validation loss
    falls from epoch to epoch whatever the error does.
    """

    outputs = 2

    def __init__(self, errors, bad_epoch=None):
        self.errors = iter(errors)
        self.losses = itertools.count(-1, -1)
        self.bad_epoch = bad_epoch

    def loss(self, outputs, targets):
        if outputs.requires_grad:
            return outputs.sum() * 0
        loss = next(self.losses)
        return outputs.sum() * 0 + (math.nan if -loss == self.bad_epoch else loss)

    def decode(self, outputs):
        return outputs * 0 + next(self.errors) ** 0.5


@pytest.fixture
def zeros(examples):
    return dataclasses.replace(examples, targets=np.zeros_like(examples.targets))


def test_every_epoch_is_trained_and_the_best_one_kept(zeros):
    errors = [5, 3, 4, 3, *[4] * 40]
    result = run(zeros, objective=Scripted(errors), batch_size=100, max_epochs=len(errors))
    assert [row["validation_mse"] for row in result.history] == pytest.approx(errors)
    assert result.best_epoch == 2
    assert [row["validation_loss"] for row in result.history[:3]] == [-1, -2, -3]


def test_the_network_is_left_with_the_best_weights(zeros):
    kept = []

    class Watched(nn.Linear):
        def eval(self):
            kept.append(copy.deepcopy(self.state_dict()))
            return super().eval()

    net = Watched(5, 2)
    result = run(zeros, net, Scripted([5, 3, 4, 6]), batch_size=100, max_epochs=4)
    assert result.best_epoch == 2
    # Weight decay moves the weights although the gradient is zero.
    assert not torch.equal(kept[1]["weight"], kept[3]["weight"])
    assert torch.equal(net.weight, kept[1]["weight"])


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine", "constant"])
def test_the_learning_rate_follows_its_schedule(examples, schedule):
    history = run(examples, schedule=schedule, max_epochs=10).history
    rates = [row["learning_rate"] for row in history]
    assert max(rates) <= 0.01 * 1.0001
    if schedule == "constant":
        assert rates == [0.01] * 10
    elif schedule == "cosine":
        assert rates == sorted(rates, reverse=True) and rates[-1] < 0.0005
        # The rate of the last of an epoch's five steps: the 25th of 50.
        assert rates[4] == pytest.approx(0.005 * (1 + math.cos(math.pi * 24 / 50)))
    else:
        assert rates[0] < 0.01 and 1 <= np.argmax(rates) <= 4 and rates[-1] < 0.0005


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine", "constant"])
def test_a_single_step_is_a_training_too(examples, schedule):
    net = network()
    before = weights_of(net).clone()
    run(examples, net, schedule=schedule, max_epochs=1, batch_size=4096)
    assert not torch.equal(before, weights_of(net))


def test_a_full_gpu_halves_the_batch_and_begins_anew(examples, caplog, monkeypatch):
    # A job that ran in this process may have taken the logger to itself.
    monkeypatch.setattr(logger, "propagate", True)
    sizes = []

    class Tight(nn.Linear):
        def forward(self, inputs):
            sizes.append(len(inputs))
            if len(inputs) > 5:
                raise torch.OutOfMemoryError
            return super().forward(inputs)

    torch.manual_seed(0)
    tight = Tight(5, 2)
    plain = nn.Linear(5, 2)
    plain.load_state_dict(tight.state_dict())
    with caplog.at_level("WARNING", logger="inverse_shading"):
        result = run(examples, tight, batch_size=16)
    assert result.batch_size == 4
    assert sizes[:2] == [14, 8] and max(sizes[2:]) <= 4
    assert "batches of 8 instead of 16" in caplog.text
    # As if the smaller batch had been asked for.
    assert run(examples, plain, batch_size=4).history == result.history
    assert torch.equal(plain.weight, tight.weight)


def test_divergence_is_refused(examples):
    examples.inputs.array[3] = np.inf
    with pytest.raises(InputError, match=r"in epoch 1 the loss stopped.*training\.learning_rate"):
        run(examples)


def test_a_divergence_tells_of_the_epochs_before(zeros):
    with pytest.raises(DivergenceError) as caught:
        run(zeros, objective=Scripted([5, 3, 4], bad_epoch=3), batch_size=100)
    assert [row["validation_mse"] for row in caught.value.history] == pytest.approx([5, 3])


def test_what_is_hopeless_ends_with_its_best_epoch(zeros):
    asked = []

    def is_hopeless(history):
        asked.append([row["validation_mse"] for row in history])
        return len(history) == 3

    config = {"batch_size": 100, "max_epochs": 9}
    result = run(zeros, objective=Scripted([5, 3, 4, 1]), judge=is_hopeless, **config)
    assert result.given_up and result.best_epoch == 2 and len(result.history) == 3
    assert [len(history) for history in asked] == [1, 2, 3]
    assert asked[-1] == pytest.approx([5, 3, 4])
    # Nobody asks when it is over anyway.
    config["max_epochs"] = 3
    result = run(zeros, objective=Scripted([5, 3, 4]), judge=is_hopeless, **config)
    assert not result.given_up and len(result.history) == 3


@pytest.mark.parametrize("step, keeps", [(4, False), (7, True)])
def test_an_epoch_that_fitted_is_not_begun_anew(examples, tmp_path, step, keeps):
    """In the first epoch of five steps the batch is halved; later the checkpoint is kept."""
    path = tmp_path / "c.pt"
    tight = Breaking(step, out_of_memory)
    if keeps:
        with pytest.raises(InputError, match=r"c\.pt: the GPU's memory no longer holds"):
            fit_with(Checkpoint(path, {}, 0), examples, tight, max_epochs=3)
        assert path.exists()
        return
    result, weights = fit_with(Checkpoint(path, {}, 0), examples, tight, max_epochs=3)
    assert result.batch_size == TRAINING["batch_size"] // 2
    _, expected = fit_with(None, examples, max_epochs=3, batch_size=TRAINING["batch_size"] // 2)
    assert torch.equal(weights, expected)


def test_batch_norm_refuses_batches_of_one(examples):
    net = nn.Sequential(nn.Linear(5, 2), nn.BatchNorm1d(2))
    with pytest.raises(InputError, match=r"training\.batch_size: found 1, expected at least 2"):
        run(examples, net, batch_size=1)


def test_batch_norm_on_a_full_gpu_stops_at_two(examples):
    sizes = []

    class Full(nn.Linear):
        def forward(self, inputs):
            sizes.append(len(inputs))
            raise torch.OutOfMemoryError

    net = nn.Sequential(Full(5, 2), nn.BatchNorm1d(2))
    with pytest.raises(InputError, match="The GPU's memory doesn't hold a batch of 2 images"):
        run(examples, net, batch_size=7)
    assert sizes == [7, 3, 2]


def test_batch_norm_never_meets_a_rest_of_one(examples):
    net = nn.Sequential(nn.Linear(5, 2), nn.BatchNorm1d(2))
    # 70 = 3 · 23 + 1.
    assert len(run(examples, net, batch_size=23, max_epochs=1).history) == 1
    assert [count_steps(13, size, net) for size in (2, 3, 6, 13, 20)] == [6, 5, 3, 1, 1]
    # Others take what is left over.
    assert count_steps(13, 2, nn.Linear(5, 2)) == 7


def test_an_unknown_schedule_is_refused(examples):
    with pytest.raises(InputError, match=r"training\.schedule: found 'warm'"):
        run(examples, schedule="warm")


class Breaking:
    """Regression that calls `fault` when its loss is asked for the `count`-th time in training."""

    def __init__(self, count, fault):
        self.outputs, self.decode = REGRESSION.outputs, REGRESSION.decode
        self.left, self.fault = count, fault

    def loss(self, outputs, targets):
        if outputs.requires_grad:
            self.left -= 1
            if self.left == 0:
                self.fault()
        return REGRESSION.loss(outputs, targets)


def crash():
    raise RuntimeError("killed")


def terminate():
    os.kill(os.getpid(), signal.SIGTERM)


def fit_with(checkpoint, examples, objective=REGRESSION, **config):
    net = network()
    return run(examples, net, objective, checkpoint=checkpoint, **config), weights_of(net)


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine", "constant"])
@pytest.mark.parametrize("step", [1, 3, 5, 12])
@pytest.mark.parametrize("fault", [crash, terminate])
def test_an_interrupted_training_ends_with_the_same_bits(examples, tmp_path, schedule, step, fault):
    """At the first step, in mid-epoch, at an epoch's last of five steps, and later."""
    whole, weights = fit_with(None, examples, schedule=schedule, max_epochs=5)
    # A crash leaves the checkpoint of the step before; being asked to stop writes one.
    interval = 0 if fault is crash else 1000
    checkpoint = Checkpoint(tmp_path / "c.pt", {"a": 1}, interval)
    with pytest.raises(RuntimeError if fault is crash else Stopped):
        fit_with(checkpoint, examples, Breaking(step, fault), schedule=schedule, max_epochs=5)
    assert (tmp_path / "c.pt").exists() or (fault, step) == (crash, 1)
    counting = Breaking(1000, None)
    again = Checkpoint(tmp_path / "c.pt", {"a": 1}, 1000)
    result, resumed = fit_with(again, examples, counting, schedule=schedule, max_epochs=5)
    assert result.history == whole.history and result.best_epoch == whole.best_epoch
    assert torch.equal(weights, resumed)
    # Only the steps that were missing were made.
    done = step - 1 if fault is crash else step
    assert 1000 - counting.left == 25 - done


def test_the_best_epoch_is_kept_across_an_interruption(zeros, tmp_path):
    errors = [4.0, 1.0, 2.0, 3.0]

    def attempt(errors):
        checkpoint = Checkpoint(tmp_path / "c.pt", {}, 0)
        objective = Scripted(errors)
        return run(zeros, objective=objective, checkpoint=checkpoint, batch_size=100, max_epochs=4)

    # The script ends in the third epoch's validation.
    with pytest.raises(StopIteration):
        attempt(errors[:2])
    result = attempt(errors[2:])
    assert [row["validation_mse"] for row in result.history] == pytest.approx(errors)
    assert result.best_epoch == 2


def out_of_memory(*_, **__):
    raise torch.OutOfMemoryError


@pytest.mark.parametrize("while_reading", [True, False])
def test_a_full_gpu_loses_nothing_of_a_resumed_training(
    examples, tmp_path, monkeypatch, while_reading
):
    whole, weights = fit_with(None, examples, max_epochs=3)
    path = tmp_path / "c.pt"
    with pytest.raises(RuntimeError):
        fit_with(Checkpoint(path, {}, 0), examples, Breaking(12, crash), max_epochs=3)
    kept = path.read_bytes()
    if while_reading:
        monkeypatch.setattr(torch.optim.AdamW, "load_state_dict", out_of_memory)
    with pytest.raises(
        InputError, match=r"c\.pt: the GPU's memory no longer holds .* delete the file"
    ):
        fit_with(Checkpoint(path, {}, 0), examples, Breaking(1, out_of_memory), max_epochs=3)
    assert path.read_bytes() == kept
    monkeypatch.undo()
    counting = Breaking(1000, None)
    result, again = fit_with(Checkpoint(path, {}, 0), examples, counting, max_epochs=3)
    assert result.history == whole.history and torch.equal(weights, again)
    assert 1000 - counting.left == 15 - 11


def test_a_damaged_checkpoint_costs_time_only(examples, tmp_path):
    whole, weights = fit_with(None, examples, max_epochs=3)
    path = tmp_path / "c.pt"
    with pytest.raises(RuntimeError):
        fit_with(Checkpoint(path, {}, 0), examples, Breaking(5, crash), max_epochs=3)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    result, again = fit_with(Checkpoint(path, {}, 0), examples, max_epochs=3)
    assert result.history == whole.history and torch.equal(weights, again)


def junk(*path, value):
    """A change of a checkpoint's content at this path; ... removes."""

    def change(content):
        part = content
        for key in path[:-1]:
            part = part[key]
        if value is ...:
            del part[path[-1]]
        else:
            part[path[-1]] = value
        return content

    return change


WRONG_CONTENTS = {
    "no pickle": lambda content: b"junk",
    "cut short": lambda content: None,
    "a list": lambda content: [1, 2],
    "nothing": lambda content: {},
    "a number": lambda content: 5,
    "no state": junk("state", value=...),
    "a state of text": junk("state", value="state"),
    "a state of nothing": junk("state", value=None),
    "an identity of tensors": junk("identity", value=torch.zeros(3)),
    "batch size 0": junk("state", "batch_size", value=0),
    "a large batch size": junk("state", "batch_size", value=1000),
    "a batch size of text": junk("state", "batch_size", value="16"),
    "no network": junk("state", "network", value=...),
    "another network": junk("state", "network", value={"0.weight": torch.zeros(1)}),
    "no optimiser": junk("state", "optimiser", value={}),
    "moments of another shape": junk("state", "optimiser", "state", 0, "exp_avg", value=torch.ones(3)),
    "no moments": junk("state", "optimiser", "state", 0, value={}),
    "a schedule of text": junk("state", "schedule", "last_epoch", value="5"),
    "another step": junk("state", "schedule", "last_epoch", value=9),
    "a key more in the schedule": junk("state", "schedule", "get_last_lr", value=1),
    "a step of text": junk("state", "progress", "step", value="2"),
    "a step below 0": junk("state", "progress", "step", value=-2),
    "no total": junk("state", "progress", "total", value=...),
    "a total of several": junk("state", "progress", "total", value=torch.zeros(2)),
    "a history of text": junk("state", "progress", "history", value=["epoch"]),
    "a history without numbers": junk("state", "progress", "history", 0, "validation_mse", value=math.nan),
    "a long history": junk("state", "progress", "history", value=[{"epoch": 1}] * 50),
    "another best epoch": junk("state", "progress", "best_epoch", value=7),
    "no best weights": junk("state", "progress", "best_weights", value={}),
    "no random numbers": junk("state", "random", value=None),
    "other random numbers": junk("state", "random", value=torch.zeros(8, dtype=torch.uint8)),
    "a key more": junk("state", "more", value=1),
}  # fmt: skip


@pytest.mark.parametrize("change", WRONG_CONTENTS.values(), ids=WRONG_CONTENTS)
def test_what_is_no_checkpoint_costs_time_only_whatever_its_seal(
    examples, tmp_path, caplog, monkeypatch, change
):
    monkeypatch.setattr(logger, "propagate", True)
    caplog.set_level("INFO", logger="inverse_shading")
    whole, weights = fit_with(None, examples, max_epochs=3)
    path = tmp_path / "c.pt"
    with pytest.raises(RuntimeError):
        fit_with(Checkpoint(path, {}, 0), examples, Breaking(8, crash), max_epochs=3)
    content = change(torch.load(path, weights_only=True))
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is None:
        path.write_bytes(path.read_bytes()[:-100])
    else:
        torch.save(content, path)
    seal(path)
    counting = Breaking(1000, None)
    result, again = fit_with(Checkpoint(path, {}, 1000), examples, counting, max_epochs=3)
    assert result.history == whole.history and torch.equal(weights, again)
    assert 1000 - counting.left == 15 and "starting anew" in caplog.text


def test_a_checkpoint_that_can_t_be_written_stops_nothing(examples, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(logger, "propagate", True)
    whole, weights = fit_with(None, examples, max_epochs=3)
    (tmp_path / "file").write_text("no folder")
    checkpoint = Checkpoint(tmp_path / "file" / "c.pt", {}, 0)
    result, again = fit_with(checkpoint, examples, max_epochs=3)
    assert result.history == whole.history and torch.equal(weights, again)
    assert "training on without a new checkpoint" in caplog.text and "file/c.pt" in caplog.text
    # What was asked to stop and can't keep its state says so.
    with pytest.raises(InputError, match=r"c\.pt: can't be written"):
        fit_with(checkpoint, examples, Breaking(2, terminate), max_epochs=3)


def test_without_a_checkpoint_a_stop_is_obeyed_too(examples):
    with pytest.raises(Stopped, match="SIGTERM"):
        fit_with(None, examples, Breaking(2, terminate))
