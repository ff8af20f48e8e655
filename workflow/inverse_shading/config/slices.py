"""The parts of the configuration that rules depend on: pure functions of it and of plain names.

A rule carries its slice in its params and runs again when the slice changes. So a slice holds exactly
what shapes the output. It has one form however the configuration was written: plain values, the
keys of every section sorted. All take a configuration that `check_config` has passed.
"""

import copy
from collections.abc import Iterable

from inverse_shading.config.check import wrong_model
from inverse_shading.config.models import (
    given_models,
    model_definition,
    model_definitions,
    model_names,
    model_section,
    model_seeds,
    study_names,
    trainable_stages,
    values_taken,
)
from inverse_shading.config.schema import TRUNK_SETTINGS
from inverse_shading.config.search_space import extreme_values, given_parts, searchable_keys
from inverse_shading.dataset.ranges import ImageRange, image_ranges, parse_range
from inverse_shading.dataset.splits import shards_of_sample, split_sizes
from inverse_shading.evaluation.predictor_names import RIDGE
from inverse_shading.network.architectures import WITH_BATCH_NORMS, depth_sizes
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.hardware import has_gpu
from inverse_shading.runtime.names import hint
from inverse_shading.scene.built_in_lights import LIGHTS

# Images that one job refines, a minute or two on one core. No result depends on it.
REFINED_TOGETHER = 25


def sort_keys(value):
    """The same value with the keys of every dict sorted, so that equal settings have equal text."""
    if isinstance(value, dict):
        return {key: sort_keys(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [sort_keys(item) for item in value]
    # 1 and 1.0 are one number in YAML written by people, and must be one text too.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def sliced(**values) -> dict:
    """A slice of these values, in its one form."""
    return sort_keys(values)


def range_names(config: dict) -> list[str]:
    """The shards' names, such as 000000-000499, in order."""
    return [str(images) for images in image_ranges(config["n_images"], config["shard_size"])]


def first_ranges(config: dict, count: int, split: str | None = None) -> list[str]:
    """Names of the first shards, as many as it takes to hold `count` images; all if they hold fewer.

    Args:
        split: count only the images of this split.
    """
    if split is None:
        shards = -(-count // config["shard_size"])
    else:
        shards = shards_of_sample(count, config["shard_size"], config["split"], split)
    return range_names(config)[:shards]


def refined_parts(config: dict, count: int, split: str) -> list[str]:
    """Names of the parts in which the first images of a split are refined, all if there are fewer.

    A part is named by the places of its first and its last image among these, such as 000025-000049.
    """
    held = split_sizes(config["shard_size"], config["split"])[split] * len(range_names(config))
    count = min(count, held)
    starts = range(0, count, REFINED_TOGETHER)
    return [str(ImageRange(first, min(first + REFINED_TOGETHER, count) - 1)) for first in starts]


def part_ranges(config: dict, part: str, split: str) -> list[str]:
    """Names of the shards up to the one that holds the last image of a part.

    Args:
        part: of `refined_parts` of the split.
    """
    return first_ranges(config, parse_range(part).last + 1, split)


def novel_stage(config: dict) -> dict:
    """The section `stage` with another light and view, see `appearance.novel`."""
    return config["stage"] | config["appearance"]["novel"]


def stage_files(stage: dict) -> dict[str, str]:
    """The user's own mesh and environment, where the section of a stage names some."""
    return {key: stage[key] for key in ("mesh", "environment") if stage[key] not in LIGHTS}


def stage_slice(config: dict, stage: dict) -> dict:
    """What a stage is made from, beside the user's own files.

    Args:
        stage: the section of this stage.
    """
    render = {key: config["render"][key] for key in ("frame_size", "environment_samples")}
    return sliced(stage=stage, **render)


def data_card_slice(config: dict) -> dict:
    """What a data set is made from, as its card tells it."""
    sections = {name: config[name] for name in ("seed", "shard_size", "split", "framing")}
    return sliced(**sections, **stage_slice(config, config["stage"]))


def trunk_slice(config: dict, trunk: str) -> dict:
    """What a trunk's weights depend on."""
    section = config["trunks"][trunk]
    settings = {key: section[key] for key in ("architecture", "weights")}
    if settings["weights"] == "random":
        settings["seed"] = config["seed"]
    if is_measured(config, trunk):
        settings["batch_size"] = config["features"]["batch_size"]
    return sliced(**settings)


def is_measured(config: dict, trunk: str) -> bool:
    """Whether statistics of a trunk's random weights are measured, in batches of training images."""
    section = config["trunks"][trunk]
    return section["weights"] == "random" and section["architecture"] in WITH_BATCH_NORMS


def features_slice(config: dict, trunk: str) -> dict:
    """What features depend on beside the images and the trunk's weights."""
    section = config["trunks"][trunk]
    return sliced(
        **{key: section[key] for key in ("architecture", "depths") if key in section},
        precision=config["features"]["precision"],
        threads=config["threads"],
    )


def model_config(config: dict, model: str, seed: int) -> dict:
    """What one training of a model depends on.

    Returns:
        Trunk, head, objective, the training section laid together, the precision of the trunk's
        arithmetic, and `seed`, which is that of its initial weights, batches and dropout; the root of
        the data's, config["seed"], isn't part of it. `images`, where it doesn't learn from all.
        `trainable_stages`, where stages of its trunk are trained, and `image_size`, where images are
        made smaller for it. `stream`, where it learns from renders of its own, with what these depend
        on: `framing`, and the trunk's `depths`.
    """
    definition = model_definition(config, model)
    trunk = config["trunks"][definition["trunk"]]
    settings = {
        "trunk": definition["trunk"],
        "architecture": trunk["architecture"],
        "head": dict(definition["head"]),
        "objective": definition["objective"],
        "training": config["training"] | definition.get("training", {}),
        "seed": seed,
        "precision": config["features"]["precision"],
    }
    if settings["head"]["type"] == "perceptron":
        settings["head"]["blocks"] = depth_sizes(trunk["architecture"], trunk["depths"])
    if "images" in definition:
        settings["images"] = definition["images"]
    if "stream" in definition:
        settings |= {"stream": definition["stream"], "framing": config["framing"]}
        settings["depths"] = trunk["depths"]
    stages = trainable_stages(config, model)
    if "image_size" in definition:
        settings["image_size"] = definition["image_size"]
    if stages:
        settings["trainable_stages"] = stages
    else:
        for name in TRUNK_SETTINGS:
            del settings["training"][name]
    return copy.deepcopy(settings)


def model_slice(config: dict, model: str, seed: int) -> dict:
    """`model_config`, and the threads, on which the last digits depend.

    Where a search found values for the model, `tuning` is what `tuning` returns, and the keys of its
    space are left out: what the configuration says of them shapes nothing.

    Raises:
        InputError: as `tuning` does.
    """
    settings = model_config(config, model, seed)
    found = tuning(config, model)
    if found:
        settings = _without(settings, found["space"]) | {"tuning": found}
    return sliced(**settings, threads=config["threads"])


def baseline_slice(config: dict, baseline: str) -> dict:
    """What a baseline depends on: a constant and the floor have no settings."""
    settings = {"baselines": config["baselines"]} if baseline == RIDGE else {}
    return sliced(**settings, threads=config["threads"])


# What the search for a material depends on, of the section `refinement`.
SEARCH_SETTINGS = ("stride", "step", "tolerance", "restarts")


def known_images_slice(config: dict) -> dict:
    """What refining known images depends on beside the stage and the images: no verdict shapes it."""
    settings = {key: config["refinement"][key] for key in SEARCH_SETTINGS}
    return sliced(framing=config["framing"], settings=settings)


def refinement_slice(config: dict) -> dict:
    """What refining test images depends on beside the stage, the images, models and the calibration."""
    settings = {
        key: value for key, value in config["refinement"].items() if key != "calibration_images"
    }
    return sliced(framing=config["framing"], settings=settings)


def card_slice(config: dict, model: str) -> dict:
    """What it takes to use a model beside its files."""
    trunk = model_definition(config, model)["trunk"]
    return sliced(
        model=model,
        trunk=trunk,
        architecture=config["trunks"][trunk]["architecture"],
        depths=config["trunks"][trunk].get("depths"),
        trainable_stages=trainable_stages(config, model),
        precision=config["features"]["precision"],
        batch_size=config["features"]["batch_size"],
        framing=config["framing"],
        refinement=config["refinement"],
    )


def prediction_slice(config: dict) -> dict:
    """What a picture's material depends on beside the stage and the model.

    Without a model `settings` holds what the model's card would say of framing and refinement. `to`
    and `export` are there where materials are written for other platforms.
    """
    predictions = config["predictions"]
    settings = {
        name: predictions[name] for name in ("model", "refine", "alternatives", "placement")
    }
    if predictions["model"] is None:
        settings["settings"] = {name: config[name] for name in ("framing", "refinement")}
    if predictions["to"]:
        settings |= {"to": predictions["to"], "export": config["export"]}
    return sliced(**settings)


def search_config(config: dict, model: str) -> dict:
    """What a search for a model's settings depends on.

    Returns:
        model: as `model_config` has it for the first of its seeds, without the keys that are searched:
        best.yaml laid over the config makes no search stale. `images`, where the search learns from
        fewer than there are, or from `search.images`. space: what to try by key, such as
        training.learning_rate. seed: root of the draws. trials, startup_trials. warmup_epochs: None
        where no trial is cut short. section: keys under which the model stands in the config.

    Raises:
        InputError: there is nothing to search, or the data are too few for a value of the space.
    """
    search = config["search"]
    space = _space(config, model)
    if not space:
        raise InputError(
            f"search.spaces.{model}: found nothing, allowed is a section with at least one key to "
            "try, such as training.learning_rate: {low: 1.0e-5, high: 1.0e-2, scale: log}"
        )
    settings = _without(model_config(config, model, model_seeds(config, model)[0]), space)
    images = search_images(config, model)
    # Named although they may be all there are: a data set that grows leaves them as they are.
    if images < config["n_images"] or images == config["search"].get("images"):
        settings["images"] = images
    definition = model_definition(config, model) | {"images": images}
    _refuse_wrong(
        f"search.images: found {images}, with which {mistake}"
        for mistake in wrong_model(config, model, _without(definition, space))
    )
    _refuse_wrong_values(config, model, model, definition, space)
    return {
        "model": settings,
        "space": space,
        "seed": config["seed"],
        "trials": search["trials"],
        "startup_trials": search["startup_trials"],
        "warmup_epochs": search["warmup_epochs"] if search["prune"] else None,
        "section": model_section(config, model),
    }


def tuning(config: dict, model: str) -> dict | None:
    """Which values a model is trained with that a search found.

    The search is the model's own if `search.spaces` has an entry of it, or else that of the nearest
    model with one that it is like. What it finds stands in that model's place: whatever the model says
    itself lies over it.

    Returns:
        model: whose search it is. place: keys under which its values stand in best.yaml. space: what
        was tried, of the keys whose values the model has. trials, and the number of images that they
        learnt from. None if `search.apply` is false, the entry is null, no value is left, or the model
        learns from a stream.

    Raises:
        InputError: the data are too few for a value of the space.
    """
    search, given, base = config["search"], given_models(config), model
    # A search learns from the data set, and finds nothing for a model that learns from a stream.
    if not search["apply"] or "stream" in model_definition(config, model):
        return None
    while base not in search["spaces"]:
        if "like" not in given[base]:
            return None
        base = given[base]["like"]
    definition, space = model_definition(config, model), _space(config, base)
    taken = values_taken(config, model, base, space)
    space = {key: space[key] for key in taken if key in searchable_keys(definition)}
    if not space:
        return None
    _refuse_wrong_values(config, base, model, definition, space)
    return {
        "model": base,
        "place": [*model_section(config, base), base],
        "space": space,
        "trials": search["trials"],
        "images": search_images(config, base),
    }


def _space(config: dict, model: str) -> dict:
    """What the search of a model tries by key; empty where there is none."""
    spaces = config["search"]["spaces"].get(model) or {}
    return {key: given_parts(part) for key, part in spaces.items() if part}


def search_images(config: dict, model: str) -> int:
    """How many images the search of a model learns from."""
    own = model_definition(config, model).get("images", config["n_images"])
    return min(own, config["search"].get("images", own))


def _without(definition: dict, keys: Iterable[str]) -> dict:
    """A model's definition or settings without keys such as training.learning_rate."""
    result = copy.deepcopy(definition)
    for section, name in (key.split(".") for key in keys):
        result.get(section, {}).pop(name, None)
    return result


def _refuse_wrong_values(
    config: dict, searched: str, model: str, definition: dict, space: dict
) -> None:
    """Refuse a space with a value that doesn't fit a model that is to have it."""
    mistakes = []
    for key, part in space.items():
        section, name = key.split(".")
        for value in extreme_values(part):
            changed = copy.deepcopy(definition)
            changed.setdefault(section, {})[name] = value
            mistakes += [
                f"search.spaces.{searched}.{key}: found {value!r}, with which {mistake}"
                for mistake in wrong_model(config, model, changed)
            ]
    _refuse_wrong(mistakes)


def _refuse_wrong(mistakes: Iterable[str]) -> None:
    mistakes = list(mistakes)
    if mistakes:
        raise InputError("The configuration is wrong:\n" + "\n".join(f"  {m}" for m in mistakes))


def search_slice(config: dict, model: str) -> dict:
    """`search_config`, and the threads, on which the last digits depend.

    Raises:
        InputError: as `search_config` does.
    """
    return sliced(search=search_config(config, model), threads=config["threads"])


def table_models(config: dict, study: str | None = None) -> list[str]:
    """The models of a table: those of the comparison, and after them a study's own.

    Raises:
        InputError: there is no such study.
    """
    known = study_names(config)
    if study and study not in known:
        raise InputError(
            f"studies.{study}: found no such study, expected "
            f"{'one of ' * bool(known)}{', '.join(known) or 'none, since there are no studies'}"
            f"{hint(study, known)}"
        )
    return model_names(config) + (model_names(config, study) if study else [])


def axis_points(config: dict, study: str) -> list[dict]:
    """The models that a study's figure shows: `model`, `group`, `place`.

    The models of a group differ in their places only. It is named after the first of them; models of
    the comparison come before those of the study.

    Raises:
        InputError: the study has no axis, or a model has no one place on it.
    """
    axis = config["studies"][study].get("axis")
    if axis is None:
        raise InputError(f"studies.{study}.axis: found nothing, allowed is images or bins")
    defined = model_definitions(config)

    def place(model: str) -> int:
        if axis == "images":
            return defined[model].get("images", config["n_images"])
        found = tuning(config, model)
        if found and "objective.count" in found["space"]:
            raise InputError(
                f"search.spaces.{found['model']}.objective.count: found a range, allowed with "
                f"search.apply is none: {model} has a place on the axis of studies.{study}"
            )
        if "count" not in defined[model]["objective"]:
            raise InputError(
                f"studies.{study}.axis: found bins, allowed is images or nothing: the objective of "
                f"{model} has no bins"
            )
        return defined[model]["objective"]["count"]

    def line(model: str) -> dict:
        """What a model shares with the others of its group."""
        definition = {key: defined[model][key] for key in defined[model].keys() - {"like", "seeds"}}
        if axis == "images":
            return definition | {"images": None}
        return definition | {"objective": definition["objective"] | {"count": None}}

    lines = {name: line(name) for name in table_models(config, study)}
    groups = {
        name: next(other for other in lines if lines[other] == lines[name])
        for name in model_names(config, study)
    }
    # The models that groups are named after stand on the axis too.
    groups |= {base: base for base in groups.values()}
    return [{"model": name, "group": base, "place": place(name)} for name, base in groups.items()]


def axis_slice(config: dict, study: str) -> dict:
    """What the figure of a study's axis shows.

    Raises:
        InputError: as `axis_points` does.
    """
    points = axis_points(config, study)
    return sliced(axis=config["studies"][study]["axis"], points=points)


def wanted_gpus(config: dict) -> int:
    """GPUs that a job of the trunks and heads asks for: 1, or 0 if there is none or it may not."""
    return int(config["device"] == "cuda" or (config["device"] == "auto" and has_gpu()))
