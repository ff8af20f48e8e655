"""Rule parameters: sample the ten inputs of one range of materials."""

from inverse_shading.dataset.parameter_table import write_parameters
from inverse_shading.dataset.ranges import parse_range
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    write_parameters(
        snakemake.output[0],
        parse_range(snakemake.wildcards.range),
        snakemake.params.config["seed"],
    )
