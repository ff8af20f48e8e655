"""The losses by hand, and what the outputs are decoded to."""

import itertools
import math
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
import torch

from inverse_shading.material.floor import posterior_means
from inverse_shading.network.objectives.canonical import canonical_targets
from inverse_shading.network.objectives.objective import load_objective
from inverse_shading.runtime.errors import InputError


def test_regression_is_the_squared_error_of_the_sigmoid():
    objective = load_objective({"type": "regression"}, 2)
    assert objective.outputs == 2
    outputs = torch.tensor([[0.0, math.log(3)]])
    targets = torch.tensor([[0.25, 1.0]])
    # The sigmoids are 0.5 and 0.75.
    assert objective.loss(outputs, targets).item() == pytest.approx((0.25**2 + 0.25**2) / 2)
    values = objective.decode(outputs)
    assert values.tolist() == [[0.5, pytest.approx(0.75)]]


def test_quantiles_stand_beside_the_canonical_outputs():
    objective = load_objective({"type": "canonical_quantiles", "level": 0.8, "weight": 0.5}, 10)
    canonical = load_objective({"type": "canonical"}, 10)
    assert objective.outputs == canonical.outputs + 20
    outputs = torch.randn(5, objective.outputs)
    regressed = outputs[:, : canonical.outputs]
    assert torch.equal(objective.decode(outputs), canonical.decode(regressed))
    low, high = objective.intervals(outputs).unbind(dim=1)
    assert ((low <= high) & (low >= 0) & (high <= 1)).all()
    # Truths below both ends cost a tenth and nine tenths of the distance, as the tails have it.
    outputs[:, canonical.outputs :] = 30.0
    pinball = objective.loss(outputs, torch.zeros(5, 10)) - canonical.loss(
        regressed, torch.zeros(5, 10)
    )
    assert pinball.item() == pytest.approx(0.5 * (0.9 + 0.1) / 2)


def test_the_pinball_loss_is_least_at_the_quantiles():
    objective = load_objective({"type": "canonical_quantiles", "level": 0.8, "weight": 0.5}, 10)
    truths = torch.linspace(0, 1, 201)[:, None].expand(-1, 10)

    def loss(low, high):
        ends = torch.logit(torch.tensor([low] * 10 + [high] * 10)).expand(201, -1)
        canonical = torch.zeros(201, objective.outputs - 20)
        return objective.loss(torch.cat([canonical, ends], dim=1), truths).item()

    assert loss(0.1, 0.9) < min(loss(0.05, 0.9), loss(0.15, 0.9), loss(0.1, 0.85), loss(0.1, 0.95))


def load_bins(count, parameters, decoding="argmax"):
    return load_objective({"type": "bins", "count": count, "decoding": decoding}, parameters)


def bins(probabilities):
    """Outputs of one image with these probabilities, a row a parameter."""
    return torch.tensor(probabilities).log().reshape(1, -1)


def test_bins_loss_by_hand():
    objective = load_bins(5, 2)
    assert objective.outputs == 10
    outputs = bins([[0.1, 0.2, 0.4, 0.2, 0.1], [0.7, 0.1, 0.1, 0.05, 0.05]])
    # True bins 2 and 3; likeliest bins 2 and 0.
    targets = torch.tensor([[0.5, 0.75]])
    expected = (-math.log(0.4) - (1 + 3 / 4) * math.log(0.05)) / 2
    assert objective.loss(outputs, targets).item() == pytest.approx(expected, rel=1e-5)


def test_bins_loss_is_the_mean_over_images():
    objective = load_bins(3, 1)
    outputs = torch.cat([bins([[0.5, 0.3, 0.2]]), bins([[0.1, 0.1, 0.8]])])
    targets = torch.tensor([[0.0], [0.0]])
    expected = (-math.log(0.5) - 2 * math.log(0.1)) / 2
    assert objective.loss(outputs, targets).item() == pytest.approx(expected, rel=1e-5)


def test_no_gradient_flows_through_the_factor():
    objective = load_bins(3, 1)
    outputs = bins([[0.2, 0.3, 0.5]]).requires_grad_()
    objective.loss(outputs, torch.tensor([[0.0]])).backward()
    # Twice (a factor of 1 + 2/2) the gradient of the cross-entropy, which is p - y.
    assert outputs.grad[0].tolist() == pytest.approx([2 * (0.2 - 1), 2 * 0.3, 2 * 0.5], rel=1e-5)


@pytest.mark.parametrize(
    ("decoding", "values"),
    [("argmax", [0.5, 0.0]), ("expected", [0.5, 0.025 + 0.05 + 0.075 + 0.2])],
)
def test_decodings(decoding, values):
    objective = load_bins(5, 2, decoding)
    decoded = objective.decode(bins([[0.1, 0.2, 0.4, 0.2, 0.1], [0.5, 0.1, 0.1, 0.1, 0.2]]))
    assert decoded[0].tolist() == pytest.approx(values)


def test_an_unknown_decoding_is_refused():
    with pytest.raises(
        InputError, match=r"objective\.decoding: found 'median', expected one of argmax, expected"
    ):
        load_bins(5, 1, "median")


def test_the_nearest_bin_of_a_value():
    objective = load_bins(1001, 1)
    values = torch.tensor([0.0, 0.00049, 0.00051, 0.1234, 0.9996, 1.0])
    assert objective.nearest_bin(values).tolist() == [0, 0, 1, 123, 1000, 1000]


@pytest.mark.parametrize("decoding", ["argmax", "expected"])
def test_every_bin_is_decoded_to_itself(decoding):
    objective = load_bins(1001, 1, decoding)
    outputs = torch.full((1001, 1001), -100.0).fill_diagonal_(100)
    decoded = objective.nearest_bin(objective.decode(outputs))
    assert decoded.flatten().tolist() == list(range(1001))


def test_an_unknown_objective_is_refused():
    with pytest.raises(
        InputError,
        match=r"found 'huber', expected one of bins, canonical, canonical_quantiles, plain_bins,",
    ):
        load_objective({"type": "huber"}, 10)


def test_plain_bins_have_no_factor_and_are_decoded_like_bins():
    outputs = bins([[0.1, 0.2, 0.4, 0.2, 0.1], [0.7, 0.1, 0.1, 0.05, 0.05]])
    # True bins 2 and 3: one is the likeliest, the other far from it.
    targets = torch.tensor([[0.5, 0.75]])
    for decoding in ("argmax", "expected"):
        plain = load_objective({"type": "plain_bins", "count": 5, "decoding": decoding}, 2)
        expected = (-math.log(0.4) - math.log(0.05)) / 2
        assert plain.loss(outputs, targets).item() == pytest.approx(expected, rel=1e-5)
        assert plain.outputs == 10
        assert torch.equal(plain.decode(outputs), load_bins(5, 2, decoding).decode(outputs))


def load_soft_bins(count, deviation, decoding="expected"):
    config = {"type": "soft_bins", "count": count, "deviation": deviation, "decoding": decoding}
    return load_objective(config, 1)


def test_soft_targets_are_a_normal_distribution_where_it_is_not_cut():
    targets = load_soft_bins(9, 0.1).soft_targets(torch.tensor([[0.5]]))
    assert targets.shape == (1, 1, 9)
    normal = NormalDist(0.5, 0.1)
    edges = [-1, *((2 * edge + 1) / 16 for edge in range(8)), 2]
    expected = [normal.cdf(b) - normal.cdf(a) for a, b in pairwise(edges)]
    assert targets[0, 0].tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("count", "deviation"),
    [(1001, 0.03), *itertools.product([2, 3, 10, 101], [0.0001, 0.01, 0.03, 0.3, 1.0])],
)
def test_the_mean_of_soft_targets_is_the_true_value(count, deviation):
    """Cut to [0, 1] alone, it would be 0.8 deviations off at the ends."""
    values = torch.cat([torch.linspace(0, 1, 777), torch.tensor([1e-6, 1 - 1e-6])])
    targets = load_soft_bins(count, deviation).soft_targets(values).double()
    assert (targets >= 0).all()
    assert (targets.sum(dim=-1) - 1).abs().max() < 1e-6
    means = targets @ torch.linspace(0, 1, count).double()
    assert (means - values).abs().max() < 1e-6


def test_soft_targets_are_as_wide_as_there_is_room():
    values = torch.tensor([0.0, 0.01, 0.1, 0.5, 0.9, 0.99, 1.0])
    targets = load_soft_bins(1001, 0.03).soft_targets(values).double()
    offsets = torch.linspace(0, 1, 1001).double() - values[:, None]
    deviations = (targets * offsets**2).sum(dim=-1).sqrt().tolist()
    assert deviations[2:5] == pytest.approx([0.03] * 3, rel=0.02)
    assert deviations[::6] == pytest.approx([0, 0], abs=1e-6)
    assert 0.005 < deviations[1] < 0.01 and deviations[1] == pytest.approx(deviations[5], rel=1e-3)
    # They fall from the end on, whose bin is half as wide: there is no spike.
    assert targets[1, 1:].diff().max() < 1e-9 and targets[1, 0] < targets[1, 1]


def test_narrow_soft_targets_are_one_hot_and_give_the_plain_cross_entropy():
    objective = load_soft_bins(5, 0.001)
    targets = torch.tensor([[0.5], [0.0], [1.0]])
    assert objective.soft_targets(targets)[:, 0].argmax(dim=1).tolist() == [2, 0, 4]
    outputs = bins([[0.1, 0.2, 0.4, 0.2, 0.1]])
    assert objective.loss(outputs, targets[:1]).item() == pytest.approx(-math.log(0.4), rel=1e-4)


def test_soft_bins_are_decoded_like_bins():
    outputs = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    for decoding in ("argmax", "expected"):
        hard, soft = load_bins(5, 1, decoding), load_soft_bins(5, 0.1, decoding)
        assert torch.equal(soft.decode(outputs), hard.decode(outputs))


def canonical_outputs(values):
    """Outputs of a network that knows what the image shows of these values."""
    return torch.logit(canonical_targets(values), eps=1e-7)


def test_a_canonical_network_that_knows_the_products_reaches_the_floor():
    values = torch.from_numpy(np.random.default_rng(0).uniform(size=(500, 10))).float()
    objective = load_objective({"type": "canonical"}, 10)
    outputs = canonical_outputs(values)
    assert outputs.shape == (500, objective.outputs)
    assert objective.loss(outputs, values).item() < 1e-10
    decoded = objective.decode(outputs)
    assert decoded.numpy() == pytest.approx(posterior_means(values.double().numpy()), abs=1e-4)


def test_canonical_values_stay_in_range_where_the_base_is_black():
    objective = load_objective({"type": "canonical"}, 10)
    decoded = objective.decode(torch.full((1, objective.outputs), -50.0))
    assert decoded.isfinite().all() and ((decoded >= 0) & (decoded <= 1)).all()


def test_canonical_is_for_the_ten_parameters():
    with pytest.raises(InputError, match="predicts 10 parameters, found 2"):
        load_objective({"type": "canonical"}, 2)
