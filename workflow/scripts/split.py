"""Rule split: divide one range of images into train, validation and test."""

from inverse_shading.dataset.ranges import parse_range
from inverse_shading.dataset.splits import write_split
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    write_split(
        snakemake.output[0],
        parse_range(snakemake.wildcards.range),
        snakemake.params.config["split"],
        snakemake.params.config["seed"],
    )
