"""Rule figure_search: draw the trials of a search."""

from inverse_shading.report.figures.search import draw_search
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    draw_search(
        snakemake.output[0],
        snakemake.wildcards.model,
        snakemake.params.config["space"],
        snakemake.input[0],
    )
