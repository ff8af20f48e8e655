"""Names and functions that all rules share. Nothing here reads an image or a tensor."""

import os
import re
import sys
from functools import cache, wraps
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

# The folder of this workflow, also where it is a module of another one, whose Snakefile lies elsewhere.
WORKFLOW = Path(str(workflow.current_basedir)).parent
PACKAGE = WORKFLOW / "inverse_shading"
if not PACKAGE.is_dir():
    raise WorkflowError(
        f"The package inverse_shading: found no folder {PACKAGE}, allowed is a workflow on this machine; "
        "clone the repository and name the path of its workflow/Snakefile."
    )

sys.path.insert(0, str(WORKFLOW))
# For scripts, whose code must be the one that is digested here, not that of another, installed version.
os.environ.update(
    PYTHONPATH=os.pathsep.join(filter(None, [str(WORKFLOW), os.getenv("PYTHONPATH")]))
)
# NumPy's threads wait for the next product by spinning. Between the small products of calibration and
# refinement that was a fifth to a third of all processor time. 2^4 cycles is the shortest wait that OpenBLAS
# takes. Sums are made in the same order: no digit depends on it.
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")

from inverse_shading.config import slices
from inverse_shading.config.check import check_config
from inverse_shading.config.models import (
    inputs_folder,
    model_definitions,
    model_names,
    model_seeds,
    study_names,
    trainable_stages,
)
from inverse_shading.config.slices import sliced
from inverse_shading.evaluation.predictor_names import BASELINES, REFINED, RIDGE
from inverse_shading.export.file_names import endings
from inverse_shading.pictures.folder import picture_of, pictures_in
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.provenance import code_digests
from inverse_shading.scene.gltf_file import buffer_files


def refusing(function, place=""):
    """The function, with its refusals in the form that Snakemake prints without a traceback.

    place: key of the config that a refusal is about, where it doesn't say so itself.
    """

    @wraps(function)
    def refuse(*arguments):
        try:
            return function(*arguments)
        except InputError as error:
            raise WorkflowError(f"{place}{error}")

    return refuse


# Those of --configfile, and the shipped one that they are laid over.
FILES = ", ".join(map(str, dict.fromkeys(workflow.configfiles)))

# In place, since scripts are handed the same object.
config.update(refusing(check_config, f"{FILES}: ")(config))


RANGES = slices.range_names(config)
EXAMPLE_RANGES = slices.first_ranges(config, config["figures"]["example_images"])
# The first shards, as many as it takes to hold the test images whose predictions are rendered.
SAMPLE_RANGES = slices.first_ranges(config, config["appearance"]["images"], "test")
# They, and the validation images that intervals are calibrated on, are refined in parts.
SAMPLE_PARTS = slices.refined_parts(config, config["appearance"]["images"], "test")
CALIBRATION_PARTS = slices.refined_parts(
    config, config["refinement"]["calibration_images"], "validation"
)
NOVEL_STAGE = slices.novel_stage(config)
MODELS = model_names(config)
DEFINITIONS = model_definitions(config)
# Models that learn from renders of their own in place of the data set's images.
STREAMED = [model for model in DEFINITIONS if "stream" in DEFINITIONS[model]]
STUDIES = study_names(config)
# The model that materials of the user's pictures are predicted by.
PREDICTING = config["predictions"]["model"]
GPUS = slices.wanted_gpus(config)
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
    part=r"\d+-\d+",
    model="|".join(DEFINITIONS),
    # The comparison itself lies in results, each study's in a folder of its own.
    table=r"(studies/[a-z0-9_]+/)?",
    # None may be left; then nothing matches.
    study="|".join(STUDIES) or "-",
    seed=r"\d+",
    trunk="|".join(config["trunks"]),
    # Of a trunk, the first that is trained.
    stage="[2-5]",
    name=r"[^/]+",
    baseline="|".join(BASELINES),
    # A folder under results.
    predictor="|".join(
        [
            *(f"models/{model}" for model in DEFINITIONS),
            *(f"baselines/{baseline}" for baseline in BASELINES),
            REFINED,
        ]
    ),


def code(script, *modules):
    """Digests of a script, of what it imports, and of files of the package that it loads by name."""
    entries = [WORKFLOW / "scripts" / script, *(PACKAGE / module for module in modules)]
    return code_digests(entries, PACKAGE)


def code_of(script, model):
    """The same where a model is used: of the objectives, only its own is part of the code."""
    objective = DEFINITIONS[model]["objective"]["type"]
    return code(script, f"network/objectives/{objective}.py")


def model_code(script):
    """A function of wildcards: `code_of` the model."""
    return lambda wildcards: code_of(script, wildcards.model)
