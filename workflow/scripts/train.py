"""Rule train: train one model, on the kept features of its trunk or on images."""

from inverse_shading.runtime.jobs import job
from inverse_shading.training.train_model import train_model

with job(snakemake.log[0]):
    train_model(
        snakemake.output.weights,
        snakemake.output.history,
        snakemake.output.summary,
        snakemake.params.checkpoint,
        snakemake.params.config,
        inputs=list(snakemake.input.inputs),
        parameters=list(snakemake.input.parameters),
        splits=list(snakemake.input.splits),
        device=snakemake.config["device"],
        threads=snakemake.params.config["threads"],
        # How often is no cause to train again, so it is not among the params.
        checkpoint_seconds=snakemake.config["checkpoint_seconds"],
        code=snakemake.params.code,
        trunk=snakemake.input.trunk or None,
    )
