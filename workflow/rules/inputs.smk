"""Functions of wildcards: which files a rule reads, where that follows from the config."""


def stage_inputs(stage):
    """The user's own mesh and environment, and the files that the mesh is spread over."""
    files = slices.stage_files(stage)
    beside = buffer_files(files["mesh"]) if "mesh" in files else []
    return files | {"buffers": list(map(str, beside))}


def trunk_files(wildcards):
    """What a trunk's weights are made from: a file, or images to measure random ones on."""
    if slices.is_measured(config, wildcards.trunk):
        return {
            "images": f"results/images/{RANGES[0]}.npy",
            "split": f"results/splits/{RANGES[0]}.csv",
        }
    weights = config["trunks"][wildcards.trunk]["weights"]
    return {} if weights in ("imagenet", "none", "random") else {"weights": weights}


def trunk_of(model):
    """The file of a model's trunk."""
    return f"results/trunks/{DEFINITIONS[model]['trunk']}.safetensors"


def model_inputs(wildcards, ranges=RANGES):
    """What a model is trained and evaluated on: what its trunk's frozen part gives, or images."""
    folder = inputs_folder(config, wildcards.model)
    return expand("results/{folder}/{range}.npy", folder=folder, range=ranges)


def training_ranges(wildcards):
    """The shards that a model learns from: a data set that grows leaves those as they are."""
    images = DEFINITIONS[wildcards.model].get("images", config["n_images"])
    return slices.first_ranges(config, images)


def search_ranges(wildcards):
    """The shards that the search of a model learns from."""
    return slices.first_ranges(config, slices.search_images(config, wildcards.model))


def labels_of(kind, ranges):
    """A function of wildcards: files of a kind, of the shards that another one names."""
    return lambda wildcards: expand(f"results/{kind}/{{range}}.csv", range=ranges(wildcards))


def inputs_of(ranges):
    """A function of wildcards: `model_inputs` of the shards that another one names."""
    return lambda wildcards: model_inputs(wildcards, ranges(wildcards))


def images_of(ranges):
    """A function of wildcards: the images of the shards that another one names."""
    return lambda wildcards: expand("results/images/{range}.npy", range=ranges(wildcards))


def ranges_of_part(split):
    """A function of wildcards: the shards up to the last image of a part of those that are refined."""
    return lambda wildcards: slices.part_ranges(config, wildcards.part, split)


def found_values(wildcards):
    """What a search found for a model that is trained with it."""
    found = refusing(slices.tuning)(config, wildcards.model)
    return f"results/search/{found['model']}/best.yaml" if found else []


def model_trunk(wildcards):
    return trunk_of(wildcards.model)


def trained_trunk(wildcards):
    """The trunk's weights where training goes on from them."""
    return model_trunk(wildcards) if trainable_stages(config, wildcards.model) else []


def of_seeds(file):
    """A function of wildcards: `files_of_seeds` of the model."""
    return lambda wildcards: files_of_seeds(wildcards.model, file)


def files_of_seeds(model, file):
    """A model's file of this name from every seed."""
    seeds = model_seeds(config, model)
    return expand(f"results/models/{model}/seeds/{{seed}}/{file}", seed=seeds)


def training_settings(wildcards):
    """What one training of a model depends on."""
    return refusing(slices.model_slice)(config, wildcards.model, int(wildcards.seed))


def models_of(wildcards):
    """The models of a table: those of the comparison, and in a study its own."""
    study = wildcards.table.split("/")[1] if wildcards.table else None
    return refusing(slices.table_models)(config, study)


def of_models(file):
    """A function of wildcards: this file of every model of a table."""
    return lambda wildcards: expand(f"results/models/{{model}}/{file}", model=models_of(wildcards))


def refined(file):
    """A function of wildcards: this file of refinement, which stands in the main comparison only."""
    return lambda wildcards: [] if wildcards.table else f"results/refined/{file}"


def looked_at(wildcards):
    """What the predictors of the comparison look like.

    A study asks for the errors of its models: to render what they predict takes longer than to train them.
    """
    if wildcards.table:
        return []
    predictors = [
        *(f"models/{model}" for model in MODELS),
        *(f"baselines/{baseline}" for baseline in BASELINES),
        REFINED,
    ]
    return expand("results/{predictor}/appearance.json", predictor=predictors)


def tested(wildcards):
    """Predictors that are tested pair by pair: names and files of predictions, one of each seed.

    A constant and a bound that knows the truth are no rivals.
    """
    models = [
        (model, path)
        for model in models_of(wildcards)
        for path in files_of_seeds(model, "predictions.csv")
    ]
    return [*models, (RIDGE, f"results/baselines/{RIDGE}/predictions.csv")]


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
    """The user's picture of a name, and the model that finds its material, if there is one."""
    picture = refusing(picture_to_predict, "predictions.folder: ")(wildcards.name)
    return {"picture": str(picture), **predicting_model()}


def predicting_model():
    """Files of the model that finds materials of the user's pictures; none without one."""
    if PREDICTING is None:
        return {}
    if PREDICTING not in DEFINITIONS:
        raise WorkflowError(f"predictions.model: found {PREDICTING!r}, which is left out (null)")
    folder = f"results/models/{PREDICTING}"
    return {
        "card": f"{folder}/model.json",
        "weights": f"{folder}/weights.safetensors",
        "predictions": f"{folder}/predictions.csv",
        "trunk": trunk_of(PREDICTING),
    }


def page_inputs(wildcards):
    """Records of all the user's pictures that the workflow can use, and the model that made them."""
    names = pictures_to_predict()[0]
    return {"records": [f"results/predictions/{name}.json" for name in names], **predicting_model()}


# What Snakemake takes for a wildcard or a variable in the name of a file, and what it takes for a
# file that is made of itself again and again.
SPECIAL = re.compile(r"{.*}|<.*>")
PERIODIC = re.compile(r"(.+?)\1{20,}$")


def picture_to_predict(name):
    """The user's picture of a name.

    Raises:
        InputError: none or several, or the workflow can't make files of this name.
    """
    folder = config["predictions"]["folder"]
    picture = picture_of(folder, name)
    try:
        name.encode()
    except UnicodeEncodeError:
        found = "a name that isn't UTF-8"
    else:
        special, periodic = SPECIAL.search(name), PERIODIC.search(name)
        if special:
            found = f"{special[0]} in a name"
        elif periodic:
            found = f"a name that ends in {periodic[1]!r} again and again"
        else:
            found = ""
    if found:
        raise InputError(
            f"{picture}: found {found}, expected one that Snakemake takes for a file's. Rename it, or give "
            "it to `inverse-shading predict`."
        )
    wanted = config["predictions"]
    further = {
        f"_alternative_{number}": ("an alternative", "set predictions.alternatives to 0")
        for number in range(1, wanted["alternatives"] + 1)
    }
    # Those that end in .mtlx or .json, as a material and its record do.
    for ending in filter(lambda ending: ending.startswith("_"), endings(wanted["to"])):
        further[Path(ending).stem] = ("an export", "empty predictions.to")
    for ending, (what, remedy) in further.items():
        other = name.removesuffix(ending)
        if other != name and any(path.stem == other for path in pictures_in(folder)):
            raise InputError(
                f"{picture}: its material would take the place of {what} of {other}. Rename it, or {remedy}."
            )
    return picture


@cache
def pictures_to_predict():
    """Names of the user's pictures, and refusals of those that the workflow can't use."""
    pictures = refusing(pictures_in, "predictions.folder: ")(config["predictions"]["folder"])
    names, refusals = [], []
    for name in dict.fromkeys(path.stem for path in pictures):
        try:
            picture_to_predict(name)
            names.append(name)
        except InputError as error:
            refusals.append(str(error))
            # A name may hold what isn't text in any encoding.
            told = str(error).encode(errors="backslashreplace").decode()
            logger.error(f"ERROR predictions.folder: {told}")
    return names, refusals


def predicted_pictures(wildcards):
    """Materials of all the user's pictures that the workflow can use, and the page of them."""
    names = pictures_to_predict()[0]
    page = ["results/predictions.html"] if names else []
    return [f"results/predictions/{name}.mtlx" for name in names] + page


def refuse_unusable_pictures(log):
    """End with an error if there are pictures that the workflow can't use; the others are done."""
    refusals = pictures_to_predict()[1]
    if refusals:
        told = "\n".join(refusals)
        Path(log).write_text(told, encoding="utf-8", errors="backslashreplace")
        raise WorkflowError(
            f"{len(refusals)} of the pictures can't be used, see above; the others are done"
        )
