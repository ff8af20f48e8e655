"""Rule trunk: make the one file of weights that every features job of a trunk reads."""

from inverse_shading.network.trunk_weights import prepare_trunk
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    prepare_trunk(
        snakemake.output[0],
        snakemake.params.config,
        images=snakemake.input.get("images"),
        split=snakemake.input.get("split"),
    )
