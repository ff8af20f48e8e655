"""The models and studies of a configuration: their names, and each model whole."""

import copy

from inverse_shading.config.wording import describe_value
from inverse_shading.network.architectures import STAGE_CHANNELS


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
    another type replaces the whole section. A model that is null, or like one that is, is left out; so
    is one of a study that wants to learn from more images than there are.
    """
    given = given_models(config)

    def complete(name: str) -> dict | None:
        own = given[name]
        if own is not None and name not in config["models"]:
            images = own.get("images", 0)
            there = config.get("n_images")
            if isinstance(images, int) and isinstance(there, int) and images > there:
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


def trainable_stages(config: dict, model: str) -> int:
    """How many of its trunk's last stages a model trains."""
    return count_stages(config, model_definitions(config)[model])


def count_stages(config: dict, definition: dict) -> int:
    """How many of its trunk's last stages a model of this definition trains."""
    stages = definition.get("trainable_stages", 0)
    if stages == "all":
        stages = len(STAGE_CHANNELS[config["trunks"][definition["trunk"]]["architecture"]])
    return stages


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
                f"{names[name]}.{name}.like: found {base!r}, allowed is the name of a model"
            )
    return mistakes or _circles(given, names)


def _circles(given: dict[str, dict | None], sections: dict[str, str]) -> list[str]:
    """Models that are like themselves, over others or not; each circle once."""
    mistakes, told = [], set()
    for name in given:
        chain = [name]
        while "like" in (given[chain[-1]] or {}) and len(set(chain)) == len(chain):
            chain.append(given[chain[-1]]["like"])
        if len(chain) > 1 and chain[-1] == name and name not in told:
            told |= set(chain)
            mistakes.append(f"{sections[name]}.{name}.like: found a circle, {' → '.join(chain)}")
    return mistakes
