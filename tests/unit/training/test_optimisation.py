"""The optimiser: what the head's and the trunk's weights are stepped with."""

import pytest
from torch import nn

from inverse_shading.training.optimisation import build_optimiser

CONFIG = {"learning_rate": 0.002, "weight_decay": 30.0, "trunk_rate": 0.1, "trunk_decay": 0.01}


def test_a_trunk_has_a_rate_and_a_decay_of_its_own():
    frozen, trunk, head = nn.Linear(2, 2).requires_grad_(False), nn.Linear(2, 2), nn.Linear(2, 2)
    network = nn.Sequential(frozen, trunk, head)
    first, second = build_optimiser(network, list(trunk.parameters()), CONFIG).param_groups
    assert [id(weight) for weight in first["params"]] == [id(w) for w in head.parameters()]
    assert [id(weight) for weight in second["params"]] == [id(w) for w in trunk.parameters()]
    assert (first["lr"], first["weight_decay"]) == (0.002, 30.0)
    assert (second["lr"], second["weight_decay"]) == (pytest.approx(0.0002), 0.01)


def test_a_head_alone_needs_no_trunk_s():
    head = nn.Linear(2, 2)
    config = {key: value for key, value in CONFIG.items() if "trunk" not in key}
    (group,) = build_optimiser(head, [], config).param_groups
    assert (group["lr"], group["weight_decay"]) == (0.002, 30.0)
