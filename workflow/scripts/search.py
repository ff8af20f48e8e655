"""Rule search: try settings of one model, one training after the other."""

from inverse_shading.runtime.jobs import job
from inverse_shading.training.search import search_model

with job(snakemake.log[0]):
    search_model(
        snakemake.output.best,
        snakemake.output.trials,
        snakemake.params.study,
        snakemake.params.checkpoint,
        snakemake.wildcards.model,
        snakemake.params.config["search"],
        inputs=list(snakemake.input.inputs),
        parameters=list(snakemake.input.parameters),
        splits=list(snakemake.input.splits),
        device=snakemake.config["device"],
        threads=snakemake.params.config["threads"],
        # How often is no cause to search again, so it is not among the params.
        checkpoint_seconds=snakemake.config["checkpoint_seconds"],
        code=snakemake.params.code,
        trunk=snakemake.input.trunk or None,
    )
