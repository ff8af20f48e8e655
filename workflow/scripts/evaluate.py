"""Rule evaluate: predict every image with one model and measure the errors."""

from inverse_shading.dataset.data_files import DataFiles
from inverse_shading.evaluation.evaluate_model import evaluate_model
from inverse_shading.runtime.jobs import job
from inverse_shading.runtime.resources import Resources
from inverse_shading.training.found_values import with_found_values

with job(snakemake.log[0]):
    inputs, params = snakemake.input, snakemake.params
    evaluate_model(
        snakemake.output.predictions,
        snakemake.output.metrics,
        with_found_values(params.config, inputs.found or None)
        | {"model": snakemake.wildcards.model},
        weights=inputs.weights,
        summary=inputs.summary,
        trunk=inputs.trunk,
        data=DataFiles(inputs.inputs, inputs.parameters, inputs.splits),
        resources=Resources(snakemake.config["device"], params.config["threads"]),
    )
