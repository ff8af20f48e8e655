"""The configuration: checked before the first job, sliced so that each job sees what it depends on."""

import copy
from pathlib import Path

import jsonschema
import yaml

from inverse_shading.config.search_space import extreme_values, given_parts, wrong_spaces
from inverse_shading.config.wording import describe_error, describe_value
from inverse_shading.dataset.splits import split_sizes
from inverse_shading.network.architectures import STAGE_CHANNELS, depth_channels, depth_sizes
from inverse_shading.runtime.errors import InputError
from inverse_shading.scene.built_in_lights import LIGHTS


def check_config(config: dict, schema_path: str | Path) -> None:
    """Refuse a wrong configuration, naming every wrong key, what was found and what is allowed.

    Args:
        config: the configuration as loaded from YAML.
        schema_path: the JSON schema, as YAML.

    Raises:
        InputError: one line a mistake.
    """
    schema = read_schema(schema_path)
    validator = jsonschema.Draft202012Validator(schema)
    mistakes = _wrong_likes(config)
    completed = config if mistakes else _complete(config)
    errors = sorted(validator.iter_errors(completed), key=lambda error: list(map(str, error.path)))
    mistakes += [line for error in errors for line in describe_error(error)]
    if not mistakes:
        mistakes = _contradictions(config)
        model_schema = schema["properties"]["models"]["additionalProperties"]
        given, defined = _given_models(config), model_definitions(config)
        mistakes += wrong_spaces(config["search"]["spaces"], given, defined, model_schema)
    if mistakes:
        raise InputError("The configuration is wrong:\n" + "\n".join(f"  {m}" for m in mistakes))


def read_schema(path: str | Path) -> dict:
    """Read the JSON schema with its references filled in, so that an error can quote any part."""
    schema = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    definitions = schema.pop("$defs")

    def fill(part):
        if isinstance(part, list):
            return [fill(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            part = definitions[part["$ref"].rpartition("/")[2]] | part
        return {key: fill(value) for key, value in part.items() if key != "$ref"}

    return fill(schema)


def model_config(config: dict, model: str, seed: int) -> dict:
    """What one training of a model depends on.

    Returns:
        Trunk, head, objective, the training section laid together, and `seed`, which is that of its
        initial weights, batches and dropout; the root of the data's, config["seed"], isn't part of it.
        `images`, where it doesn't learn from all. `trainable_stages` and `precision`, where stages of
        its trunk are trained.
    """
    definition = model_definitions(config)[model]
    trunk = config["trunks"][definition["trunk"]]
    settings = {
        "trunk": definition["trunk"],
        "architecture": trunk["architecture"],
        "head": dict(definition["head"]),
        "objective": definition["objective"],
        "training": config["training"] | definition.get("training", {}),
        "seed": seed,
    }
    if settings["head"]["type"] == "perceptron":
        settings["head"]["blocks"] = depth_sizes(trunk["architecture"], trunk["depths"])
    if "images" in definition:
        settings["images"] = definition["images"]
    stages = trainable_stages(config, model)
    if stages:
        settings |= {"trainable_stages": stages, "precision": config["features"]["precision"]}
    else:
        del settings["training"]["trunk_rate"]
    return copy.deepcopy(settings)


def search_config(config: dict, model: str) -> dict:
    """What a search for a model's settings depends on.

    Returns:
        model: as `model_config` has it for the first of `seeds`, without the keys that are searched:
        best.yaml laid over the config makes no search stale. space: what to try by key, such as
        training.learning_rate. seed: root of the draws. trials, startup_trials. warmup_epochs: None
        where no trial is cut short. section: keys under which the model stands in the config.

    Raises:
        InputError: there is nothing to search, or the data are too few for a value of the space.
    """
    search = config["search"]
    space = {key: part for key, part in (search["spaces"].get(model) or {}).items() if part}
    if not space:
        raise InputError(
            f"search.spaces.{model}: found nothing, allowed is a section with at least one key to "
            "try, such as training.learning_rate: {low: 1.0e-5, high: 1.0e-2, scale: log}"
        )
    settings = model_config(config, model, config["seeds"][0])
    mistakes = []
    for key, part in space.items():
        section, name = key.split(".")
        settings[section].pop(name, None)
        for value in extreme_values(part):
            changed = copy.deepcopy(model_definitions(config)[model])
            changed.setdefault(section, {})[name] = value
            mistakes += [
                f"search.spaces.{model}.{key}: found {value!r}, with which {mistake}"
                for mistake in _wrong_model(config, model, changed)
            ]
    if mistakes:
        raise InputError("The configuration is wrong:\n" + "\n".join(f"  {m}" for m in mistakes))
    return {
        "model": settings,
        "space": {key: given_parts(part) for key, part in space.items()},
        "seed": config["seed"],
        "trials": search["trials"],
        "startup_trials": search["startup_trials"],
        "warmup_epochs": search["warmup_epochs"] if search["prune"] else None,
        "section": _model_section(config, model),
    }


def trainable_stages(config: dict, model: str) -> int:
    """How many of its trunk's last stages a model trains."""
    definition = model_definitions(config)[model]
    stages = definition.get("trainable_stages", 0)
    if stages == "all":
        stages = len(STAGE_CHANNELS[config["trunks"][definition["trunk"]]["architecture"]])
    return stages


def model_names(config: dict, study: str | None = None) -> list[str]:
    """The models of the configuration in its order, without those set to null.

    Args:
        study: those that this study adds; None for those of the comparison.
    """
    section = config["models"] if study is None else config["studies"][study]["models"]
    defined = model_definitions(config)
    return [name for name in section if name in defined]


def model_definitions(config: dict) -> dict[str, dict]:
    """Every model by name, those of studies too, each with what it takes over from the one it is like.

    What a model says itself lies over what it takes over, key by key; a head or an objective of
    another type replaces the whole section. A model that is null, or like one that is, is left out; so
    is one of a study that wants to learn from more images than there are.
    """
    given = _given_models(config)

    def complete(name: str) -> dict | None:
        own = given[name]
        if own is not None and name not in config["models"]:
            images = own.get("images", 0)
            known = isinstance(images, int) and isinstance(config["n_images"], int)
            if known and images > config["n_images"]:
                return None
        if own is None or "like" not in own:
            return own
        base = complete(own["like"])
        if base is None:
            return None
        result = copy.deepcopy(base) | {"like": own["like"]}
        for key, value in own.items():
            if key in ("head", "objective", "training") and key in result:
                fresh = value.get("type", result[key].get("type")) != result[key].get("type")
                result[key] = dict(value) if fresh else result[key] | value
            else:
                result[key] = value
        return result

    completed = {name: complete(name) for name in given}
    return {name: model for name, model in completed.items() if model is not None}


def study_names(config: dict) -> list[str]:
    """The studies of the configuration in its order, without those set to null."""
    return [name for name, study in config["studies"].items() if study is not None]


def _given_models(config: dict) -> dict[str, dict | None]:
    """Every model as it is written; names are unique over the comparison and all studies."""
    given = dict(config["models"])
    for study in study_names(config):
        given |= config["studies"][study]["models"]
    return given


def _complete(config: dict) -> dict:
    """The configuration with every model completed, as the schema wants it."""
    defined = model_definitions(config)

    def section(models: dict) -> dict:
        return {name: defined.get(name) for name in models}

    studies = {
        name: study | {"models": section(study["models"])}
        for name, study in config["studies"].items()
        if study is not None
    }
    return config | {"models": section(config["models"]), "studies": studies}


def _wrong_likes(config: dict) -> list[str]:
    """Mistakes that keep models from being completed."""
    sections = {"models": config.get("models")}
    studies = config.get("studies")
    if not isinstance(studies, dict):
        return ["studies: found nothing of use, allowed is a section, such as {}"]
    for name, study in studies.items():
        if study is None:
            continue
        sections[f"studies.{name}.models"] = (
            study.get("models") if isinstance(study, dict) else None
        )
    mistakes, names = [], {}
    for path, models in sections.items():
        if not isinstance(models, dict):
            mistakes.append(f"{path}: found {describe_value(models)}, allowed is a section")
            continue
        for name, model in models.items():
            if name in names:
                mistakes.append(f"{path}.{name}: found a name that {names[name]} has too")
            names[name] = path
            wrong = [
                key
                for key in ("head", "objective", "training")
                if isinstance(model, dict) and not isinstance(model.get(key, {}), dict)
            ]
            if model is not None and (not isinstance(model, dict) or wrong):
                where = ".".join([path, name, *wrong[:1]])
                mistakes.append(f"{where}: found no section, allowed is one")
    if mistakes:
        return mistakes
    given = _given_models(config)
    for name, model in given.items():
        chain = [name]
        while model is not None and "like" in model:
            if model["like"] not in given:
                return [
                    f"{names[name]}.{name}.like: found {model['like']!r}, allowed is the name of a "
                    "model"
                ]
            chain.append(model["like"])
            if len(set(chain)) < len(chain):
                return [f"{names[name]}.{name}.like: found a circle, {' → '.join(chain)}"]
            model = given[model["like"]]
    return []


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


def _contradictions(config: dict) -> list[str]:
    """Mistakes that no single key shows."""
    mistakes = []
    if config["n_images"] % config["shard_size"]:
        mistakes.append(
            f"n_images: found {config['n_images']}, allowed is a multiple of shard_size "
            f"({config['shard_size']})"
        )
    try:
        test_images = split_sizes(config["shard_size"], config["split"])["test"]
        if test_images * config["n_images"] < 2 * config["shard_size"]:
            mistakes.append(
                "n_images: found one that gives a single test image, allowed is one that gives two: "
                "how far errors scatter takes two to tell"
            )
    except InputError as error:
        mistakes.append(str(error))
    mistakes += _missing_file("stage.mesh", config["stage"]["mesh"], ["builtin"])
    for name, section in {
        "stage.environment": config["stage"],
        "appearance.novel.environment": config["appearance"]["novel"],
    }.items():
        mistakes += _missing_file(name, section["environment"], list(LIGHTS))
    for name, trunk in config["trunks"].items():
        mistakes += _missing_file(
            f"trunks.{name}.weights", trunk["weights"], ["imagenet", "random", "none"]
        )
    if config["render"]["frame_size"] < config["framing"]["image_size"]:
        mistakes.append(
            f"framing.image_size: found {config['framing']['image_size']}, allowed is at most "
            f"render.frame_size ({config['render']['frame_size']}); shrinking is the anti-aliasing"
        )
    if config["framing"]["image_size"] % config["baselines"]["thumbnail_size"]:
        mistakes.append(
            f"baselines.thumbnail_size: found {config['baselines']['thumbnail_size']}, allowed is a "
            f"divisor of framing.image_size ({config['framing']['image_size']})"
        )
    for name, trunk in config["trunks"].items():
        mistakes += _wrong_depths(name, trunk)
    for name, model in model_definitions(config).items():
        mistakes += _wrong_model(config, name, model)
    if not model_names(config):
        mistakes.append("models: found none, allowed is at least one that is not null")
    mistakes += _wrong_predictions(config)
    return mistakes


def _wrong_depths(name: str, trunk: dict) -> list[str]:
    architecture = trunk["architecture"]
    allowed = depth_channels(architecture)
    mistakes = [
        f"trunks.{name}.depths.{depth}: found this depth, allowed for {architecture} are "
        f"{', '.join(allowed)}"
        for depth in trunk.get("depths", {})
        if depth not in allowed
    ]
    if (trunk["weights"] == "none") != (not STAGE_CHANNELS[architecture]):
        mistakes.append(
            f"trunks.{name}.weights: found {trunk['weights']!r}, allowed is `none` for the "
            "architecture pixels, and for it alone"
        )
    if not STAGE_CHANNELS[architecture] and not trunk.get("depths"):
        mistakes.append(
            f"trunks.{name}.depths: found nothing, allowed is at least one of {', '.join(allowed)}"
        )
    return mistakes


def _wrong_model(config: dict, name: str, model: dict) -> list[str]:
    """What in a model doesn't fit its trunk or the data."""
    place = ".".join([*_model_section(config, name), name])
    if model["trunk"] not in config["trunks"]:
        return [
            f"{place}.trunk: found {model['trunk']!r}, allowed is one of "
            f"{', '.join(config['trunks'])}"
        ]
    mistakes = []
    if name in config["baselines"]:
        mistakes.append(
            f"{place}: found a name under baselines, allowed is another: tables hold both"
        )
    trunk = config["trunks"][model["trunk"]]
    most = len(STAGE_CHANNELS[trunk["architecture"]])
    stages = trainable_stages(config, name)
    if (model["head"]["type"] == "perceptron") != ("depths" in trunk):
        mistakes.append(
            f"{place}.head.type: found {model['head']['type']!r} on the trunk {model['trunk']}, "
            "allowed is perceptron on a trunk with `depths`, and only there"
        )
    if stages and ("depths" in trunk or stages > most):
        mistakes.append(
            f"{place}.trainable_stages: found {stages}, allowed for the trunk {model['trunk']} is "
            + ("0, since it has `depths`" if "depths" in trunk else f"at most {most}")
        )
    learning = model.get("images", config["n_images"])
    try:
        # A share of whole shards; a range cut in the middle may be a few images off.
        share = split_sizes(config["shard_size"], config["split"])["train"] / config["shard_size"]
    except InputError:
        # Told already.
        share = 1
    if model["head"].get("components", 0) > share * learning:
        mistakes.append(
            f"{place}.head.components: found {model['head']['components']}, allowed is at most the "
            f"number of training images ({share * learning:.0f})"
        )
    if learning > config["n_images"]:
        mistakes.append(
            f"{place}.images: found {model['images']}, allowed is at most n_images "
            f"({config['n_images']})"
        )
    return mistakes


def _wrong_predictions(config: dict) -> list[str]:
    """What in the predictions of the user's pictures doesn't fit the rest."""
    predictions, models = config["predictions"], _given_models(config)
    mistakes = []
    # One that is left out is no mistake until a picture's material is asked for.
    if predictions["model"] not in models:
        mistakes.append(
            f"predictions.model: found {predictions['model']!r}, allowed is one of "
            f"{', '.join(models)}"
        )
    if predictions["alternatives"] and not predictions["refine"]:
        mistakes.append(
            f"predictions.alternatives: found {predictions['alternatives']}, allowed is 0 where "
            "predictions.refine is false"
        )
    return mistakes


def _model_section(config: dict, name: str) -> list[str]:
    """Keys of the section in which a model is defined."""
    for study in study_names(config):
        if name in config["studies"][study]["models"]:
            return ["studies", study, "models"]
    return ["models"]


def _missing_file(key: str, value: str, names: list[str]) -> list[str]:
    if value in names or Path(value).is_file():
        return []
    return [
        f"{key}: found {value!r}, allowed is {' or '.join(names)} or the path of a file; "
        "no such file"
    ]
