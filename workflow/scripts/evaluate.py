"""Rule evaluate: predict every image with one model and measure the errors."""

from inverse_shading.evaluation.evaluate_model import evaluate_model
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    evaluate_model(
        snakemake.output.predictions,
        snakemake.output.metrics,
        snakemake.params.config | {"model": snakemake.wildcards.model},
        weights=snakemake.input.weights,
        summary=snakemake.input.summary,
        trunk=snakemake.input.trunk,
        inputs=list(snakemake.input.inputs),
        parameters=list(snakemake.input.parameters),
        splits=list(snakemake.input.splits),
        device=snakemake.config["device"],
        threads=snakemake.params.config["threads"],
    )
