"""Trunk weights: from a download, a file or a seed, and everything that can be wrong with them."""

import urllib.error

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file

from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.dataset.splits import write_split
from inverse_shading.network import trunks
from inverse_shading.network.architectures import STAGE_CHANNELS, WITH_BATCH_NORMS
from inverse_shading.network.trunk_weights import prepare_trunk
from inverse_shading.network.trunks import build_trunk, load_trunk, normalise_images, trunk_tensors
from inverse_shading.runtime.artefacts import read_description, read_tensors, write_array
from inverse_shading.runtime.errors import InputError
from tests.support.synthetic import FRACTIONS

SHARD = ImageRange(0, 19)


def config(weights, architecture="resnet50", seed=1):
    weights = str(weights)
    return {"architecture": architecture, "weights": weights, "seed": seed, "batch_size": 8}


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    """Images and split of a shard: 20 images of noise and colours, 13 to train on."""
    folder = tmp_path_factory.mktemp("shard")
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (20, 32, 32, 3)) * generator.uniform(size=(20, 1, 1, 3))
    paths = {"images": folder / f"images/{SHARD}.npy", "split": folder / f"splits/{SHARD}.csv"}
    write_array(paths["images"], images.astype(np.uint8))
    write_split(paths["split"], SHARD, FRACTIONS, 1)
    return paths


def state_dict(architecture="resnet50"):
    """A whole state dict with torchvision's names, dense layers cut to a stub."""
    generator = torch.Generator().manual_seed(5)
    tensors = {
        name: torch.rand(tensor.shape, generator=generator) * 0.02
        for name, tensor in trunk_tensors(build_trunk(architecture)).items()
    }
    dense = "fc" if architecture == "resnet50" else "classifier.0"
    return tensors | {f"{dense}.weight": torch.rand(1, 2), f"{dense}.bias": torch.rand(1)}


@pytest.fixture(scope="module")
def tensors():
    return state_dict()


@pytest.fixture(scope="module")
def random(shard, tmp_path_factory):
    """The file of a ResNet50 with random weights."""
    path = tmp_path_factory.mktemp("random") / "resnet50"
    prepare_trunk(path, config("random"), **shard)
    return path


def features_of(path, shard):
    images = torch.from_numpy(np.load(shard["images"]))
    with torch.inference_mode():
        return load_trunk(path)(normalise_images(images))


@pytest.mark.parametrize(
    "architecture, factory, ending",
    [("vgg16", torchvision.models.vgg16, 31), ("resnet50", torchvision.models.resnet50, None)],
)
def test_trunks_are_torchvisions(architecture, factory, ending, tensors):
    """The trunk gives what the whole network computes before its pool."""
    own = tensors if architecture == "resnet50" else state_dict("vgg16")
    trunk = build_trunk(architecture)
    trunks.fill_trunk(trunk, own, "memory")
    with torch.device("meta"):
        whole = factory()
    names = {name for name in whole.state_dict() if not name.startswith(("classifier", "fc"))}
    assert names == set(trunk.state_dict())
    images = torch.rand(2, 3, 64, 64)
    found = trunk(images)
    if architecture == "vgg16":
        assert len(whole.features) == ending
        assert type(whole.features[-1]).__name__ == "MaxPool2d"
        assert found.shape == (2, 512, 4, 4)
        assert (found >= 0).all()
    else:
        whole.to_empty(device="cpu").eval()
        whole.load_state_dict(trunk_tensors(trunk), strict=False)
        for layer in whole.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.num_batches_tracked.zero_()
        seen = []
        whole.avgpool.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        whole(images)
        assert found.shape == (2, 2048, 2, 2)
        torch.testing.assert_close(found, seen[0])


def test_normalisation_is_torchvisions():
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    found = normalise_images(torch.from_numpy(images))
    transform = torchvision.models.VGG16_Weights.IMAGENET1K_V1.transforms(
        crop_size=8, resize_size=8
    )
    expected = torch.stack(
        [transform(torch.from_numpy(image).permute(2, 0, 1)) for image in images]
    )
    torch.testing.assert_close(found, expected)
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_a_download_is_used_as_it_is(tmp_path, monkeypatch, tensors):
    asked = []

    def download(url, **options):
        asked.append((url, options["check_hash"]))
        return tensors

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", download)
    prepare_trunk(tmp_path / "t.safetensors", config("imagenet"))
    (call,) = asked
    assert call == ("https://download.pytorch.org/models/resnet50-0676ba61.pth", True)
    description = read_description(tmp_path / "t.safetensors")
    assert description == {
        "architecture": "resnet50",
        "origin": "imagenet (torchvision IMAGENET1K_V1)",
    }
    found = read_tensors(tmp_path / "t.safetensors")
    assert "fc.weight" not in found
    assert all(torch.equal(found[name], tensors[name]) for name in found)


@pytest.mark.parametrize(
    "failure",
    [
        urllib.error.URLError("no route to host"),
        TimeoutError("timed out"),
        RuntimeError("invalid hash value"),
    ],
)
def test_a_failed_download_says_what_to_do(tmp_path, monkeypatch, failure):
    def download(url, **options):
        raise failure

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", download)
    expected = r"resnet50-0676ba61\.pth: .*can't be downloaded.*trunks\.<name>\.weights.*`random`"
    with pytest.raises(InputError, match=expected):
        prepare_trunk(tmp_path / "t.safetensors", config("imagenet"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["pth", "safetensors"])
def test_weights_of_a_file(tmp_path, tensors, kind):
    source = tmp_path / f"own.{kind}"
    halves = {name: tensor.half() for name, tensor in tensors.items()}
    counters = {"bn1.num_batches_tracked": torch.tensor(5)}
    (torch.save if kind == "pth" else save_file)(halves | counters, source)
    prepare_trunk(tmp_path / "t.safetensors", config(source))
    found = read_tensors(tmp_path / "t.safetensors")
    assert found["conv1.weight"].dtype == torch.float32
    assert torch.equal(found["conv1.weight"], halves["conv1.weight"].float())
    origin = read_description(tmp_path / "t.safetensors")["origin"]
    assert origin.startswith(f"file own.{kind} (sha256 ") and len(origin.split()[-1]) == 14


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda t: t.pop("conv1.weight"), r"1 missing \(conv1\.weight\)"),
        (lambda t: t.update(extra=torch.ones(1)), r"1 unexpected \(extra\)"),
        (
            lambda t: t.update({"bn1.bias": torch.ones(3)}),
            r"1 of another shape \(bn1\.bias \(3,\) instead of \(64,\)\)",
        ),
        (lambda t: t["bn1.bias"].fill_(torch.nan), r"1 not finite \(bn1\.bias\)"),
        (lambda t: [t.pop(name) for name in list(t)[:9]], r"9 missing \(conv1\.weight, .*, …\)"),
    ],
)
def test_weights_of_another_network_are_refused(tmp_path, tensors, change, message):
    source = tmp_path / "own.safetensors"
    wrong = {name: tensor.clone() for name, tensor in tensors.items()}
    change(wrong)
    save_file(wrong, source)
    with pytest.raises(InputError, match=rf"own\.safetensors: .*{message}"):
        prepare_trunk(tmp_path / "t.safetensors", config(source))
    assert not (tmp_path / "t.safetensors").exists()


@pytest.mark.parametrize("kind", ["pth", "safetensors"])
@pytest.mark.parametrize("content", [None, b"", b"this is no file of weights"])
def test_missing_and_damaged_files_are_refused(tmp_path, kind, content):
    source = tmp_path / f"own.{kind}"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(InputError, match=rf"own\.{kind}: (there is no such|can't be read)"):
        prepare_trunk(tmp_path / "t.safetensors", config(source))


def test_a_file_that_is_no_state_dict_is_refused(tmp_path):
    torch.save([torch.ones(1)], tmp_path / "own.pth")
    with pytest.raises(InputError, match=r"own\.pth: found list, expected a state dict"):
        prepare_trunk(tmp_path / "t.safetensors", config(tmp_path / "own.pth"))


def test_random_weights_follow_the_seed(tmp_path, shard, random):
    for seed in (1, 2):
        prepare_trunk(tmp_path / "again", config("random", seed=seed), **shard)
        assert ((tmp_path / "again").read_bytes() == random.read_bytes()) is (seed == 1)
    assert (
        read_description(random)["origin"]
        == "random (seed 1, batch statistics calibrated on 13 training images)"
    )


@pytest.mark.parametrize("architecture", ["vgg16", "resnet50"])
def test_random_features_are_of_sane_size(shard, random, vgg16, architecture):
    path = vgg16 if architecture == "vgg16" else random
    features = features_of(path, shard)
    assert features.isfinite().all() and features.max() < 1000
    # Different images have different features, and none of them vanish.
    assert 0.05 < features.square().mean().sqrt() < 50
    assert features.mean(dim=(2, 3)).std(dim=0).mean() > 0.01
    if architecture == "vgg16":
        assert read_description(path)["origin"] == "random (seed 1)"


def test_only_training_images_calibrate(tmp_path, shard, random):
    names = np.array([line.split(",")[1] for line in shard["split"].read_text().split()[1:]])
    images = np.load(shard["images"])
    for split, same in (("test", True), ("train", False)):
        changed = images.copy()
        changed[np.flatnonzero(names == split)[0]] = 255
        path = tmp_path / split / shard["images"].name
        write_array(path, changed)
        prepare_trunk(tmp_path / "after", config("random"), images=path, split=shard["split"])
        assert (random.read_bytes() == (tmp_path / "after").read_bytes()) is same


def test_random_batch_norms_need_images(tmp_path):
    with pytest.raises(InputError, match=r"need the images and the split of the first shard"):
        prepare_trunk(tmp_path / "t", config("random"))


@pytest.mark.parametrize("architecture", STAGE_CHANNELS)
def test_what_has_batch_norms_is_told_without_building_it(architecture):
    layers = build_trunk(architecture).modules()
    has_norms = any(isinstance(layer, torch.nn.BatchNorm2d) for layer in layers)
    assert has_norms == (architecture in WITH_BATCH_NORMS)


def test_an_unknown_architecture_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"architecture: found 'vgg19'"):
        prepare_trunk(tmp_path / "t", config("random", "vgg19"))
