"""What single rules depend on, exactly: whatever stands in a slice too much makes too much stale."""

import json

import pytest

from inverse_shading.config import slices
from inverse_shading.config.check import check_config
from inverse_shading.config.models import inputs_folder, model_names, model_seeds
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
            "objective": {"count": 1001, "decoding": "argmax", "type": "bins"},
            "precision": "float32",
            "seed": 3,
            "threads": 2,
            "training": TRAINING,
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
            "training": TRAINING | {"trunk_rate": 0.1, "trunk_decay": 0.01},
            "trunk": "resnet50",
        },
    ),
    "known images": (
        slices.known_images_slice,
        {
            "framing": {"filter": "lanczos", "image_size": 224, "margin": 0.04},
            "settings": {"restarts": 6, "step": 0.005, "stride": 4, "tolerance": 1},
        },
    ),
    "refinement": (
        slices.refinement_slice,
        {
            "framing": {"filter": "lanczos", "image_size": 224, "margin": 0.04},
            "settings": {
                "denied": 0.001,
                "doubtful": 0.01,
                "interval": 0.8,
                "misfit_margin": 0.1,
                "misfit_scale": 25,
                "restarts": 6,
                "step": 0.005,
                "stride": 4,
                "tolerance": 1,
            },
        },
    ),
    "card": (
        lambda config: slices.card_slice(config, "pixel_components"),
        {
            "architecture": "pixels",
            "batch_size": 8,
            "depths": {"image": 28, "radiance": 28},
            "framing": {"filter": "lanczos", "image_size": 224, "margin": 0.04},
            "model": "pixel_components",
            "precision": "float32",
            "refinement": {
                "calibration_images": 200,
                "denied": 0.001,
                "doubtful": 0.01,
                "interval": 0.8,
                "misfit_margin": 0.1,
                "misfit_scale": 25,
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
                {"group": group, "model": f"{group}{end}", "place": place}
                for places in ((("_11", 11), ("_51", 51), ("_101", 101)), (("", 1001),))
                for group in ("vgg16_bins_v1", "vgg16_bins_v1_expected")
                for end, place in places
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
    found = slices.search_slice(config, "pixel_components")
    assert found == {"search": sort_keys(search_config(config, "pixel_components")), "threads": 2}
    assert json.dumps(found) == json.dumps(found, sort_keys=True)


def test_only_random_weights_depend_on_the_seed_and_with_batch_norms_on_the_batch(config):
    for trunk, more in (("vgg16", {}), ("resnet50", {"batch_size": 8})):
        config["trunks"][trunk]["weights"] = "random"
        expected = {"architecture": trunk, "seed": 1, "weights": "random"} | more
        assert slices.trunk_slice(config, trunk) == expected


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


def test_images_are_refined_in_parts(config):
    assert slices.refined_parts(config, 60, "test") == [
        "000000-000024",
        "000025-000049",
        "000050-000059",
    ]
    assert slices.refined_parts(config, 1, "validation") == ["000000-000000"]
    # All, where there are fewer: 1,500 of validation.
    parts = slices.refined_parts(config, 100_000, "validation")
    assert len(parts) == 60 and parts[-1] == "001475-001499"


@pytest.mark.parametrize(
    ("part", "shards"),
    [
        # A shard of 500 has 75 images of validation.
        ("000000-000024", 1),
        ("000050-000074", 1),
        ("000065-000089", 2),
        ("000075-000099", 2),
        ("000150-000199", 3),
    ],
)
def test_a_part_takes_the_shards_up_to_its_last_image(config, part, shards):
    assert slices.part_ranges(config, part, "validation") == slices.range_names(config)[:shards]


def test_only_files_of_the_user_are_files_of_a_stage(config):
    assert slices.stage_files(config["stage"]) == {}
    assert slices.stage_files(slices.novel_stage(config)) == {}
    stage = config["stage"] | {"mesh": "ball.obj", "environment": "sky.hdr"}
    assert slices.stage_files(stage) == {"mesh": "ball.obj", "environment": "sky.hdr"}


def test_a_study_s_models_come_after_the_comparison_s(config):
    models = [
        "vgg16_v1", "vgg16_v2", "vgg16_bins_v1", "vgg16_bins_v1_expected", "vgg16_bins_v2",
        "vgg16_bins_v2_expected", "resnet50_v2", "resnet50_v3", "perceptron", "pixel_components", "streamed",
    ]  # fmt: skip
    bins = [f"{base}_{n}" for base in (models[2], models[3]) for n in (11, 51, 101)]
    assert slices.table_models(config) == models
    assert slices.table_models(config, "bins") == models + bins


def test_models_stand_on_the_axis_by_the_images_that_they_learn_from(config):
    places = {point["model"]: point["place"] for point in slices.axis_points(config, "images")}
    own = {
        f"{base}_{n}": n for base in ("vgg16_v1", "pixel_components") for n in (1000, 2000, 5000)
    }
    assert places == own | {"vgg16_v1": 10000, "pixel_components": 10000}


def test_models_of_one_line_differ_in_their_places_only(config):
    models = config["studies"]["bins"]["models"]
    models["longer"] = {"like": "vgg16_bins_v1_51", "training": {"max_epochs": 30}}
    models["longer_11"] = {"like": "longer", "objective": {"count": 11}}
    models["vgg16_bins_v1_expected_51"]["seeds"] = [7, 8]
    groups = {point["model"]: point["group"] for point in slices.axis_points(config, "bins")}
    assert groups == {"longer": "longer", "longer_11": "longer"} | {
        f"{base}{end}": base
        for base in ("vgg16_bins_v1", "vgg16_bins_v1_expected")
        for end in ("", "_11", "_51", "_101")
    }


def test_a_line_without_a_model_of_the_comparison_has_the_name_of_its_first(config):
    config["models"]["vgg16_bins_v1_expected"] = None
    groups = {point["model"]: point["group"] for point in slices.axis_points(config, "bins")}
    line = [model for model, group in groups.items() if group == "vgg16_bins_v1_expected_11"]
    assert line == [f"vgg16_bins_v1_expected_{count}" for count in (11, 51, 101)]


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
    common = {key: value for key, value in config["training"].items() if "trunk" not in key}
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
        "training": {"max_epochs": 3},
    }
    check_config(config)
    base, mine = (model_config(config, name, 1) for name in ("vgg16_v2", "mine"))
    assert mine["head"] == base["head"] | {"channels": 8}
    assert mine["training"] == base["training"] | {"max_epochs": 3}
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
        "pixel_components": "features/pixels",
        "streamed": "features/pixels_fine",
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
    assert model_config(config, "pixel_components", 1)["head"]["blocks"] == [3 * 28**2, 3 * 28**2]
    assert model_config(config, "pixel_components_with_vgg16", 1)["head"]["blocks"][2:] == [
        64 * 49,
        128 * 49,
        256 * 49,
    ]


def test_a_laid_over_space_can_take_away_what_is_below(config):
    spaces = config["search"]["spaces"]
    spaces["pixel_components"]["head.components"] |= dict.fromkeys(("low", "high", "scale", "kind"))
    spaces["pixel_components"]["head.components"]["choices"] = [50, 100]
    spaces["pixel_components"]["head.whitening"] = None
    spaces["vgg16_v1"] = None
    spaces["resnet50_v3_all"] = {"training.trunk_rate": {"low": 0.01, "high": 1, "scale": "log"}}
    check_config(config)
    found = search_config(config, "pixel_components")["space"]
    assert found["head.components"] == {"choices": [50, 100]} and "head.whitening" not in found
    with pytest.raises(InputError, match=r"search.spaces.vgg16_v1: found nothing"):
        search_config(config, "vgg16_v1")


def test_a_search_depends_on_the_first_seed_and_not_on_what_it_replaces(config):
    config["seeds"] = [7, 8]
    found = search_config(config, "pixel_components")
    assert found["section"] == ["models"] and found["warmup_epochs"] is None
    assert (found["seed"], found["model"]["seed"]) == (1, 7)
    assert "whitening" not in found["model"]["head"] and "hidden_sizes" in found["model"]["head"]
    config["models"]["pixel_components"]["head"] |= {"whitening": 0.9, "components": 60}
    config["models"]["pixel_components"]["training"]["learning_rate"] = 0.5
    assert search_config(config, "pixel_components") == found
    config["search"]["prune"] = True
    assert search_config(config, "pixel_components")["warmup_epochs"] == 15
    config["models"]["pixel_components"]["head"]["hidden_sizes"] = [8]
    assert search_config(config, "pixel_components")["model"] != found["model"]


def test_models_of_studies_can_be_searched(config):
    config["search"]["spaces"]["pixel_components_wholly_whitened"] = {
        "training.max_epochs": {"choices": [5, 9]}
    }
    check_config(config)
    found = search_config(config, "pixel_components_wholly_whitened")
    assert found["section"] == ["studies", "ablation", "models"]
    assert found["model"]["head"]["whitening"] == 1


def test_a_table_of_an_unknown_study_is_refused_with_what_is_near(config):
    with pytest.raises(InputError, match=r"studies\.abblation: found no such study.*ablation"):
        slices.table_models(config, "abblation")
    config["studies"]["bins"] = None
    with pytest.raises(InputError, match=r"studies\.bins: found no such study"):
        slices.table_models(config, "bins")


def test_a_search_may_learn_from_fewer_images(config):
    config["search"]["images"] = 3000
    found = search_config(config, "pixel_components")
    assert found["model"]["images"] == 3000
    # What lies beyond them is nothing to it.
    config["n_images"] = 20000
    assert search_config(config, "pixel_components") == found
    config["search"]["spaces"]["pixel_components_2000"] = {
        "head.whitening": {"low": 0.0, "high": 1.0}
    }
    assert search_config(config, "pixel_components_2000")["model"]["images"] == 2000
    config["n_images"] = 2000
    assert "images" not in search_config(config, "pixel_components")["model"]
    # Nor where they are all there are so far.
    config["n_images"] = 3000
    assert search_config(config, "pixel_components") == found
    config["n_images"] = 2000
    config["search"]["images"] = 200
    message = r"search.spaces.pixel_components.head.components: found 400, .*\(130\)"
    with pytest.raises(InputError, match=message):
        search_config(config, "pixel_components")
    del config["search"]["spaces"]["pixel_components"]["head.components"]
    message = (
        r"search.images: found 200, with which models.pixel_components.head.components: found 200"
    )
    with pytest.raises(InputError, match=message):
        search_config(config, "pixel_components")


@pytest.fixture
def applied(config):
    config["search"]["apply"] = True
    return config


def test_a_tuned_model_is_trained_with_what_was_found_whatever_stands_in_its_place(applied):
    found = slices.model_slice(applied, "pixel_components", 1)
    space = search_config(applied, "pixel_components")["space"]
    assert found["tuning"] == sort_keys(
        {
            "images": 10000,
            "model": "pixel_components",
            "place": ["models", "pixel_components"],
            "space": space,
            "trials": 8,
        }
    )
    assert found["training"].keys() == {"batch_size", "max_epochs", "schedule"}
    assert found["head"].keys() == {"blocks", "hidden_sizes", "type"}
    applied["models"]["pixel_components"]["head"] |= {"whitening": 0.9, "components": 60}
    applied["training"]["weight_decay"] = 0.5
    assert slices.model_slice(applied, "pixel_components", 1) == found
    applied["search"] |= {"trials": 9, "images": 5000}
    tuning = slices.model_slice(applied, "pixel_components", 1)["tuning"]
    assert (tuning["trials"], tuning["images"]) == (9, 5000)


def test_nothing_is_tuned_unless_it_is_applied_and_has_a_space(config):
    plain = {
        name: slices.model_slice(config, name, 1)
        for name in ("pixel_components", "vgg16_v1_cosine_decay")
    }
    assert not any("tuning" in each for each in plain.values())
    config["search"]["apply"] = True
    config["search"]["spaces"] |= {"pixel_components": None, "vgg16_v1_cosine_decay": None}
    check_config(config)
    for name, slice_ in plain.items():
        assert slices.tuning(config, name) is None
        assert slices.model_slice(config, name, 1) == slice_


@pytest.mark.parametrize(
    ("model", "base", "keys"),
    [
        ("pixel_components_without_canonical", "pixel_components", {"learning_rate", "weight_decay", "components", "whitening"}),
        # What it says itself.
        ("pixel_components_without_whitening", "pixel_components", {"learning_rate", "weight_decay", "components"}),
        ("vgg16_v1_cosine_decay", "vgg16_v1", {"learning_rate", "weight_decay"}),
        # Over a model in between, which says something too.
        ("between", "pixel_components", {"learning_rate", "weight_decay", "whitening"}),
        # A head of another type has none of the base's values.
        ("vgg16_v2_dense", "vgg16_v2", {"learning_rate"}),
        # A rate of a trunk that isn't trained.
        ("frozen", "resnet50_v3_all", {"batch_size"}),
        # An entry of its own is all that it has, though it be like a tuned one.
        ("resnet50_v3_all", "resnet50_v3_all", {"trunk_rate", "batch_size"}),
    ],
)  # fmt: skip
def test_a_model_without_a_space_has_the_values_of_the_one_that_it_is_like(
    applied, model, base, keys
):
    applied["models"] |= {
        "between": {"like": "pixel_components_only_20", "images": 4000},
        "vgg16_v2_dense": {
            "like": "vgg16_v2",
            "head": {"type": "dense", "grid": 1},
            "training": {"weight_decay": 0.0},
        },
        "frozen": {"like": "resnet50_v3_all", "trainable_stages": 0},
    }
    applied["search"]["spaces"]["vgg16_v2"]["head.grid"] = {"low": 0, "high": 2, "kind": "integer"}
    applied["search"]["spaces"]["resnet50_v3_all"] = {
        "training.trunk_rate": {"low": 0.01, "high": 1},
        "training.batch_size": {"choices": [32, 64]},
    }
    check_config(applied)
    found = slices.tuning(applied, model)
    assert found["model"] == base
    assert {key.split(".")[1] for key in found["space"]} == keys


def test_values_that_a_model_of_few_images_can_t_have_are_refused(applied):
    applied["studies"]["images"]["models"]["pixel_components_500"] = {
        "like": "pixel_components",
        "images": 500,
    }
    check_config(applied)
    message = (
        r"search.spaces.pixel_components.head.components: found 400, with which studies.images.models.pixel_components_500"
        r".head.components: found 400, allowed .*\(325\)"
    )
    with pytest.raises(InputError, match=message):
        slices.model_slice(applied, "pixel_components_500", 1)


def test_a_tuned_model_has_no_place_on_an_axis_of_what_is_tuned(applied):
    applied["search"]["spaces"]["vgg16_bins_v1"]["objective.count"] = {
        "low": 11,
        "high": 99,
        "kind": "integer",
    }
    message = r"search.spaces.vgg16_bins_v1.objective.count: found a range, .* axis of studies.bins"
    with pytest.raises(InputError, match=message):
        slices.axis_slice(applied, "bins")


def test_a_model_without_bins_has_no_place_on_an_axis_of_bins(config):
    config["studies"]["readings"]["axis"] = "bins"
    check_config(config)
    message = r"^studies.readings.axis: found bins, .* vgg16_v1_grid_2 has no bins$"
    with pytest.raises(InputError, match=message):
        slices.axis_points(config, "readings")


def test_a_study_may_have_seeds_of_its_own(config):
    config["seeds"], config["studies"]["bins"]["seeds"] = [1, 2, 3], [7, 8]
    check_config(config)
    names = ("vgg16_bins_v1_11", "vgg16_bins_v1", "pixel_components_1000")
    seeds = [model_seeds(config, name) for name in names]
    assert seeds == [[7, 8], [1, 2, 3], [1, 2, 3]]
    config["search"]["spaces"]["vgg16_bins_v1_11"] = {
        "training.learning_rate": {"low": 0.001, "high": 0.01}
    }
    assert search_config(config, "vgg16_bins_v1_11")["model"]["seed"] == 7


def test_a_model_may_have_seeds_of_its_own_that_none_takes_over(config):
    config["seeds"], config["studies"]["bins"]["seeds"] = [1, 2, 3], [7, 8]
    config["models"]["vgg16_bins_v1"]["seeds"] = [4]
    config["studies"]["bins"]["models"]["vgg16_bins_v1_51"]["seeds"] = [9]
    check_config(config)
    names = (
        "vgg16_bins_v1",
        "vgg16_bins_v1_expected",
        "vgg16_bins_v1_11",
        "vgg16_bins_v1_51",
        "vgg16_bins_v1_expected_51",
    )
    assert [model_seeds(config, name) for name in names] == [[4], [1, 2, 3], [7, 8], [9], [7, 8]]
    config["search"]["spaces"]["vgg16_bins_v1_51"] = {
        "training.learning_rate": {"low": 0.001, "high": 0.01}
    }
    assert search_config(config, "vgg16_bins_v1_51")["model"]["seed"] == 9


def test_further_seeds_train_nothing_again(config):
    before = slices.model_slice(config, "vgg16_bins_v1", 1)
    config["models"]["vgg16_bins_v1"]["seeds"] = [1, 2]
    check_config(config)
    assert slices.model_slice(config, "vgg16_bins_v1", 1) == before


def test_a_search_that_the_data_are_too_few_for_is_refused_when_it_is_asked_for(config):
    config["n_images"] = 500
    config["studies"] = {}
    check_config(config)
    with pytest.raises(
        InputError, match=r"search.spaces.pixel_components.head.components: found 400, .*\(325\)"
    ):
        search_config(config, "pixel_components")


def test_whitening_is_no_setting_to_search_without_components(config):
    model = "pixels_without_components"
    config["search"]["spaces"][model] = {"head.whitening": {"low": 0.0, "high": 1.0}}
    check_config(config)
    message = rf"search.spaces.{model}.head.whitening: found 1.0, .*allowed is 0 where head.components is 0"
    with pytest.raises(InputError, match=message):
        search_config(config, model)


def test_pictures_depend_on_how_they_are_exported_only_where_they_are(config):
    alone = slices.prediction_slice(config)
    assert not {"to", "export"} & alone.keys()
    config["predictions"]["to"] = ["gltf"]
    exported = slices.prediction_slice(config)
    assert exported == alone | {"to": ["gltf"], "export": slices.sort_keys(config["export"])}
