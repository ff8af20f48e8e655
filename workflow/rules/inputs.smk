"""Functions of wildcards: which files a rule reads, where that follows from the config."""


def trunk_files(wildcards):
    """What a trunk's weights are made from: a file, or images to calibrate random weights on."""
    weights = config["trunks"][wildcards.trunk]["weights"]
    if weights in ("imagenet", "none"):
        return {}
    if weights == "random":
        return {
            "images": f"results/images/{RANGES[0]}.npy",
            "split": f"results/splits/{RANGES[0]}.csv",
        }
    return {"weights": weights}


def trunk_of(model):
    """The file of a model's trunk."""
    return f"results/trunks/{DEFINITIONS[model]['trunk']}.safetensors"


def model_inputs(wildcards):
    """What a model is trained and evaluated on: kept features, or images where its trunk is trained."""
    if trainable_stages(config, wildcards.model):
        return expand("results/images/{range}.npy", range=RANGES)
    trunk = DEFINITIONS[wildcards.model]["trunk"]
    return expand("results/features/{trunk}/{range}.npy", trunk=trunk, range=RANGES)


def model_trunk(wildcards):
    return trunk_of(wildcards.model)


def trained_trunk(wildcards):
    """The trunk's weights where training goes on from them."""
    return model_trunk(wildcards) if trainable_stages(config, wildcards.model) else []


def of_seeds(file):
    """A model's file of this name from every seed."""
    return expand(f"results/models/{{{{model}}}}/seeds/{{seed}}/{file}", seed=SEEDS)


def models_of(wildcards):
    """The models of a table: those of the comparison, and in a study its own."""
    study = wildcards.table.split("/")[1] if wildcards.table else None
    return slices.table_models(config, study)


def of_models(file):
    """A function of wildcards: this file of every model of a table."""
    return lambda wildcards: expand(f"results/models/{{model}}/{file}", model=models_of(wildcards))


def refined(file):
    """A function of wildcards: this file of refinement, which stands in the main comparison only."""
    return lambda wildcards: [] if wildcards.table else f"results/refined/{file}"


def looked_at(wildcards):
    """What the predictors of a table look like."""
    models = of_models("appearance.json")(wildcards)
    baselines = expand("results/baselines/{baseline}/appearance.json", baseline=BASELINES)
    refinement = refined("appearance.json")(wildcards)
    return [*models, *baselines, *([refinement] if refinement else [])]


def tested(wildcards):
    """Predictors that are tested pair by pair: names and files of predictions, one of each seed.

    A constant and a bound that knows the truth are no rivals.
    """
    models = [
        (model, f"results/models/{model}/seeds/{seed}/predictions.csv")
        for model in models_of(wildcards)
        for seed in SEEDS
    ]
    names = ("ridge", "perceptron")
    return models + [(name, f"results/baselines/{name}/predictions.csv") for name in names]


def predicted_materials(wildcards):
    """The file of a predictor whose materials are rendered.

    Refinement's best guess at the numbers looks a little different from the material that it found.
    """
    file = "materials" if wildcards.predictor == "refined" else "predictions"
    return f"results/{wildcards.predictor}/{file}.csv"


def axis_metrics(wildcards):
    """Metrics of the models on the axis of a study."""
    points = refusing(slices.axis_points)(config, wildcards.study)
    return [f"results/models/{point['model']}/metrics.json" for point in points]


def prediction_inputs(wildcards):
    """The user's picture of a name, and the model that finds its material."""
    if PREDICTING not in DEFINITIONS:
        raise WorkflowError(f"predictions.model: found {PREDICTING!r}, which is left out (null)")
    find = refusing(picture_of, "predictions.folder: ")
    folder = f"results/models/{PREDICTING}"
    return {
        "picture": str(find(config["predictions"]["folder"], wildcards.name)),
        "card": f"{folder}/model.json",
        "weights": f"{folder}/weights.safetensors",
        "predictions": f"{folder}/predictions.csv",
        "trunk": trunk_of(PREDICTING),
    }


def predicted_pictures(wildcards):
    """Materials of all the user's pictures."""
    pictures = refusing(pictures_in, "predictions.folder: ")(config["predictions"]["folder"])
    return [f"results/predictions/{path.stem}.mtlx" for path in pictures]
