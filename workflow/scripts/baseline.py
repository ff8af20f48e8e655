"""Rule baseline: fit one of the predictors that the models are held against."""

from inverse_shading.runtime.jobs import job
from inverse_shading.training.baselines import fit_baseline

with job(snakemake.log[0]):
    fit_baseline(
        snakemake.output.predictions,
        snakemake.output.metrics,
        snakemake.wildcards.baseline,
        snakemake.params.config,
        images=list(snakemake.input.images),
        parameters=list(snakemake.input.parameters),
        splits=list(snakemake.input.splits),
        device=snakemake.config["device"],
        threads=snakemake.params.config["threads"],
    )
