"""Rule figure_error_by_parameter: which inputs are hard, and for which model."""

from inverse_shading.report.figures.error_by_parameter import draw_error_by_parameter
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    draw_error_by_parameter(snakemake.output[0], snakemake.input[0])
