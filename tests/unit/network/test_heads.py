"""Heads: shapes, sizes, poolings, files."""

import numpy as np
import pytest
import torch
from torch import nn

from inverse_shading.network.heads import build_head, load_head, parameter_count
from inverse_shading.network.measured_layers import GridPool
from inverse_shading.runtime.artefacts import write_tensors
from inverse_shading.runtime.errors import InputError

DENSE = {"type": "dense", "grid": 0}
CONV = {"type": "conv", "channels": 8, "spatial_dropout": 0.1, "grid": 0}
MLP = {"type": "mlp", "hidden_sizes": [16, 12], "dropout": 0.5}


@pytest.mark.parametrize(
    "config, outputs, count",
    [
        (DENSE, 10, 6 * 7 * 7 * 10 + 10),
        (DENSE | {"grid": 2}, 50, 6 * 2 * 2 * 50 + 50),
        (CONV, 10, (6 * 9 * 8 + 8) + (8 * 7 * 7 * 10 + 10)),
        (CONV | {"grid": 3}, 50, (6 * 9 * 8 + 8) + (8 * 3 * 3 * 50 + 50)),
        (MLP, 10, (6 * 16 + 16) + (16 * 12 + 12) + 2 * 12 + (12 * 10 + 10)),
    ],
)
def test_outputs_and_number_of_weights(config, outputs, count):
    head = build_head(config, (6, 7, 7), outputs)
    features = torch.rand(3, 6, 7, 7)
    assert head(features).shape == (3, outputs)
    assert parameter_count(head) == count
    pooled = features if head.pooling is None else head.pooling(features)
    assert pooled.shape == (3, *head.kept_shape)
    head.eval()
    torch.testing.assert_close(head.trained(pooled), head(features))


PERCEPTRON = {
    "type": "perceptron",
    "components": 3,
    "whitening": 0.5,
    "hidden_sizes": [16],
    "blocks": [4, 6],
}


def spread(features, whitening, blocks=(4, 6), count=3):
    """Standard deviations of the components of these features."""
    config = PERCEPTRON | {"whitening": whitening, "blocks": blocks, "components": count}
    head = build_head(config, (sum(blocks), 1, 1), 10)
    head.components.fit(features, seed=0)
    return head.components(torch.from_numpy(features)).std(dim=0)


def features_of_rank(rank, values=10, count=200):
    generator = np.random.default_rng(0)
    scales = 10.0 ** -np.arange(rank)
    mixture = np.linalg.qr(generator.normal(size=(values, rank)))[0]
    return (generator.normal(size=(count, rank)) * scales @ mixture.T + 5).astype(np.float32)


def test_whitening_brings_components_together():
    features = features_of_rank(3)
    plain, half, whole = (spread(features, w, blocks=(10,)) for w in (0.0, 0.5, 1.0))
    ratios = plain[1:] / plain[:-1]
    assert ratios.tolist() == pytest.approx([0.1, 0.1], rel=0.2)
    assert half[1:].tolist() == pytest.approx((half[:-1] * ratios.sqrt()).tolist(), rel=1e-3)
    assert whole.tolist() == pytest.approx([1, 1, 1], rel=1e-2)
    # All of one size together, whatever the whitening: the learning rate needn't know.
    for deviations in (plain, half, whole):
        assert deviations.square().mean().item() == pytest.approx(1, rel=1e-2)


def test_components_without_variance_are_nothing():
    deviations = spread(features_of_rank(2), 1.0, blocks=(10,), count=4)
    assert deviations[:2].tolist() == pytest.approx([2**0.5] * 2, rel=1e-2)
    assert deviations[2:].max() < 1e-3


def test_blocks_of_another_scale_count_the_same():
    features = features_of_rank(5)
    scaled = features.copy()
    scaled[:, 4:] *= 1000
    torch.testing.assert_close(spread(features, 0.5), spread(scaled, 0.5), rtol=1e-3, atol=1e-4)


def test_too_many_components_are_refused():
    head = build_head(PERCEPTRON, (10, 1, 1), 10)
    with pytest.raises(InputError, match=r"head.components: found 3, expected at most 2"):
        head.components.fit(np.zeros((2, 10), np.float32), seed=0)


def test_a_perceptron_takes_whole_features_or_its_components():
    torch.manual_seed(0)
    head = build_head(PERCEPTRON, (10, 1, 1), 5)
    features = features_of_rank(3)
    head.components.fit(features, seed=0)
    maps = torch.from_numpy(features)[:, :, None, None]
    assert head(maps).shape == (200, 5) and head.kept_shape == (3,)
    torch.testing.assert_close(head.trained(head.prepare(maps)), head(maps))
    assert parameter_count(head) == (3 * 16 + 16) + (16 * 5 + 5)


def test_a_perceptron_without_components_takes_standardised_features():
    config = PERCEPTRON | {"components": 0, "whitening": 0.0}
    head = build_head(config, (10, 1, 1), 5)
    kinds = [type(layer).__name__ for layer in head.trained]
    assert kinds == ["Standardise", "Flatten", "Linear", "GELU", "Linear"]
    assert head.components is None and head.kept_shape == (10, 1, 1)
    assert head(torch.rand(3, 10, 1, 1)).shape == (3, 5)
    assert parameter_count(head) == (10 * 16 + 16) + (16 * 5 + 5)


@pytest.mark.parametrize(
    "config, kinds",
    [
        (DENSE, "Flatten Linear"),
        (CONV, "Conv2d ReLU Dropout2d Flatten Linear"),
        (MLP, "Flatten Linear ReLU Dropout Linear ReLU Dropout BatchNorm1d Linear"),
    ],
)
def test_layers_are_the_posters(config, kinds):
    trained = build_head(config, (6, 7, 7), 10).trained
    assert [type(layer).__name__ for layer in trained] == ["Standardise", *kinds.split()]


@pytest.mark.parametrize("height, width, grid", [(14, 14, 2), (7, 7, 2), (7, 5, 3), (4, 4, 4)])
def test_grid_pool_averages_like_pytorch(height, width, grid):
    features = torch.rand(2, 3, height, width)
    expected = nn.functional.adaptive_avg_pool2d(features, grid)
    torch.testing.assert_close(GridPool(height, width, grid)(features), expected)


def test_features_are_standardised_by_numbers_that_are_not_trained():
    head = build_head(DENSE, (6, 2, 2), 10).eval()
    features, mean = torch.rand(3, 6, 2, 2), torch.rand(6, 2, 2)
    expected = head(2 * (features - mean))
    head.standardise.mean.copy_(mean)
    head.standardise.factor.fill_(2)
    torch.testing.assert_close(head(features), expected)
    assert {"trained.standardise.mean", "trained.standardise.factor"} < set(head.state_dict())
    assert not any("standardise" in name for name, _ in head.named_parameters())


@pytest.mark.parametrize(
    "config, message",
    [
        (DENSE | {"grid": 8}, r"head\.grid: found 8, expected at most 7"),
        (CONV | {"grid": 8}, r"head\.grid: found 8, expected at most 7"),
        (
            {"type": "deep"},
            r"head\.type: found 'deep', expected one of dense, conv, mlp, perceptron",
        ),
    ],
)
def test_heads_that_cannot_be_built_are_refused(config, message):
    with pytest.raises(InputError, match=message):
        build_head(config, (6, 7, 7), 10)


@pytest.fixture
def write(tmp_path):
    """A call that writes a head's weights into a file that describes a head."""

    def write(head, config, /, **changes):
        path = tmp_path / "weights.safetensors"
        description = {
            "architecture": "vgg16",
            "feature_shape": [6, 7, 7],
            "head": config,
            "objective": {"type": "regression"},
            "outputs": 10,
        } | changes
        write_tensors(path, head.state_dict(), description)
        return path, description

    return write


def test_a_head_comes_back_from_its_file(write):
    head = build_head(MLP, (6, 7, 7), 10).eval()
    path, description = write(head, MLP)
    loaded, found = load_head(path)
    features = torch.rand(3, 6, 7, 7)
    assert found == description
    assert torch.equal(loaded(features), head(features))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"outputs": 10**12}, r"size mismatch"),
        ({"outputs": 0}, r"outputs: found 0 \(an integer\), allowed is an integer from 1"),
        ({"outputs": "ten"}, r"outputs: found 'ten'"),
        ({"feature_shape": [6, 10**6, 10**6]}, r"size mismatch"),
        ({"feature_shape": [6, 7]}, r"feature_shape: found \[6, 7\]"),
        ({"feature_shape": None}, r"feature_shape: found None"),
        ({"head": DENSE | {"grid": -1}}, r"head.grid: found -1"),
        ({"head": {"type": "mlp", "hidden_sizes": [65536] * 16, "dropout": 0}}, r"Missing key"),
        ({"head": []}, r"head: found \[\]"),
        ({"objective": {"type": "os"}}, r"objective.type: found 'os'"),
        ({"architecture": "../vgg16"}, r"architecture: found '../vgg16'"),
    ],
)
def test_a_description_that_its_weights_are_not_of_is_refused(write, changes, message):
    path, _ = write(build_head(DENSE, (6, 7, 7), 10), DENSE, **changes)
    with pytest.raises(
        InputError, match=rf"(?s)weights\.safetensors: found no weights of a head.*{message}"
    ):
        load_head(path)


def test_a_file_of_another_head_is_refused(write):
    path, _ = write(build_head(DENSE, (6, 7, 7), 10), CONV)
    with pytest.raises(InputError, match=r"weights\.safetensors: found no weights of a head"):
        load_head(path)
