"""Rule split: divide one range of images into train, validation and test."""

from inverse_shading.jobs import job
from inverse_shading.ranges import parse_range
from inverse_shading.splits import write_split

with job(snakemake.log[0]):
    write_split(
        snakemake.output[0],
        parse_range(snakemake.wildcards.range),
        snakemake.params.config["split"],
        snakemake.params.config["seed"],
    )
