"""Rule compare: put models, baselines and the poster's rows into one table."""

from inverse_shading.evaluation.comparison_rows import write_comparison
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    write_comparison(
        snakemake.output[0],
        list(snakemake.input.metrics),
        list(snakemake.input.baselines),
        snakemake.params.config["published"],
        appearance=list(snakemake.input.appearance),
        # In the main table only.
        refinement=snakemake.input.refinement or None,
    )
