"""Rule baseline: fit one of the predictors that the models are held against."""

from inverse_shading.baselines import fit_baseline
from inverse_shading.jobs import job

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
