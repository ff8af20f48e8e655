"""Rule figure_search: draw the trials of a search."""

from inverse_shading.figure_search import draw_search
from inverse_shading.jobs import job

with job(snakemake.log[0]):
    draw_search(
        snakemake.output[0],
        snakemake.wildcards.model,
        snakemake.params.config["space"],
        snakemake.input[0],
    )
