"""Rule render: render one range of materials into a shard."""

from inverse_shading.dataset.ranges import parse_range
from inverse_shading.dataset.render_range import render_shard
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    render_shard(
        snakemake.output[0],
        snakemake.input.stage,
        snakemake.input.parameters,
        parse_range(snakemake.wildcards.range),
        device=snakemake.config["render"]["device"],
        threads=snakemake.threads,
    )
