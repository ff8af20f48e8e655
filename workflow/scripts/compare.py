"""Rule compare: put models, baselines and the poster's rows into one table."""

from inverse_shading.comparison_table import write_table
from inverse_shading.jobs import job

with job(snakemake.log[0]):
    write_table(
        snakemake.output[0],
        list(snakemake.input.metrics),
        list(snakemake.input.baselines),
        snakemake.params.config["published"],
    )
