"""Rule figure_predicted_against_true: the ten inputs as one model sees them."""

from inverse_shading.report.figures.predicted_against_true import draw_predicted_against_true
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    draw_predicted_against_true(
        snakemake.output[0], snakemake.input[0], title=snakemake.wildcards.model
    )
