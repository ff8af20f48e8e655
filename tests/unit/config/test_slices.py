"""What single rules depend on, exactly: whatever stands in a slice too much makes too much stale."""

import json

import pytest

from inverse_shading.config import slices
from inverse_shading.config.check import check_config
from inverse_shading.config.models import inputs_folder, model_names
from inverse_shading.config.slices import model_config, search_config, sort_keys
from inverse_shading.runtime.errors import InputError

VIEW = {"azimuth": 0, "elevation": 20, "field_of_view": 25, "fill": 0.95}
STAGE = {
    "background": [0.42, 0.43, 0.45],
    "camera": VIEW,
    "environment": "builtin",
    "mesh": "builtin",
}
RENDER = {"environment_samples": 16, "frame_size": 448}
# What the shipped configuration trains vgg16_v1 and resnet50_v3_all with.
TRAINING = {
    "batch_size": 64,
    "learning_rate": 0.001,
    "max_epochs": 20,
    "schedule": "one_cycle",
    "weight_decay": 0.0001,
}
# Slices by what they are of; then the slice of the shipped configuration.
EXACTLY = {
    "stage": (
        lambda config: slices.stage_slice(config, config["stage"]),
        RENDER | {"stage": STAGE},
    ),
    "novel stage": (
        lambda config: slices.stage_slice(config, slices.novel_stage(config)),
        RENDER
        | {
            "stage": STAGE
            | {
                "camera": VIEW | {"azimuth": 40, "elevation": 35},
                "environment": "daylight",
            }
        },
    ),
    "trunk": (
        lambda config: slices.trunk_slice(config, "vgg16"),
        {"architecture": "vgg16", "weights": "imagenet"},
    ),
    "features": (
        lambda config: slices.features_slice(config, "vgg16"),
        {"architecture": "vgg16", "precision": "float32", "threads": 2},
    ),
    "features of depths": (
        lambda config: slices.features_slice(config, "pixels"),
        {
            "architecture": "pixels",
            "depths": {"image": 28, "radiance": 28},
            "precision": "float32",
            "threads": 2,
        },
    ),
    "model": (
        lambda config: slices.model_slice(config, "vgg16_bins_v1", 3),
        {
            "architecture": "vgg16",
            "head": {"grid": 2, "type": "dense"},
            "objective": {"count": 1001, "type": "bins"},
            "precision": "float32",
            "seed": 3,
            "threads": 2,
            "training": TRAINING | {"patience": 15},
            "trunk": "vgg16",
        },
    ),
    "fine-tuned model": (
        lambda config: slices.model_slice(config, "resnet50_v3_all", 3),
        {
            "architecture": "resnet50",
            "head": {"dropout": 0.5, "hidden_sizes": [512, 512], "type": "mlp"},
            "objective": {"type": "regression"},
            "precision": "float32",
            "seed": 3,
            "threads": 2,
            "trainable_stages": 5,
            "training": TRAINING | {"patience": 20, "trunk_rate": 0.1},
            "trunk": "resnet50",
        },
    ),
    "card": (
        lambda config: slices.card_slice(config, "best"),
        {
            "architecture": "pixels",
            "batch_size": 8,
            "depths": {"image": 28, "radiance": 28},
            "framing": {"filter": "lanczos", "image_size": 224, "margin": 0.04},
            "model": "best",
            "precision": "float32",
            "refinement": {
                "calibration_images": 200,
                "interval": 0.8,
                "restarts": 6,
                "step": 0.005,
                "stride": 4,
                "tolerance": 1,
            },
            "trainable_stages": 0,
            "trunk": "pixels",
        },
    ),
    "axis": (
        lambda config: slices.axis_slice(config, "bins"),
        {
            "axis": "bins",
            "points": [
                {"group": "vgg16_bins_v1", "model": f"vgg16_bins_v1{end}", "place": place}
                for end, place in (("_11", 11), ("_51", 51), ("_101", 101), ("", 1001))
            ],
        },
    ),
}


@pytest.mark.parametrize("name", EXACTLY)
def test_a_slice_holds_exactly_what_shapes_the_output(config, name):
    take, expected = EXACTLY[name]
    found = take(config)
    assert found == expected
    # In one form: sorted keys, whole numbers without a point.
    assert json.dumps(found) == json.dumps(expected, sort_keys=True)


def test_a_slice_of_a_search_is_its_config_and_the_threads(config):
    found = slices.search_slice(config, "best")
    assert found == {"search": sort_keys(search_config(config, "best")), "threads": 2}
    assert json.dumps(found) == json.dumps(found, sort_keys=True)


def test_only_random_weights_depend_on_the_seed_and_the_batch(config):
    config["trunks"]["vgg16"]["weights"] = "random"
    assert slices.trunk_slice(config, "vgg16") == {
        "architecture": "vgg16",
        "batch_size": 8,
        "seed": 1,
        "weights": "random",
    }


@pytest.mark.parametrize(
    ("count", "split", "shards"),
    [
        (40, None, 1),
        (500, None, 1),
        (501, None, 2),
        # A shard of 500 has 100 test images and 75 of validation.
        (100, "test", 1),
        (101, "test", 2),
        (200, "validation", 3),
        # All, where there are fewer.
        (3000, "test", 20),
    ],
)
def test_first_shards_are_as_many_as_hold_the_images(config, count, split, shards):
    names = slices.range_names(config)
    assert (len(names), names[0], names[-1]) == (20, "000000-000499", "009500-009999")
    assert slices.first_ranges(config, count, split) == names[:shards]


def test_only_files_of_the_user_are_files_of_a_stage(config):
    assert slices.stage_files(config["stage"]) == {}
    assert slices.stage_files(slices.novel_stage(config)) == {}
    stage = config["stage"] | {"mesh": "ball.obj", "environment": "sky.hdr"}
    assert slices.stage_files(stage) == {"mesh": "ball.obj", "environment": "sky.hdr"}


def test_a_study_s_models_come_after_the_comparison_s(config):
    models = ["vgg16_v1", "vgg16_v2", "vgg16_bins_v1", "vgg16_bins_v2", "resnet50_v2", "resnet50_v3", "best"]  # fmt: skip
    bins = ["vgg16_bins_v1_11", "vgg16_bins_v1_51", "vgg16_bins_v1_101"]
    assert slices.table_models(config) == models
    assert slices.table_models(config, "bins") == models + bins


def test_models_stand_on_the_axis_by_the_images_that_they_learn_from(config):
    places = {point["model"]: point["place"] for point in slices.axis_points(config, "images")}
    own = {f"{base}_{n}": n for base in ("vgg16_v1", "best") for n in (1000, 2000, 5000)}
    assert places == own | {"vgg16_v1": 10000, "best": 10000}


def test_a_study_without_an_axis_has_no_figure_of_it(config):
    message = "^studies.ablation.axis: found nothing, allowed is images or bins$"
    with pytest.raises(InputError, match=message):
        slices.axis_slice(config, "ablation")


@pytest.mark.parametrize(
    ("device", "there", "wanted"),
    [("cuda", False, 1), ("auto", True, 1), ("auto", False, 0), ("cpu", True, 0)],
)
def test_a_gpu_is_wanted_where_it_is_asked_for_or_found(config, monkeypatch, device, there, wanted):
    monkeypatch.setattr(slices, "has_gpu", lambda: there)
    config["device"] = device
    assert slices.wanted_gpus(config) == wanted


def test_a_model_s_own_training_lies_over_the_common_one(config):
    config["models"]["vgg16_v1"]["training"] = {"learning_rate": 0.5}
    mine, other = model_config(config, "vgg16_v1", 1), model_config(config, "resnet50_v3", 1)
    common = {key: value for key, value in config["training"].items() if key != "trunk_rate"}
    assert mine["training"] == common | {"learning_rate": 0.5}
    assert other["training"]["learning_rate"] == config["training"]["learning_rate"]


def test_a_training_depends_on_its_own_seed_and_not_on_the_data_s(config):
    before = model_config(config, "vgg16_v1", 7)
    assert before["seed"] == 7
    config["seed"], config["seeds"] = 5, [7, 8]
    assert model_config(config, "vgg16_v1", 7) == before
    assert model_config(config, "vgg16_v1", 8) == before | {"seed": 8}


def test_one_form_however_it_was_written():
    assert repr(sort_keys({"b": 1.0, "a": {"d": 2, "c": [3.0]}})) == repr(
        sort_keys({"a": {"c": [3], "d": 2.0}, "b": 1})
    )
    assert sort_keys(0.5) == 0.5


def test_a_model_takes_over_what_it_doesn_t_say(config):
    config["models"]["mine"] = {
        "like": "vgg16_v2",
        "head": {"channels": 8},
        "training": {"patience": 3},
    }
    check_config(config)
    base, mine = (model_config(config, name, 1) for name in ("vgg16_v2", "mine"))
    assert mine["head"] == base["head"] | {"channels": 8}
    assert mine["training"] == base["training"] | {"patience": 3}
    assert mine["trunk"] == base["trunk"] and mine["objective"] == base["objective"]


def test_a_head_of_another_type_is_not_mixed_with_the_old_one(config):
    config["models"]["mine"] = {"like": "vgg16_v2", "head": {"type": "dense", "grid": 1}}
    check_config(config)
    assert model_config(config, "mine", 1)["head"] == {"type": "dense", "grid": 1}


def test_all_stages_are_as_many_as_the_trunk_has(config):
    assert model_config(config, "resnet50_v3_all", 1)["trainable_stages"] == 5
    assert model_config(config, "resnet50_v3_all", 1)["training"]["trunk_rate"] == 0.1
    assert "trainable_stages" not in model_config(config, "resnet50_v3", 1)


def test_a_model_gets_what_comes_before_its_first_trained_stage(config):
    config["models"]["vgg16_v2"]["trainable_stages"] = 5
    folders = {
        "vgg16_v1": "features/vgg16",
        "best": "features/pixels",
        "vgg16_v1_stage_5": "features/vgg16/before_stage_5",
        "resnet50_v3_stage_5": "features/resnet50/before_stage_5",
        "resnet50_v3_all_112": "images",
        "vgg16_v2": "images",
    }
    check_config(config)
    assert {model: inputs_folder(config, model) for model in folders} == folders


def test_smaller_images_are_part_of_a_training(config):
    smaller, whole = (
        model_config(config, model, 1) for model in ("resnet50_v3_all_112", "resnet50_v3_all")
    )
    assert smaller["image_size"] == 112 and "image_size" not in whole


def test_a_study_s_model_of_larger_images_than_there_are_is_left_out(config):
    config["framing"]["image_size"] = 56
    check_config(config)
    assert "resnet50_v3_all_112" not in model_names(config, "fine_tuning")


def test_blocks_of_a_perceptron_are_its_trunk_s_depths(config):
    assert model_config(config, "best", 1)["head"]["blocks"] == [3 * 28**2, 3 * 28**2]
    assert model_config(config, "best_with_vgg16", 1)["head"]["blocks"][2:] == [
        64 * 49,
        128 * 49,
        256 * 49,
    ]


def test_a_laid_over_space_can_take_away_what_is_below(config):
    spaces = config["search"]["spaces"]
    spaces["best"]["head.components"] |= dict.fromkeys(("low", "high", "scale", "kind"))
    spaces["best"]["head.components"]["choices"] = [50, 100]
    spaces["best"]["head.whitening"] = None
    spaces["vgg16_v1"] = None
    spaces["resnet50_v3_all"] = {"training.trunk_rate": {"low": 0.01, "high": 1, "scale": "log"}}
    check_config(config)
    found = search_config(config, "best")["space"]
    assert found["head.components"] == {"choices": [50, 100]} and "head.whitening" not in found
    with pytest.raises(InputError, match=r"search.spaces.vgg16_v1: found nothing"):
        search_config(config, "vgg16_v1")


def test_a_search_depends_on_the_first_seed_and_not_on_what_it_replaces(config):
    config["seeds"] = [7, 8]
    found = search_config(config, "best")
    assert found["section"] == ["models"] and found["warmup_epochs"] == 15
    assert (found["seed"], found["model"]["seed"]) == (1, 7)
    assert "whitening" not in found["model"]["head"] and "hidden_sizes" in found["model"]["head"]
    config["models"]["best"]["head"] |= {"whitening": 0.9, "components": 60}
    config["models"]["best"]["training"]["learning_rate"] = 0.5
    assert search_config(config, "best") == found
    config["search"]["prune"] = False
    assert search_config(config, "best")["warmup_epochs"] is None
    config["models"]["best"]["head"]["hidden_sizes"] = [8]
    assert search_config(config, "best")["model"] != found["model"]


def test_models_of_studies_can_be_searched(config):
    config["search"]["spaces"]["best_wholly_whitened"] = {"training.patience": {"choices": [5, 9]}}
    check_config(config)
    found = search_config(config, "best_wholly_whitened")
    assert found["section"] == ["studies", "ablation", "models"]
    assert found["model"]["head"]["whitening"] == 1


def test_a_search_that_the_data_are_too_few_for_is_refused_when_it_is_asked_for(config):
    config["n_images"] = 500
    config["studies"] = {}
    check_config(config)
    with pytest.raises(
        InputError, match=r"search.spaces.best.head.components: found 400, .*\(325\)"
    ):
        search_config(config, "best")
