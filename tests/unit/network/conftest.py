"""What the tests of networks share: files of random trunks, which take a second each to make."""

import pytest

from inverse_shading.network.trunk_weights import prepare_trunk


@pytest.fixture(scope="session")
def vgg16(tmp_path_factory):
    """The file of a VGG16 with random weights."""
    path = tmp_path_factory.mktemp("trunk") / "vgg16.safetensors"
    prepare_trunk(path, {"architecture": "vgg16", "weights": "random", "seed": 1})
    return path
