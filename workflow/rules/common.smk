"""Names and functions that the rules share. Nothing here reads an image or a tensor."""

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

WORKFLOW = Path(workflow.basedir) / "workflow"
PACKAGE = WORKFLOW / "inverse_shading"

# Snakemake hands this path on to every script.
sys.path.insert(0, str(WORKFLOW))

from inverse_shading.config.check import (
    check_config,
    model_config,
    model_definitions,
    model_names,
    search_config,
    sort_keys,
    study_names,
    trainable_stages,
)
from inverse_shading.evaluation.predictor_names import BASELINES
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.hardware import has_gpu
from inverse_shading.scene.built_in_lights import LIGHTS
from inverse_shading.pictures.folder import picture_of, pictures_in
from inverse_shading.runtime.provenance import code_digests
from inverse_shading.dataset.ranges import image_ranges
from inverse_shading.dataset.splits import shards_of_sample

try:
    check_config(config)
except InputError as error:
    raise WorkflowError(str(error))


RANGES = [str(images) for images in image_ranges(config["n_images"], config["shard_size"])]
# The first shards, as many as it takes to show that many examples.
EXAMPLE_RANGES = RANGES[: -(-config["figures"]["example_images"] // config["shard_size"])]
# The first shards, as many as it takes to hold the test images whose predictions are rendered.
SAMPLE_RANGES = RANGES[
    : shards_of_sample(config["appearance"]["images"], config["shard_size"], config["split"])
]
# Likewise for the validation images that intervals are calibrated on.
CALIBRATION_RANGES = RANGES[
    : shards_of_sample(
        config["refinement"]["calibration_images"],
        config["shard_size"],
        config["split"],
        "validation",
    )
]
# The stage's object in another light and view, see appearance.novel in the config.
NOVEL_STAGE = config["stage"] | config["appearance"]["novel"]
MODELS = model_names(config)
DEFINITIONS = model_definitions(config)
STUDIES = study_names(config)
SEEDS = [int(seed) for seed in config["seeds"]]
# The model that materials of the user's pictures are predicted by.
PREDICTING = config["predictions"]["model"]
FIGURES = [
    "results/figures/examples.png",
    "results/figures/learning_curves.png",
    "results/figures/error_by_parameter.png",
    "results/figures/paired_tests.png",
    "results/figures/gallery.png",
    *(f"results/figures/predicted_against_true/{model}.png" for model in MODELS),
]


# One GPU a machine, not one in all: a limit such as `--resources gpu=1` holds for the jobs of one
# machine, or of one submission to a cluster, and not for how many are submitted.
resource_scopes:
    gpu="local",


wildcard_constraints:
    range=r"\d+-\d+",
    model="|".join(DEFINITIONS),
    # The comparison itself lies in results, each study's in a folder of its own.
    table=r"(studies/[a-z0-9_]+/)?",
    # None may be left; then nothing matches.
    study="|".join(STUDIES) or "-",
    seed=r"\d+",
    trunk="|".join(config["trunks"]),
    name=r"[^/]+",
    baseline="|".join(BASELINES),
    # A folder under results.
    predictor="|".join(
        [
            *(f"models/{model}" for model in DEFINITIONS),
            *(f"baselines/{baseline}" for baseline in BASELINES),
            "refined",
        ]
    ),


def sliced(**values):
    """The part of the config that an output depends on, in one form however it was written."""
    return sort_keys(values)


def code(script, *modules):
    """Digests of a script, of what it imports, and of files of the package that it loads by name."""
    entries = [WORKFLOW / "scripts" / script, *(PACKAGE / module for module in modules)]
    return code_digests(entries, PACKAGE)


def gpus(wildcards):
    """GPUs that a job of the trunks and heads asks for: one, unless there is none or it may not."""
    wanted = config["device"] == "cuda" or (config["device"] == "auto" and has_gpu())
    return int(wanted)


def user_files(stage):
    """A function of wildcards: the user's own mesh and environment, where a stage's section names some."""
    files = {key: stage[key] for key in ("mesh", "environment") if stage[key] not in LIGHTS}
    return lambda wildcards: files


def stage_slice(stage):
    """What a stage is made from, beside the user's own files."""
    render = {key: config["render"][key] for key in ("frame_size", "environment_samples")}
    return sliced(stage=stage, **render)


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


def trunk_slice(wildcards):
    """What a trunk's weights depend on."""
    trunk = config["trunks"][wildcards.trunk]
    settings = {key: trunk[key] for key in ("architecture", "weights")}
    if settings["weights"] != "random":
        return sliced(**settings)
    # Batch statistics are measured in batches of this size.
    return sliced(**settings, seed=config["seed"], batch_size=config["features"]["batch_size"])


def features_slice(wildcards):
    """What features depend on beside the images and the trunk's weights."""
    trunk = config["trunks"][wildcards.trunk]
    return sliced(
        **{key: trunk[key] for key in ("architecture", "depths") if key in trunk},
        precision=config["features"]["precision"],
        threads=config["threads"],
    )


def trunk_of(model):
    return DEFINITIONS[model]["trunk"]


def model_inputs(wildcards):
    """What a model is trained and evaluated on: kept features, or images where its trunk is trained."""
    if trainable_stages(config, wildcards.model):
        return expand("results/images/{range}.npy", range=RANGES)
    return expand(
        "results/features/{trunk}/{range}.npy", trunk=trunk_of(wildcards.model), range=RANGES
    )


def model_trunk(wildcards):
    return f"results/trunks/{trunk_of(wildcards.model)}.safetensors"


def trained_trunk(wildcards):
    """The trunk's weights where training goes on from them."""
    return model_trunk(wildcards) if trainable_stages(config, wildcards.model) else []


def model_slice(wildcards):
    """What one training of a model depends on."""
    settings = model_config(config, wildcards.model, int(wildcards.seed))
    return sliced(**settings, threads=config["threads"])


def card_slice(wildcards):
    """What it takes to use a model beside its files."""
    trunk = config["trunks"][trunk_of(wildcards.model)]
    return sliced(
        model=wildcards.model,
        trunk=trunk_of(wildcards.model),
        architecture=trunk["architecture"],
        depths=trunk.get("depths"),
        trainable_stages=trainable_stages(config, wildcards.model),
        precision=config["features"]["precision"],
        batch_size=config["features"]["batch_size"],
        framing=config["framing"],
        refinement=config["refinement"],
    )


def searched(model):
    """What a search for a model's settings depends on."""
    try:
        return search_config(config, model)
    except InputError as error:
        raise WorkflowError(str(error))


def of_seeds(file):
    """A model's file of this name from every seed."""
    return expand(f"results/models/{{{{model}}}}/seeds/{{seed}}/{file}", seed=SEEDS)


def model_code(script):
    """A function of wildcards: only the objective that a model uses is part of its code."""

    def digests(wildcards):
        objective = DEFINITIONS[wildcards.model]["objective"]["type"]
        return code(script, f"network/objectives/{objective}.py")

    return digests


def models_of(wildcards):
    """The models of a table: those of the comparison, and in a study its own."""
    study = wildcards.table.split("/")[1] if wildcards.table else None
    return MODELS + (model_names(config, study) if study else [])


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


def axis_points(wildcards):
    """The models that a study's figure shows: model, the one that it is like, place on the axis."""
    study, axis = wildcards.study, config["studies"][wildcards.study].get("axis")
    names = model_names(config, study)
    if axis is None:
        raise WorkflowError(f"studies.{study}.axis: found nothing, allowed is images or bins")

    def place(model):
        definition = DEFINITIONS[model]
        if axis == "images":
            return definition.get("images", config["n_images"])
        return definition["objective"]["count"]

    groups = {name: DEFINITIONS[name].get("like", name) for name in names}
    # The models that they are like stand on the axis too.
    groups |= {base: base for base in groups.values()}
    return [{"model": name, "group": base, "place": place(name)} for name, base in groups.items()]


def prediction_inputs(wildcards):
    """The user's picture of a name, and the model that finds its material."""
    if PREDICTING not in DEFINITIONS:
        raise WorkflowError(f"predictions.model: found {PREDICTING!r}, which is left out (null)")
    try:
        picture = str(picture_of(config["predictions"]["folder"], wildcards.name))
    except InputError as error:
        raise WorkflowError(f"predictions.folder: {error}")
    folder = f"results/models/{PREDICTING}"
    return {
        "picture": picture,
        "card": f"{folder}/model.json",
        "weights": f"{folder}/weights.safetensors",
        "predictions": f"{folder}/predictions.csv",
        "trunk": f"results/trunks/{trunk_of(PREDICTING)}.safetensors",
    }


def prediction_code(wildcards):
    """Only the objective of the model that is used is part of its code."""
    objective = DEFINITIONS[PREDICTING]["objective"]["type"]
    return code("predict.py", f"network/objectives/{objective}.py")


def predicted_pictures(wildcards):
    """Materials of all the user's pictures."""
    folder = config["predictions"]["folder"]
    try:
        names = [path.stem for path in pictures_in(folder)]
    except InputError as error:
        raise WorkflowError(f"predictions.folder: {error}")
    return [f"results/predictions/{name}.mtlx" for name in names]
