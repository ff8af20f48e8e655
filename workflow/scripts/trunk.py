"""Rule trunk: make the one file of weights that every features job of a trunk reads."""

from inverse_shading.jobs import job
from inverse_shading.weights import prepare_trunk

with job(snakemake.log[0]):
    prepare_trunk(
        snakemake.output[0],
        snakemake.params.config,
        images=snakemake.input.get("images"),
        split=snakemake.input.get("split"),
    )
