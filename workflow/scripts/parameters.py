"""Rule parameters: sample the ten inputs of one range of materials."""

from inverse_shading.jobs import job
from inverse_shading.parameters import write_parameters
from inverse_shading.ranges import parse_range

with job(snakemake.log[0]):
    write_parameters(
        snakemake.output[0],
        parse_range(snakemake.wildcards.range),
        snakemake.params.config["seed"],
    )
