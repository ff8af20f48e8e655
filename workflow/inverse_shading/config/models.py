"""The models and studies of a configuration: their names, and each model whole."""

import copy
from collections.abc import Iterable

from inverse_shading.network.architectures import STAGE_CHANNELS
from inverse_shading.network.trained_stages import first_trained_stage
from inverse_shading.runtime.names import hint
from inverse_shading.runtime.sections import shown
from inverse_shading.runtime.wording import describe_value


def model_names(config: dict, study: str | None = None) -> list[str]:
    """The models of the configuration in its order, without those set to null.

    Args:
        study: those that this study adds; None for those of the comparison.
    """
    section = config["models"] if study is None else config["studies"][study]["models"]
    defined = model_definitions(config)
    return [name for name in section if name in defined]


def study_names(config: dict) -> list[str]:
    """The studies of the configuration in its order, without those set to null."""
    return [name for name, study in config["studies"].items() if study is not None]


def model_definitions(config: dict) -> dict[str, dict]:
    """Every model by name, those of studies too, each with what it takes over from the one it is like.

    What a model says itself lies over what it takes over, key by key; a head or an objective of
    another type replaces the whole section, and seeds aren't taken over. A model that is null, or
    like one that is, is left out; so is one of a study that wants more images than there are, or
    larger ones.
    """
    given = given_models(config)
    completed: dict[str, dict | None] = {}
    for name in given:
        _complete(config, given, name, completed)
    return {name: completed[name] for name in given if completed[name] is not None}


def model_definition(config: dict, model: str) -> dict:
    """One of `model_definitions`, without the work of all others.

    Raises:
        KeyError: there is no such model, or it is left out.
    """
    completed: dict[str, dict | None] = {}
    _complete(config, given_models(config), model, completed)
    if completed[model] is None:
        raise KeyError(model)
    return completed[model]


def _complete(
    config: dict, given: dict[str, dict | None], name: str, completed: dict[str, dict | None]
) -> None:
    """Add to those completed a model and all that it takes over from; None for those left out."""
    chain = [name]
    while chain[-1] not in completed and "like" in (given[chain[-1]] or {}):
        chain.append(given[chain[-1]]["like"])
    for each in reversed(chain):
        if each not in completed:
            own = given[each]
            base = completed[own["like"]] if "like" in (own or {}) else {}
            is_left_out = own is None or base is None or _wants_too_much(config, each, own)
            completed[each] = None if is_left_out else _lay_over(base, own)


def values_taken(config: dict, model: str, base: str, keys: Iterable[str]) -> list[str]:
    """Which of the values of a base model a model has that is like it, directly or over others.

    A value that the model, or one between the two, says itself isn't taken, nor is one of a head or an
    objective of another type.

    Args:
        keys: such as training.learning_rate.
    """
    keys, mark = list(keys), "the base model's"
    given = given_models(config)
    marked = copy.deepcopy(given[base])
    for section, name in (key.split(".") for key in keys):
        marked.setdefault(section, {})[name] = mark
    completed: dict[str, dict | None] = {}
    _complete(config, given | {base: marked}, model, completed)
    definition = completed[model]
    places = {key: key.split(".") for key in keys}
    return [
        key
        for key, (section, name) in places.items()
        if definition.get(section, {}).get(name) == mark
    ]


def _wants_too_much(config: dict, name: str, own: dict) -> bool:
    """Whether a study's model wants to learn from more images than there are, or from larger ones."""
    framing = config.get("framing")
    framed = framing.get("image_size") if isinstance(framing, dict) else None
    pairs = ((own.get("images", 0), config.get("n_images")), (own.get("image_size", 0), framed))
    return name not in config["models"] and any(
        isinstance(wanted, int) and isinstance(there, int) and wanted > there
        for wanted, there in pairs
    )


def _lay_over(base: dict, own: dict) -> dict:
    """What a model says itself over what it takes over. Seeds aren't taken over."""
    result = {key: value for key, value in copy.deepcopy(base).items() if key != "seeds"}
    for key, value in own.items():
        if key in ("head", "objective", "training") and key in result:
            fresh = value.get("type", result[key].get("type")) != result[key].get("type")
            result[key] = dict(value) if fresh else result[key] | value
        else:
            result[key] = value
    return result


def model_section(config: dict, name: str) -> list[str]:
    """Keys of the section in which a model is defined."""
    study = _study_of(config, name)
    return ["studies", study, "models"] if study else ["models"]


def _study_of(config: dict, name: str) -> str | None:
    """The study in which a model is defined; None for a model of the comparison."""
    studies = study_names(config)
    return next((study for study in studies if name in config["studies"][study]["models"]), None)


def model_seeds(config: dict, name: str) -> list[int]:
    """The seeds that a model is trained with: its own, those of its study, or those of all."""
    study = _study_of(config, name)
    sections = (model_definition(config, name), config["studies"][study] if study else {}, config)
    return next(section["seeds"] for section in sections if "seeds" in section)


def model_sections(config: dict) -> dict[str, list[str]]:
    """Keys of the section in which each model is defined, by its name."""
    return {name: model_section(config, name) for name in given_models(config)}


def trainable_stages(config: dict, model: str) -> int:
    """How many of its trunk's last stages a model trains."""
    return count_stages(config, model_definition(config, model))


def count_stages(config: dict, definition: dict) -> int:
    """How many of its trunk's last stages a model of this definition trains."""
    stages = definition.get("trainable_stages", 0)
    if stages == "all":
        stages = len(STAGE_CHANNELS[config["trunks"][definition["trunk"]]["architecture"]])
    return stages


def inputs_folder(config: dict, model: str) -> str:
    """The folder under results of what a model is trained and evaluated on.

    Features of a frozen trunk; what its frozen stages give to the first that is trained; images where
    all are trained.
    """
    definition = model_definition(config, model)
    trunk, stages = definition["trunk"], count_stages(config, definition)
    first = first_trained_stage(config["trunks"][trunk]["architecture"], stages)
    if not stages:
        return f"features/{trunk}"
    return "images" if first == 1 else f"features/{trunk}/before_stage_{first}"


def given_models(config: dict) -> dict[str, dict | None]:
    """Every model as it is written; names are unique over the comparison and all studies."""
    given = dict(config["models"])
    for study in study_names(config):
        given |= config["studies"][study]["models"]
    return given


def complete_models(config: dict) -> dict:
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


def without_likes(config: dict) -> dict:
    """The configuration without models that take over from others.

    What they lack is no mistake of theirs while it is unknown what they take over.
    """

    def section(part):
        if not isinstance(part, dict) or not isinstance(part.get("models"), dict):
            return part
        models = {
            name: model
            for name, model in part["models"].items()
            if not (isinstance(model, dict) and "like" in model)
        }
        return part | {"models": models}

    config = section(config)
    if isinstance(config.get("studies"), dict):
        studies = {name: section(study) for name, study in config["studies"].items()}
        config = config | {"studies": studies}
    return config


def wrong_likes(config: dict) -> list[str]:
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
                where = ".".join([path, str(name), *wrong[:1]])
                mistakes.append(f"{where}: found no section, allowed is one")
    if mistakes:
        return mistakes
    given = given_models(config)
    for name, model in given.items():
        if model is None or "like" not in model:
            continue
        base = model["like"]
        if not isinstance(base, str) or base not in given:
            mistakes.append(
                f"{names[name]}.{name}.like: found {shown(base)}, allowed is the name of a model"
                f"{hint(base, given)}"
            )
    return mistakes or _circles(given, names)


def _circles(given: dict[str, dict | None], sections: dict[str, str]) -> list[str]:
    """Models that are like themselves, over others or not; each circle once."""
    mistakes, seen = [], set()
    for name in given:
        chain: list[str] = []
        while name not in seen and "like" in (given[name] or {}):
            seen.add(name)
            chain.append(name)
            name = given[name]["like"]
        if name in chain:
            circle = " → ".join([*chain[chain.index(name) :], name])
            mistakes.append(
                f"{sections[name]}.{name}.like: found a circle, {circle}; "
                "allowed is a model that isn't like this one in turn"
            )
    return mistakes
