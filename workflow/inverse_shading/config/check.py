"""The configuration: checked before the first job."""

from pathlib import Path

from inverse_shading.config.models import (
    complete_models,
    count_stages,
    given_models,
    model_definitions,
    model_names,
    model_section,
    model_sections,
    without_likes,
    wrong_likes,
)
from inverse_shading.config.schema import Configuration
from inverse_shading.config.search_space import wrong_spaces
from inverse_shading.dataset.splits import split_sizes
from inverse_shading.evaluation.predictor_names import BASELINES, REFINED
from inverse_shading.network.architectures import IMAGE, STAGE_CHANNELS, depth_channels
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.names import hint
from inverse_shading.runtime.sections import plain_values, shown
from inverse_shading.runtime.wording import wrong_keys
from inverse_shading.scene.built_in_lights import LIGHTS


def check_config(config: dict) -> dict:
    """Refuse a wrong configuration, naming every wrong key, what was found and what is allowed.

    Args:
        config: the configuration as loaded from YAML.

    Returns:
        A copy in which whole numbers are integers, however they were written.

    Raises:
        InputError: one line a mistake.
    """
    config, mistakes = plain_values(config)
    config = with_integers(config)
    # Half of it would only look as if much were missing.
    if config:
        mistakes += _mistakes(config, complete=not mistakes)
    if mistakes:
        raise InputError("The configuration is wrong:\n" + "\n".join(f"  {m}" for m in mistakes))
    return config


def with_integers(value):
    """The same value with 3 for 3.0, which are one number in YAML written by people."""
    if isinstance(value, dict):
        return {key: with_integers(part) for key, part in value.items()}
    if isinstance(value, list):
        return [with_integers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _mistakes(config: dict, complete: bool) -> list[str]:
    """What is wrong with a configuration of plain values.

    Args:
        complete: whether all that was written is in it, so that its parts can be held against each
            other.
    """
    mistakes = wrong_likes(config)
    if mistakes:
        return mistakes + wrong_keys(Configuration, without_likes(config))
    mistakes = _told_once(config, wrong_keys(Configuration, complete_models(config)))
    if complete and not mistakes:
        mistakes = _told_once(config, _contradictions(config))
        given, defined = given_models(config), model_definitions(config)
        mistakes += wrong_spaces(config["search"]["spaces"], given, defined)
    return mistakes


def _told_once(config: dict, mistakes: list[str]) -> list[str]:
    """The mistakes without those that a model takes over from the one that it is like."""
    if not mistakes:
        return []
    sections = model_sections(config)
    places = {name: ".".join([*section, name, ""]) for name, section in sections.items()}
    given = given_models(config).items()
    bases = {
        places[name]: places[model["like"]] for name, model in given if "like" in (model or {})
    }
    told = set(mistakes)

    def is_taken_over(line: str) -> bool:
        parts = line.split(".")
        own = ".".join([*parts[: 4 if parts[0] == "studies" else 2], ""])
        return own in bases and bases[own] + line.removeprefix(own) in told

    return [line for line in mistakes if not is_taken_over(line)]


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
    mistakes += wrong_image_size(config) + wrong_verdicts(config)
    if config["framing"]["image_size"] % config["baselines"]["thumbnail_size"]:
        mistakes.append(
            f"baselines.thumbnail_size: found {config['baselines']['thumbnail_size']}, allowed is a "
            f"divisor of framing.image_size ({config['framing']['image_size']})"
        )
    for name, trunk in config["trunks"].items():
        mistakes += _wrong_depths(name, trunk)
    definitions = model_definitions(config)
    for name, model in definitions.items():
        mistakes += wrong_model(config, name, model)
    used = {model["trunk"] for model in definitions.values()}
    mistakes += [
        f"features.precision: found 'bfloat16', allowed with random weights (trunks.{name}) is "
        "float32: they amplify rounding"
        for name, trunk in config["trunks"].items()
        if name in used
        and trunk["weights"] == "random"
        and config["features"]["precision"] == "bfloat16"
    ]
    if not model_names(config):
        mistakes.append("models: found none, allowed is at least one that is not null")
    mistakes += _wrong_predictions(config)
    return mistakes


def wrong_image_size(config: dict) -> list[str]:
    """What is wrong with the size of images, given that of frames."""
    frame_size, image_size = config["render"]["frame_size"], config["framing"]["image_size"]
    if image_size <= frame_size:
        return []
    return [
        f"framing.image_size: found {image_size}, allowed is at most render.frame_size "
        f"({frame_size}); shrinking is the anti-aliasing"
    ]


def wrong_verdicts(config: dict) -> list[str]:
    """What is wrong with the shares of pictures that are called doubtful, and not made this way."""
    doubtful, denied = (config["refinement"][name] for name in ("doubtful", "denied"))
    if denied <= doubtful:
        return []
    return [
        f"refinement.denied: found {denied}, allowed is at most refinement.doubtful ({doubtful}), "
        "which counts these pictures too"
    ]


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


def wrong_model(config: dict, name: str, model: dict) -> list[str]:
    """What in a model doesn't fit its trunk or the data; keys that are searched may be missing."""
    place = ".".join([*model_section(config, name), name])
    if model["trunk"] not in config["trunks"]:
        return [
            f"{place}.trunk: found {model['trunk']!r}, allowed is one of "
            f"{', '.join(config['trunks'])}{hint(model['trunk'], config['trunks'])}"
        ]
    mistakes = []
    if name in (*BASELINES, REFINED):
        taken = "under baselines" if name in BASELINES else "of refinement"
        mistakes.append(f"{place}: found a name {taken}, allowed is another: tables hold both")
    trunk = config["trunks"][model["trunk"]]
    most = len(STAGE_CHANNELS[trunk["architecture"]])
    stages = count_stages(config, model)
    if (model["head"]["type"] == "perceptron") != ("depths" in trunk):
        mistakes.append(
            f"{place}.head.type: found {model['head']['type']!r} on the trunk {model['trunk']}, "
            "allowed is perceptron on a trunk with `depths`, and only there"
        )
    if model["head"].get("components") == 0 and model["head"].get("whitening"):
        mistakes.append(
            f"{place}.head.whitening: found {model['head']['whitening']}, allowed is 0 where "
            "head.components is 0: there is nothing to whiten"
        )
    if stages and ("depths" in trunk or stages > most):
        mistakes.append(
            f"{place}.trainable_stages: found {stages}, allowed for the trunk {model['trunk']} is "
            + ("0, since it has `depths`" if "depths" in trunk else f"at most {most}")
        )
    if "stream" in model:
        mistakes += _wrong_stream(f"{place}.stream", model, trunk)
    if "image_size" in model:
        framed = config["framing"]["image_size"]
        if stages < most or not most:
            mistakes.append(
                f"{place}.image_size: found {model['image_size']}, allowed with trainable_stages "
                f"{stages} is none: only `all` are trained on images"
            )
        elif framed % model["image_size"]:
            mistakes.append(
                f"{place}.image_size: found {model['image_size']}, allowed is a divisor of "
                f"framing.image_size ({framed}); or set the model to null"
            )
    learning = model.get("images", config["n_images"])
    try:
        # A share of whole shards; a range cut in the middle may be a few images off.
        share = split_sizes(config["shard_size"], config["split"])["train"] / config["shard_size"]
    except InputError:
        # Told already.
        share = 1
    components, most = model["head"].get("components", 0), share * learning
    if "stream" not in model and components > most:
        mistakes.append(
            f"{place}.head.components: found {components}, allowed is at most the "
            f"number of training images ({most:.0f})"
        )
    if learning > config["n_images"]:
        mistakes.append(
            f"{place}.images: found {model['images']}, allowed is at most n_images "
            f"({config['n_images']})"
        )
    return mistakes


def _wrong_stream(place: str, model: dict, trunk: dict) -> list[str]:
    """What in a model doesn't fit the stream that it learns from."""
    stream, mistakes = model["stream"], []
    if list(trunk.get("depths", {})) != [IMAGE] or STAGE_CHANNELS[trunk["architecture"]]:
        mistakes.append(
            f"{place}: found a stream with the trunk {model['trunk']}, allowed is one of the "
            f"architecture pixels with the depth {IMAGE} alone"
        )
    if "images" in model:
        mistakes.append(f"{place}: found a stream beside `images`, allowed is one of both")
    components = model["head"].get("components", 1)
    # The map from middles to means has as many inputs, and one more.
    if not 0 < components < stream["framed"] - 1:
        mistakes.append(
            f"{place}.framed: found {stream['framed']} with {components} head.components, allowed are "
            "components, and at least two more framed materials than these"
        )
    if components > 3 * stream["cells"]:
        mistakes.append(
            f"{place}.cells: found {stream['cells']} with {components} head.components, allowed is at "
            "least a third of these: a cell has three values"
        )
    return mistakes


def _wrong_predictions(config: dict) -> list[str]:
    """What in the predictions of the user's pictures doesn't fit the rest."""
    predictions, models = config["predictions"], given_models(config)
    mistakes = []
    # One that is left out is no mistake until a picture's material is asked for.
    if predictions["model"] is None and not predictions["refine"]:
        mistakes.append(
            "predictions.refine: found false, allowed is true where predictions.model is null"
        )
    if predictions["model"] is not None and predictions["model"] not in models:
        mistakes.append(
            f"predictions.model: found {predictions['model']!r}, allowed is one of "
            f"{', '.join(models)}{hint(predictions['model'], models)}"
        )
    if predictions["alternatives"] and not predictions["refine"]:
        mistakes.append(
            f"predictions.alternatives: found {predictions['alternatives']}, allowed is 0 where "
            "predictions.refine is false"
        )
    return mistakes


def _missing_file(key: str, value: str, names: list[str]) -> list[str]:
    if value in names:
        return []
    if "{" in value or "}" in value:
        return [
            f"{key}: found {shown(value)}, allowed is a path without braces, which Snakemake takes for "
            "wildcards"
        ]
    try:
        if Path(value).is_file():
            return []
    except OSError:
        # Such as a name that is too long for any file.
        pass
    return [
        f"{key}: found {shown(value)}, allowed is {' or '.join(names)} or the path of a file; "
        "no such file"
    ]
