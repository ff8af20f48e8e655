"""ImageNet weights that expect another input than ours: seen by their features, named in a warning."""

import hashlib

import pytest
import torch
from safetensors.torch import save_file

from inverse_shading.network import input_convention
from inverse_shading.network.input_convention import known_picture, warn_of_other_input
from inverse_shading.network.trunks import (
    IMAGENET_STD,
    build_trunk,
    normalise_images,
    trunk_stages,
    trunk_tensors,
)

FIRST = "features.0.weight"


@pytest.fixture
def trunk(monkeypatch):
    """A VGG16 whose features are the known ones."""
    trunk = build_trunk("vgg16")
    generator = torch.Generator().manual_seed(3)
    first = trunk_stages(trunk, "vgg16")[0]
    for tensor in first.parameters():
        tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.1)
    images = normalise_images(torch.from_numpy(known_picture()[None]))
    with torch.inference_mode():
        features = first(images).mean(dim=(0, 2, 3))
    monkeypatch.setattr(input_convention, "KNOWN", tuple(features[:16].tolist()))
    return trunk


def unscaled(weight):
    return weight / (torch.tensor(IMAGENET_STD)[:, None, None] * 255)


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda weight: weight, None),
        (lambda weight: weight.half().float(), None),
        (lambda weight: weight.flip(1), "is BGR in place of RGB"),
        (unscaled, "is RGB values up to 255"),
        (lambda weight: unscaled(weight).flip(1), "is BGR values up to 255"),
        (lambda weight: weight * 2, "no other known input explains them"),
    ],
)
def test_weights_for_another_input_are_told(trunk, change, told, tmp_path, caplog):
    weight = trunk_tensors(trunk)[FIRST]
    weight.copy_(change(weight.clone()))
    path = tmp_path / "vgg16_ImageNet.safetensors"
    path.write_bytes(b"weights")
    warn_of_other_input(trunk, path)
    if told is None:
        assert not caplog.records
    else:
        assert str(path) in caplog.text and told in caplog.text


def test_other_files_are_not_judged(trunk, tmp_path, monkeypatch, caplog):
    """Neither those that don't call themselves ImageNet's, nor torchvision's, by their SHA-256."""
    trunk_tensors(trunk)[FIRST].mul_(2)
    own = tmp_path / "own.safetensors"
    save_file({"a": torch.ones(1)}, own)
    warn_of_other_input(trunk, own)
    theirs = own.rename(tmp_path / "vgg16-imagenet.pth")
    digest = hashlib.sha256(theirs.read_bytes()).hexdigest()
    monkeypatch.setattr(input_convention, "TORCHVISION", digest[:8])
    warn_of_other_input(trunk, theirs)
    assert not caplog.records
