"""The losses by hand, and what the outputs are decoded to."""

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
    (values,) = objective.decode(outputs).values()
    assert values.tolist() == [[0.5, pytest.approx(0.75)]]


def bins(probabilities):
    """Outputs of one image with these probabilities, a row a parameter."""
    return torch.tensor(probabilities).log().reshape(1, -1)


def test_bins_loss_by_hand():
    objective = load_objective({"type": "bins", "count": 5}, 2)
    assert objective.outputs == 10
    outputs = bins([[0.1, 0.2, 0.4, 0.2, 0.1], [0.7, 0.1, 0.1, 0.05, 0.05]])
    # True bins 2 and 3; likeliest bins 2 and 0.
    targets = torch.tensor([[0.5, 0.75]])
    expected = (-math.log(0.4) - (1 + 3 / 4) * math.log(0.05)) / 2
    assert objective.loss(outputs, targets).item() == pytest.approx(expected, rel=1e-5)


def test_bins_loss_is_the_mean_over_images():
    objective = load_objective({"type": "bins", "count": 3}, 1)
    outputs = torch.cat([bins([[0.5, 0.3, 0.2]]), bins([[0.1, 0.1, 0.8]])])
    targets = torch.tensor([[0.0], [0.0]])
    expected = (-math.log(0.5) - 2 * math.log(0.1)) / 2
    assert objective.loss(outputs, targets).item() == pytest.approx(expected, rel=1e-5)


def test_no_gradient_flows_through_the_factor():
    objective = load_objective({"type": "bins", "count": 3}, 1)
    outputs = bins([[0.2, 0.3, 0.5]]).requires_grad_()
    objective.loss(outputs, torch.tensor([[0.0]])).backward()
    # Twice (a factor of 1 + 2/2) the gradient of the cross-entropy, which is p - y.
    assert outputs.grad[0].tolist() == pytest.approx([2 * (0.2 - 1), 2 * 0.3, 2 * 0.5], rel=1e-5)


def test_decodings():
    objective = load_objective({"type": "bins", "count": 5}, 2)
    decoded = objective.decode(bins([[0.1, 0.2, 0.4, 0.2, 0.1], [0.5, 0.1, 0.1, 0.1, 0.2]]))
    assert decoded["argmax"].tolist() == [[0.5, 0.0]]
    assert decoded["expected"][0].tolist() == pytest.approx([0.5, 0.025 + 0.05 + 0.075 + 0.2])


def test_the_nearest_bin_of_a_value():
    objective = load_objective({"type": "bins", "count": 1001}, 1)
    values = torch.tensor([0.0, 0.00049, 0.00051, 0.1234, 0.9996, 1.0])
    assert objective.nearest_bin(values).tolist() == [0, 0, 1, 123, 1000, 1000]


def test_every_bin_is_decoded_to_itself():
    objective = load_objective({"type": "bins", "count": 1001}, 1)
    outputs = torch.full((1001, 1001), -100.0).fill_diagonal_(100)
    for values in objective.decode(outputs).values():
        assert objective.nearest_bin(values).flatten().tolist() == list(range(1001))


def test_an_unknown_objective_is_refused():
    with pytest.raises(
        InputError, match=r"found 'huber', expected one of bins, canonical, regression, soft_bins"
    ):
        load_objective({"type": "huber"}, 10)


def test_soft_targets_are_a_normal_distribution_cut_to_the_range():
    objective = load_objective({"type": "soft_bins", "count": 5, "deviation": 0.25}, 1)
    targets = objective.soft_targets(torch.tensor([[0.5], [0.0]]))
    assert targets.shape == (2, 1, 5)
    # Edges at 0, 1/8, 3/8, 5/8, 7/8, 1, in standard deviations about the value.
    normal = NormalDist()
    for value, row in zip((0.5, 0.0), targets[:, 0].tolist(), strict=True):
        at = [normal.cdf((edge - value) / 0.25) for edge in (0, 1 / 8, 3 / 8, 5 / 8, 7 / 8, 1)]
        expected = [(b - a) / (at[-1] - at[0]) for a, b in pairwise(at)]
        assert row == pytest.approx(expected, abs=1e-6)


def test_narrow_soft_targets_are_one_hot_and_give_the_plain_cross_entropy():
    objective = load_objective({"type": "soft_bins", "count": 5, "deviation": 0.001}, 1)
    targets = torch.tensor([[0.5], [0.0], [1.0]])
    assert objective.soft_targets(targets)[:, 0].argmax(dim=1).tolist() == [2, 0, 4]
    outputs = bins([[0.1, 0.2, 0.4, 0.2, 0.1]])
    assert objective.loss(outputs, targets[:1]).item() == pytest.approx(-math.log(0.4), rel=1e-4)


def test_soft_bins_are_decoded_like_bins():
    config = {"count": 5}
    soft = load_objective({"type": "soft_bins", "deviation": 0.1, **config}, 2)
    hard = load_objective({"type": "bins", **config}, 2)
    outputs = torch.randn(3, 10, generator=torch.Generator().manual_seed(0))
    for name, values in hard.decode(outputs).items():
        assert torch.equal(soft.decode(outputs)[name], values)


def canonical_outputs(values):
    """Outputs of a network that knows what the image shows of these values."""
    return torch.logit(canonical_targets(values), eps=1e-7)


def test_a_canonical_network_that_knows_the_products_reaches_the_floor():
    values = torch.from_numpy(np.random.default_rng(0).uniform(size=(500, 10))).float()
    objective = load_objective({"type": "canonical"}, 10)
    outputs = canonical_outputs(values)
    assert outputs.shape == (500, objective.outputs)
    assert objective.loss(outputs, values).item() < 1e-10
    (decoded,) = objective.decode(outputs).values()
    assert decoded.numpy() == pytest.approx(posterior_means(values.double().numpy()), abs=1e-4)


def test_canonical_values_stay_in_range_where_the_base_is_black():
    objective = load_objective({"type": "canonical"}, 10)
    (decoded,) = objective.decode(torch.full((1, objective.outputs), -50.0)).values()
    assert decoded.isfinite().all() and ((decoded >= 0) & (decoded <= 1)).all()


def test_canonical_is_for_the_ten_parameters():
    with pytest.raises(InputError, match="predicts 10 parameters, found 2"):
        load_objective({"type": "canonical"}, 2)
