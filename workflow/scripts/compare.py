"""Rule compare: put models, baselines and the poster's rows into one table."""

from inverse_shading.comparison import write_comparison
from inverse_shading.jobs import job

with job(snakemake.log[0]):
    write_comparison(
        snakemake.output.table,
        snakemake.output.markdown,
        list(snakemake.input.metrics),
        list(snakemake.input.baselines),
        snakemake.params.config["published"],
    )
