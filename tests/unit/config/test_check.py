import copy
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from inverse_shading.config.check import check_config
from inverse_shading.config.models import model_definition, model_names
from inverse_shading.evaluation.predictor_names import BASELINES, REFINED
from inverse_shading.pictures.settings import Placement
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.shipped import shipped_values

PLACEMENT = shipped_values(Placement)


def put(config, key, value):
    *path, last = key.split(".")
    for name in path:
        config = config[name]
    config[last] = value


def test_the_shipped_config_is_right(config):
    check_config(config)


@pytest.mark.parametrize(
    "key, value, message",
    [
        ("n_imges", 5, r"n_imges: found an unknown key, allowed are .*n_images"),
        ("render.frame_sze", 5, r"render.frame_sze: found an unknown key, allowed are .*frame_size"),
        ("models.vgg16_v1.head.chanels", 5, r"models.vgg16_v1.head.chanels: found an unknown key, allowed are grid, type"),
        ("models.vgg16_v1.training", {"lr": 1}, r"models.vgg16_v1.training.lr: found an unknown key, allowed are .*learning_rate"),
        ("n_images", "many", r"n_images: found 'many' \(text\), allowed is an integer from 20"),
        ("n_images", 10.5, r"n_images: found 10.5 \(a number\), allowed is an integer"),
        ("n_images", 0, r"n_images: found 0 .*allowed is an integer from 20"),
        ("n_images", 10100, r"n_images: found 10100, allowed is a multiple of shard_size \(500\)"),
        ("training.learning_rate", "1e-4", r"training.learning_rate: found '1e-4' .*write 1.0e-4 or 0.0001.*allowed is a number above 0 to 1"),
        ("training.schedule", "cosin", r"training.schedule: found 'cosin' .*one of one_cycle, cosine, constant"),
        ("split.test", 0.3, r"split: train \+ validation \+ test is 1.1; the three shares must add up to 1"),
        ("seeds", [], r"seeds: found \[\] \(a list\), allowed is a list of at least 1"),
        ("seeds", [1, 2, 1], r"seeds: found \[1, 2, 1\] .*no two alike"),
        ("seeds", [1, -2], r"seeds.1: found -2 .*from 0 to 4294967295"),
        ("seeds", 3, r"seeds: found 3 \(an integer\), allowed is a list"),
        ("models.ridge", {"trunk": "vgg16", "head": {"type": "dense", "grid": 0}, "objective": {"type": "regression"}}, r"models.ridge: found a name under baselines, allowed is another"),
        ("render.environment_samples", 1.5, r"render.environment_samples: found 1.5 \(a number\), allowed is an integer from 1"),
        ("threads", True, r"threads: found True \(true/false\), allowed is an integer from 1"),
        ("framing.margin", float("nan"), r"framing.margin: found nan \(a number, but not a finite one\), allowed is a number from 0 to 1"),
        ("refinement.step", float("inf"), r"refinement.step: found inf .*not a finite one"),
        ("threads", float("inf"), r"threads: found inf .*not a finite one"),
        ("baselines.ridge.penalties", [1, float("nan")], r"baselines.ridge.penalties.1: found nan .*above 0"),
        ("studies.bins.models.vgg16_bins_v1_11.head", {"type": [1]}, r"vgg16_bins_v1_11.head.type: found \[1\] \(a list\), allowed is one of dense"),
        ("models.vgg16_v1.head", {"grid": 0}, r"models.vgg16_v1.head.type: found nothing, allowed is one of dense"),
        ("models.vgg16_v1", {"trunk": "vgg16"}, r"models.vgg16_v1.head: found nothing, allowed is a section \(The trained part"),
        ("shard_size", 50, r"split.train: 0.65 of shard_size 50 is 32.5 images"),
        ("stage.mesh", "no/such.glb", r"stage.mesh: found 'no/such.glb', .*no such file"),
        ("stage.mesh", "mesh.fbx", r"stage.mesh: found 'mesh.fbx'"),
        ("stage.environment", "no/such.hdr", r"stage.environment: found 'no/such.hdr', .*no such file"),
        ("appearance.novel.environment", "no.hdr", r"appearance.novel.environment: found 'no.hdr', allowed is builtin or daylight or the path"),
        ("stage.background", [0.5, 2, 0], r"stage.background.1: found 2 .*from 0 to 1"),
        ("stage.camera", None, r"stage.camera: found None \(nothing\), allowed is a section"),
        ("render.device", "gpu", r"render.device: found 'gpu' .*one of auto, cpu, or an integer from 0"),
        ("trunks.vgg16.weights", "w.pt", r"trunks.vgg16.weights: found 'w.pt'"),
        ("trunks.vgg16.weights", "no/such.pth", r"trunks.vgg16.weights: found 'no/such.pth', .*no such file"),
        ("models.vgg16_v1.trunk", "vgg19", r"models.vgg16_v1.trunk: found 'vgg19', allowed is one of vgg16, resnet50, pixels"),
        ("models.vgg16_v1.head.type", "big", r"models.vgg16_v1.head.type: found 'big' .*one of dense, conv, mlp, perceptron"),
        ("models.resnet50_v3.head.dropout", 1, r"models.resnet50_v3.head.dropout: found 1 .*below 1"),
        ("studies", {"x": {"models": {5: {"like": "pixel_components"}}}}, r"studies.x.models.5: found a key that is an integer, allowed is printable text"),
        ("models.Upper", {}, r"models.Upper: found this name, allowed are names of lower-case"),
        ("framing.image_size", 512, r"framing.image_size: found 512, allowed is at most render.frame_size \(448\)"),
        ("baselines.thumbnail_size", 30, r"baselines.thumbnail_size: found 30, allowed is a divisor"),
        ("refinement.calibration_images", 1, r"refinement.calibration_images: found 1 .*an integer from 2 to 100000"),
        ("refinement.denied", 0.02, r"refinement.denied: found 0.02, allowed is at most refinement.doubtful \(0.01\)"),
        ("predictions", {"folder": "images", "model": None, "refine": False, "alternatives": 0, "to": [], "placement": PLACEMENT}, r"predictions.refine: found false, allowed is true where predictions.model is null"),
        ("predictions.to", ["gltf", "fbx"], r"predictions.to.1: found 'fbx' .text., allowed is one of openpbr, gltf, usd"),
        ("predictions.model", "bset", r"predictions.model: found 'bset', allowed is one of .*pixel_components"),
        ("predictions", {"folder": "images", "model": "pixel_components", "refine": False, "alternatives": 2, "to": [], "placement": PLACEMENT}, r"predictions.alternatives: found 2, allowed is 0 where predictions.refine is false"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_named_with_what_was_found_and_what_is_allowed(config, key, value, message):
    put(config, key, value)
    with pytest.raises(InputError, match=message):
        check_config(config)


@pytest.mark.parametrize(
    "key, value, meant",
    [
        ("render.frame_sze", 5, "frame_size"),
        ("models.vgg16_v1.trunk", "vgg61", "vgg16"),
        ("models.vgg16_v1.head.type", "dens", "dense"),
        ("features.precision", "float23", "float32"),
        ("models.mine", {"like": "pixel_component"}, "pixel_components"),
        ("predictions.model", "pixel_component", "pixel_components"),
    ],
)
def test_what_may_be_meant_is_asked(config, key, value, meant):
    put(config, key, value)
    with pytest.raises(InputError, match=rf"; did you mean {meant}\?(\n|$)"):
        check_config(config)


def test_a_mistyped_key_is_one_mistake_whoever_takes_it_over(config):
    # Others are like this model.
    model = config["models"]["vgg16_bins_v1"]
    model["haed"] = model.pop("head")
    (line,) = mistakes(config)
    assert line.split()[0] == "models.vgg16_bins_v1.haed:" and line.endswith("did you mean head?")


def test_a_random_trunk_takes_float32_alone(config):
    put(config, "features.precision", "bfloat16")
    put(config, "trunks.resnet50.weights", "random")
    message = r"features.precision: found 'bfloat16', allowed .*\(trunks.resnet50\) is float32"
    with pytest.raises(InputError, match=message):
        check_config(config)
    put(config, "trunks.resnet50.weights", "imagenet")
    check_config(config)


def test_a_missing_key_is_named(config):
    del config["training"]["max_epochs"]
    del config["models"]["vgg16_v2"]["head"]["channels"]
    with pytest.raises(InputError) as caught:
        check_config(config)
    assert "training.max_epochs: found nothing, allowed is an integer from 1" in str(caught.value)
    assert "models.vgg16_v2.head.channels: found nothing" in str(caught.value)


@pytest.mark.parametrize("seeds", [[], [1, 1], [-1], 3, None])
def test_wrong_seeds_of_a_study_or_a_model_are_refused(config, seeds):
    config["studies"]["bins"]["seeds"] = seeds
    with pytest.raises(InputError, match=r"studies.bins.seeds(.0)?: found .*, allowed is"):
        check_config(config)
    del config["studies"]["bins"]["seeds"]
    config["models"]["vgg16_v1"]["seeds"] = seeds
    with pytest.raises(InputError, match=r"models.vgg16_v1.seeds(.0)?: found .*, allowed is"):
        check_config(config)


def test_all_mistakes_come_at_once(config):
    config["seed"] = -1
    config["device"] = "tpu"
    with pytest.raises(InputError) as caught:
        check_config(config)
    assert "seed:" in str(caught.value) and "device:" in str(caught.value)


def mistakes(config):
    with pytest.raises(InputError) as caught:
        check_config(config)
    return str(caught.value).splitlines()[1:]


def test_a_list_s_length_is_told_beside_its_items(config):
    config["stage"]["background"] = [0.5, 2]
    config["seeds"] = [-1, -1]
    assert [line.split()[0] for line in mistakes(config)] == [
        "seeds:",
        "seeds.0:",
        "seeds.1:",
        "stage.background:",
        "stage.background.1:",
    ]


def test_models_to_take_over_from_that_aren_t_there_come_at_once_and_blame_no_other(config):
    config["models"] |= {"a": {"like": "vgg19"}, "b": {"like": "c"}, "c": {"like": "vgg20"}}
    assert [line.split()[0] for line in mistakes(config)] == ["models.a.like:", "models.c.like:"]
    config["models"] |= {"a": {"like": "b"}, "b": {"like": "c"}, "c": {"like": "a"}}
    config["seed"] = -1
    circle, seed = mistakes(config)
    assert "models.a.like: found a circle, a → b → c → a" in circle and "seed:" in seed


def test_what_a_model_takes_over_is_told_of_the_one_that_says_it(config):
    config["models"]["pixel_components"]["head"]["components"] = 7000
    assert [line.split()[0] for line in mistakes(config)] == [
        "models.pixel_components.head.components:",
        # They learn from fewer images.
        *(
            f"studies.images.models.pixel_components_{count}.head.components:"
            for count in (1000, 2000, 5000)
        ),
    ]
    config["models"]["pixel_components"]["head"]["components"] = -1
    config["studies"]["images"]["models"]["pixel_components_1000"]["training"] = {"max_epochs": 0}
    assert [line.split()[0] for line in mistakes(config)] == [
        "models.pixel_components.head.components:",
        "studies.images.models.pixel_components_1000.training.max_epochs:",
    ]


@pytest.mark.parametrize("name", ["second_stage", "fine_tuning", "studies", "bfloat16"])
def test_what_stands_beside_the_record_is_a_configuration(config, tmp_path, monkeypatch, name):
    text = (Path(__file__).parents[3] / "docs" / "record" / f"{name}.yaml").read_text()
    before = copy.deepcopy(config)
    update_config(config, yaml.safe_load(text))
    monkeypatch.chdir(tmp_path)
    for given in (config["stage"]["mesh"], config["trunks"]["vgg16"]["weights"]):
        if "." in given:
            Path(given).parent.mkdir(exist_ok=True)
            Path(given).touch()
    checked = check_config(config)
    parts = ("mesh", "environment", "camera")
    is_same = [checked["stage"][part] == before["stage"][part] for part in parts]
    assert is_same == [name != "second_stage"] * 3


def test_a_missing_size_of_the_data_set_is_named(config):
    del config["n_images"]
    assert mistakes(config)[0].startswith(
        "  n_images: found nothing, allowed is an integer from 20"
    )


@pytest.mark.parametrize("name", [*BASELINES, REFINED])
@pytest.mark.parametrize("section", ["models", "studies.bins.models"])
def test_no_model_is_named_like_another_predictor(config, section, name):
    put(config, f"{section}.{name}", {"like": "vgg16_bins_v1"})
    taken = "of refinement" if name == REFINED else "under baselines"
    (line,) = mistakes(config)
    assert line == (
        f"  {section}.{name}: found a name {taken}, allowed is another: tables hold both"
    )


def test_a_model_set_to_null_is_left_out(config):
    config["models"]["vgg16_v1"] = None
    check_config(config)
    assert model_names(config) == [
        "vgg16_v2", "vgg16_bins_v1", "vgg16_bins_v1_expected", "vgg16_bins_v2", "vgg16_bins_v2_expected",
        "resnet50_v2", "resnet50_v3", "perceptron", "pixel_components", "streamed",
    ]  # fmt: skip
    config["models"] = dict.fromkeys(config["models"])
    with pytest.raises(InputError, match="models: found none"):
        check_config(config)


def test_one_test_image_is_too_few(config):
    config |= {
        "n_images": 20,
        "shard_size": 20,
        "models": {"vgg16_v1": config["models"]["vgg16_v1"]},
    }
    config["studies"] = config["search"]["spaces"] = {}
    config["predictions"]["model"] = "vgg16_v1"
    config["split"] = {"train": 0.75, "validation": 0.2, "test": 0.05}
    with pytest.raises(InputError, match="n_images: found one that gives a single test image"):
        check_config(config)
    config["n_images"] = 40
    check_config(config)


def test_models_like_one_that_is_left_out_are_left_out_too(config):
    assert "vgg16_bins_v1_11" in model_names(config, "bins")
    config["models"]["vgg16_bins_v1"] = None
    check_config(config)
    assert model_names(config, "bins") == []


def test_a_study_leaves_out_models_that_want_more_images_than_there_are(config):
    assert len(model_names(config, "images")) == 6
    config["n_images"] = 2000
    check_config(config)
    assert {name.rpartition("_")[2] for name in model_names(config, "images")} == {"1000", "2000"}


@pytest.mark.parametrize(
    "key, value, message",
    [
        ("models.mine", {"like": "vgg19_v1"}, r"models.mine.like: found 'vgg19_v1', allowed is the name of a model"),
        ("models.pixel_components", {"like": "pixel_components"}, r"models.pixel_components.like: found a circle, pixel_components → pixel_components"),
        ("models.mine", {"like": ["pixel_components"]}, r"models.mine.like: found \['pixel_components'\], allowed is the name of a model"),
        ("models.pixel_components", "fast", r"models.pixel_components: found no section"),
        ("studies.bins.models.pixel_components", {}, r"studies.bins.models.pixel_components: found a name that models has too"),
        ("studies.bins.axis", "seeds", r"studies.bins.axis: found 'seeds' .*one of images, bins"),
        ("studies", None, r"studies: found nothing of use"),
        ("models.vgg16_v1.trainable_stages", 6, r"models.vgg16_v1.trainable_stages: found 6 .*from 0 to 5, or one of all"),
        ("models.pixel_components.trainable_stages", 1, r"models.pixel_components.trainable_stages: found 1, allowed for the trunk pixels is 0"),
        ("models.vgg16_v1.image_size", 112, r"models.vgg16_v1.image_size: found 112, allowed with trainable_stages 0 is none: only `all`"),
        ("studies.fine_tuning.models.vgg16_v1_stage_5.image_size", 112, r"vgg16_v1_stage_5.image_size: found 112, allowed with trainable_stages 1 is none"),
        ("studies.fine_tuning.models.vgg16_v1_all.image_size", 100, r"vgg16_v1_all.image_size: found 100, allowed is a divisor of framing.image_size \(224\)"),
        ("studies.fine_tuning.models.vgg16_v1_all.image_size", 16, r"vgg16_v1_all.image_size: found 16 .*from 32 to 1024"),
        ("models.pixel_components.image_size", 112, r"models.pixel_components.image_size: found 112, allowed with trainable_stages 0 is none"),
        ("models.pixel_components.head.components", 7000, r"models.pixel_components.head.components: found 7000, allowed is at most the number of training images \(6500\)"),
        ("models.pixel_components.head.components", 0, r"models.pixel_components.head.whitening: found 0.4, allowed is 0 where head.components is 0"),
        ("models.vgg16_bins_v2.objective", {"type": "bins", "count": 5}, r"models.vgg16_bins_v2.objective.decoding: found nothing, allowed is one of argmax, expected"),
        ("models.vgg16_bins_v1.objective.decoding", "median", r"vgg16_bins_v1.objective.decoding: found 'median' .*one of argmax, expected"),
        ("models.vgg16_v1.objective.decoding", "argmax", r"vgg16_v1.objective.decoding: found an unknown key, allowed are? type"),
        ("models.pixel_components.trunk", "vgg16", r"models.pixel_components.head.type: found 'perceptron' on the trunk vgg16, allowed is perceptron on a trunk with `depths`"),
        ("models.vgg16_v1.images", 20000, r"models.vgg16_v1.images: found 20000, allowed is at most n_images \(10000\)"),
        ("models.streamed.stream.renders", 5, r"models.streamed.stream.renders: found 5 .*from 100 to 10000000"),
        ("models.streamed.stream", {"renders": 1000}, r"models.streamed.stream.framed: found nothing"),
        ("models.streamed.stream.framed", 300, r"models.streamed.stream.framed: found 300 with 300 head.components, allowed are components, and at least two more"),
        ("models.streamed.head.components", 0, r"models.streamed.stream.framed: found 1500 with 0 head.components, allowed are components"),
        ("models.streamed.stream.cells", 90, r"models.streamed.stream.cells: found 90 with 300 head.components, allowed is at least a third"),
        ("models.streamed.trunk", "pixels", r"models.streamed.stream: found a stream with the trunk pixels, allowed is one of the architecture pixels with the depth image alone"),
        ("models.streamed.images", 1000, r"models.streamed.stream: found a stream beside `images`, allowed is one of both"),
        ("models.streamed.objective.level", 1, r"models.streamed.objective.level: found 1 .*from 0.5 to 0.99"),
        ("search.spaces.streamed", {"training.learning_rate": {"low": 0.001, "high": 0.01}}, r"search.spaces.streamed: found a space, allowed is null for a model that learns from a stream"),
        ("trunks.pixels.depths", {"stage_1": 7}, r"trunks.pixels.depths.stage_1: found this depth, allowed for pixels are image, radiance"),
        ("trunks.pixels.weights", "random", r"trunks.pixels.weights: found 'random', allowed is `none` for the architecture pixels"),
        ("trunks.vgg16.weights", "none", r"trunks.vgg16.weights: found 'none', allowed is `none` for the architecture pixels"),
    ],
)  # fmt: skip
def test_models_that_don_t_fit_are_refused(config, key, value, message):
    put(config, key, value)
    with pytest.raises(InputError, match=message):
        check_config(config)


@pytest.mark.parametrize(
    "key, value, message",
    [
        ("search.trials", 0, r"search.trials: found 0 .*from 1 to 10000"),
        ("search.prune", "yes", r"search.prune: found 'yes' \(text\)"),
        ("search.spaces.vgg19", {}, r"search.spaces.vgg19: found no model of this name, allowed are vgg16_v1, "),
        ("search.spaces.pixel_components", {"head.width": {"low": 1, "high": 2}}, r"pixel_components.head.width: found this key, allowed for pixel_components are training.batch_size, .*head.components, head.whitening, head.hidden_sizes$"),
        ("search.spaces.pixel_components", {"learning_rate": {"low": 1, "high": 2}}, r"pixel_components.learning_rate: found this key"),
        ("search.spaces.pixel_components", {"head.type": {"choices": ["mlp", "conv"]}}, r"pixel_components.head.type: found this key"),
        ("search.spaces.vgg16_v1", {"training.trunk_rate": {"low": 0.1, "high": 0.2}}, r"vgg16_v1.training.trunk_rate: found this key"),
        ("search.spaces.vgg16_v1", {True: None}, r"search.spaces.vgg16_v1.True: found a key that is true/false, allowed is printable text"),
        ("search.spaces", {None: {}}, r"search.spaces.None: found a key that is nothing, allowed is printable text"),
        ("trunks", {1.5: {"architecture": "pixels"}}, r"trunks.1.5: found a key that is a number, allowed is printable text"),
        ("search.spaces.pixel_components", {"head.whitening": 3}, r"pixel_components.head.whitening: found 3 \(an integer\), allowed is a section, or null \(Values to try"),
        ("models.pixel_components.head", [], r"models.pixel_components.head: found no section"),
        ("search.spaces.vgg16_v1", {"training.max_epochs": {"min": 1}}, r"training.max_epochs.min: found an unknown key, allowed are choices, high, kind, low, scale"),
        ("search.spaces.vgg16_v1", {"training.max_epochs": {"low": 1, "kind": "integer"}}, r"training.max_epochs: found {'low': 1, 'kind': 'integer'}, allowed is a range from low to high, or choices"),
        ("search.spaces.vgg16_v1", {"training.max_epochs": {"low": 1, "choices": [1, 2]}}, r"training.max_epochs: found choices beside low, allowed is either"),
        ("search.spaces.vgg16_v1", {"training.max_epochs": {"low": 1, "high": 2}}, r"training.max_epochs.kind: found nothing, allowed is integer"),
        ("search.spaces.vgg16_v1", {"training.learning_rate": {"low": 0.1, "high": 0.2, "kind": "integer"}}, r"training.learning_rate.kind: found integer, allowed is number"),
        ("search.spaces.vgg16_v1", {"training.learning_rate": {"low": 0.1, "high": 2}}, r"training.learning_rate.high: found 2 .*above 0 to 1"),
        ("search.spaces.vgg16_v1", {"training.learning_rate": {"low": "1e-4", "high": 0.1}}, r"training.learning_rate.low: found '1e-4' .*write 1.0e-4 or 0.0001"),
        ("search.spaces.vgg16_v1", {"training.learning_rate": {"low": 0.2, "high": 0.2}}, r"training.learning_rate.high: found 0.2, allowed is a number above low \(0.2\)"),
        ("search.spaces.vgg16_v1", {"training.weight_decay": {"low": 0, "high": 1, "scale": "log"}}, r"training.weight_decay.scale: found log, allowed is linear where low is 0"),
        ("search.spaces.vgg16_v1", {"training.weight_decay": {"low": 0, "high": 1, "scale": "logs"}}, r"training.weight_decay.scale: found 'logs' .*one of linear, log, or null"),
        ("search.spaces.vgg16_v1", {"training.schedule": {"low": 0, "high": 1}}, r"training.schedule.low: found 0 .*one of one_cycle, cosine, constant"),
        ("search.spaces.vgg16_v1", {"training.schedule": {"choices": ["cosine", "slow"]}}, r"training.schedule.choices.1: found 'slow' .*one of one_cycle, cosine, constant"),
        ("search.spaces.vgg16_v1", {"training.weight_decay": {"low": 0, "high": float("inf")}}, r"weight_decay.high: found inf .*allowed is a number, or null"),
        ("search.spaces.vgg16_v1", {"training.weight_decay": {"choices": [0, float("nan")]}}, r"weight_decay.choices.1: found nan .*allowed is a number from 0"),
        ("search.spaces.vgg16_v1", {"training.max_epochs": {"choices": [5, 5]}}, r"training.max_epochs.choices: found \[5, 5\] \(a list\), allowed is a list of at least 2"),
        ("search.spaces.pixel_components", {"head.hidden_sizes": {"choices": [[8], [0, 8]]}}, r"head.hidden_sizes.choices.1.0: found 0 .*from 1"),
    ],
)  # fmt: skip
def test_what_a_search_can_t_try_is_refused(config, key, value, message):
    put(config, key, value)
    with pytest.raises(InputError, match=message):
        check_config(config)


def test_the_space_of_a_model_that_is_left_out_is_left_out_too(config):
    config["models"]["pixel_components"] = None
    # Nor does it matter that it was to predict pictures, as long as none is asked for.
    check_config(config)


# A value from YAML, and what is said of it, by the key where it stands.
STRANGE = [
    ("training.learning_rate", ".nan", r"learning_rate: found nan \(a number, but not a finite one\)"),
    ("training.weight_decay", ".inf", r"weight_decay: found inf .*not a finite one"),
    ("training.weight_decay", "-.inf", r"weight_decay: found -inf .*not a finite one"),
    ("stage.camera.azimuth", ".nan", r"azimuth: found nan .*not a finite one"),
    ("stage.background", "[.nan, 0, 0]", r"stage.background.0: found nan"),
    ("models.pixel_components.training", "{learning_rate: .inf}", r"pixel_components.training.learning_rate: found inf"),
    ("models.pixel_components.head", "{type: perceptron, components: .nan}", r"pixel_components.head.components: found nan"),
    ("search.spaces.vgg16_v1", "{training.weight_decay: {low: .nan, high: 1}}", r"weight_decay.low: found nan"),
    ("refinement.tolerance", f"1{'0' * 400}", r"tolerance: found 10+… \(an integer\), allowed is a number from 0.1"),
    ("training.weight_decay", f"0x1{'0' * 5000}", r"weight_decay: found inf .*not a finite one"),
    ("seeds", f"[0x1{'0' * 5000}]", r"seeds.0: found inf .*not a finite one"),
    ("threads", "no", r"threads: found False \(true/false\)"),
    ("threads", "2026-11-28", r"threads: found datetime.date\(2026, 11, 28\) \(date\)"),
    ("models", "{.nan: null}", r"models.nan: found a key that is a number, allowed is printable text"),
    ("models", "{2026-11-28: null}", r"found a key that is date, allowed is printable text"),
    ("models", "{'': null}", r"models.: found this name, allowed are names of lower-case"),
    ("models", r'{"mine\n": null}', r"models.'mine\\n': found a key that is text, allowed is printable text"),
    ("trunks", r'{"vgg16\n": {architecture: vgg16}}', r"trunks.'vgg16\\n': found a key"),
    ("studies", r'{"bins\0": null}', r"studies.'bins\\x00': found a key"),
    ("models", f"{{{'m' * 101}: null}}", r"found a key that is text, allowed is printable text of at most 100"),
    ("models.mine", "{like: 5}", r"models.mine.like: found 5, allowed is the name of a model"),
    ("models.mine", "{like: null}", r"models.mine.like: found None, allowed is the name of a model"),
    ("models.mine", r'{like: "best\n"}', r"models.mine.like: found 'best\\n'"),
    ("predictions.folder", r'"a\0b"', r"folder: found 'a\\x00b', allowed is text without control characters"),
    ("predictions.folder", r'"a\nb"', r"folder: found 'a\\nb', allowed is text without control characters"),
    ("predictions.folder", r'"\uD800"', r"folder: found '\\ud800', allowed is text without control characters"),
    ("stage.mesh", r'"a\0.obj"', r"mesh: found 'a\\x00.obj', allowed is text without"),
    ("stage.mesh", f"{'m' * 300}.obj", r"mesh: found 'm+…, allowed is builtin or the path of a file; no such"),
    ("stage.mesh", "'{x}.obj'", r"mesh: found '{x}.obj', allowed is a path without braces"),
    ("trunks.vgg16.weights", "'{x}.pth'", r"weights: found '{x}.pth', allowed is a path without braces"),
    ("trunks.vgg16.weights", f"{'w' * 300}.pth", r"weights: found 'w+…, allowed is imagenet"),
    ("seeds", f"[{', '.join(map(str, range(1001)))}]", r"seeds: found .*… \(a list\), allowed is a list of at least 1 of at most 1000"),
    ("published", "&a [*a]", r"published.0.0.0: found sections or lists that are nested deeper than 32 levels"),
    ("published", f"{'[' * 40}{']' * 40}", r"published.0.0.0: found sections or lists that are nested deeper"),
    ("models.pixel_components.training", "&a {max_epochs: *a}", r"models.pixel_components.training.max_epochs: found sections or lists that are nested"),
    (
        "search.spaces.pixel_components",
        "{a: &a [x, x, x, x, x, x, x, x, x, x], b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a],"
        " c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b], d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c],"
        " e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d], f: [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]}",
        r"search.spaces.pixel_components.[a-f]: found .* or hold more than 1000000 values",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    "key, text, message", STRANGE, ids=[f"{k} {t[:30]}" for k, t, _ in STRANGE]
)
def test_what_yaml_can_say_and_no_key_can_hold_is_refused(config, key, text, message):
    put(config, key, yaml.load(text, Loader=yaml.FullLoader))
    with pytest.raises(InputError, match=message):
        check_config(config)


def test_whole_numbers_become_integers_however_they_were_written(config):
    config |= {"n_images": 10000.0, "seeds": [1.0], "threads": 2.0, "checkpoint_seconds": 0.5}
    checked = check_config(config)
    assert (checked["n_images"], checked["seeds"], checked["threads"]) == (10000, [1], 2)
    assert all(type(value) is int for value in (checked["n_images"], *checked["seeds"]))
    assert checked["checkpoint_seconds"] == 0.5 and config["n_images"] == 10000.0


def test_a_long_chain_of_models_is_followed(config):
    chain = {f"m{number}": {"like": f"m{number - 1}"} for number in range(1, 1200)}
    config["models"] |= {"m0": config["models"]["vgg16_v1"]} | chain
    check_config(config)
    assert model_definition(config, "m1199")["trunk"] == "vgg16"
    config["models"]["m0"] = {"like": "m1199"}
    (line,) = mistakes(config)
    assert "found a circle, m0 → m1199 → m1198" in line and line.endswith(
        "m1 → m0; allowed is a model that isn't like this one in turn"
    )
