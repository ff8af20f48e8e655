# Table of contents of the workflow. Used as
#   snakemake --cores 16                                           everything
#   snakemake --cores 4 results/models/resnet50_v3/metrics.json    one model
#   snakemake --cores 4 predictions                                materials for pictures of your own
#   snakemake --workflow-profile profiles/slurm                    everything, on a SLURM cluster
from snakemake.utils import min_version

min_version("9.0")


# Beside this file wherever the command is given; a --configfile is laid over it.
configfile: f"{workflow.basedir}/config.yaml"


include: "workflow/rules/common.smk"


report: "workflow/report/workflow.rst"


include: "workflow/rules/parameters.smk"
include: "workflow/rules/render.smk"
include: "workflow/rules/images.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/refinement.smk"
include: "workflow/rules/appearance.smk"
include: "workflow/rules/comparison.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/predictions.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        "results/comparison.csv",
        "results/comparison.md",
        "results/paired_tests.csv",
        expand("results/models/{model}/model.json", model=MODELS),
        "results/report.html",
        FIGURES,
    localrule: True
