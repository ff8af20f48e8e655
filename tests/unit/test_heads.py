"""Heads: shapes, sizes, poolings, files."""

import pytest
import torch
from torch import nn

from inverse_shading.errors import InputError
from inverse_shading.heads import GridPool, build_head, load_head, parameter_count
from inverse_shading.tensor_files import write_tensors

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


def kinds(head):
    return [type(layer).__name__ for layer in head.trained][1:]


def test_layers_are_the_posters():
    assert kinds(build_head(DENSE, (6, 7, 7), 10)) == ["Flatten", "Linear"]
    assert kinds(build_head(CONV, (6, 7, 7), 10)) == [
        "Conv2d",
        "ReLU",
        "Dropout2d",
        "Flatten",
        "Linear",
    ]
    block = ["Linear", "ReLU", "Dropout"]
    assert kinds(build_head(MLP, (6, 7, 7), 10)) == [
        "Flatten",
        *block,
        *block,
        "BatchNorm1d",
        "Linear",
    ]


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


def test_a_grid_finer_than_the_map_is_refused():
    with pytest.raises(InputError, match=r"head\.grid: found 8, expected at most 7"):
        build_head(DENSE | {"grid": 8}, (6, 7, 7), 10)


def test_an_unknown_head_is_refused():
    with pytest.raises(InputError, match=r"head\.type: found 'deep'"):
        build_head({"type": "deep"}, (6, 7, 7), 10)


def test_a_head_comes_back_from_its_file(tmp_path):
    path = tmp_path / "weights.safetensors"
    head = build_head(MLP, (6, 7, 7), 10).eval()
    description = {"head": MLP, "feature_shape": [6, 7, 7], "outputs": 10}
    write_tensors(path, head.state_dict(), description)
    loaded, found = load_head(path)
    features = torch.rand(3, 6, 7, 7)
    assert found == description
    assert torch.equal(loaded(features), head(features))


def test_a_file_of_another_head_is_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    head = build_head(DENSE, (6, 7, 7), 10)
    write_tensors(
        path, head.state_dict(), {"head": CONV, "feature_shape": [6, 7, 7], "outputs": 10}
    )
    with pytest.raises(InputError, match=r"weights\.safetensors: found no weights of a head"):
        load_head(path)
