"""Rule figure_axis: the error of a study's models against what they vary."""

from inverse_shading.report.figures.axis import draw_axis
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    draw_axis(
        snakemake.output[0],
        snakemake.params.config["axis"],
        snakemake.params.config["points"],
        list(snakemake.input),
    )
