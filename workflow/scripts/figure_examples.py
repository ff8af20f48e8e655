"""Rule figure_examples: a picture of the data set."""

from inverse_shading.report.figures.examples import draw_examples
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    draw_examples(snakemake.output[0], list(snakemake.input), snakemake.params.config["count"])
