"""Rule render: render one range of materials into a shard."""

from inverse_shading.jobs import job
from inverse_shading.ranges import parse_range
from inverse_shading.rendering import render_shard

with job(snakemake.log[0]):
    render_shard(
        snakemake.output[0],
        snakemake.input.stage,
        snakemake.input.parameters,
        parse_range(snakemake.wildcards.range),
        device=snakemake.config["render"]["device"],
        threads=snakemake.threads,
    )
