"""Rule baseline: fit one of the predictors that the models are held against."""

from inverse_shading.dataset.data_files import DataFiles
from inverse_shading.runtime.jobs import job
from inverse_shading.training.baselines import fit_baseline

with job(snakemake.log[0]):
    inputs, params = snakemake.input, snakemake.params
    fit_baseline(
        snakemake.output.predictions,
        snakemake.output.metrics,
        snakemake.wildcards.baseline,
        params.config,
        DataFiles(inputs.images, inputs.parameters, inputs.splits),
        params.config["threads"],
    )
