"""Rule figure_paired_tests: every model and baseline against the best model."""

from inverse_shading.report.figures.paired_tests import draw_paired_tests
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    draw_paired_tests(
        snakemake.output[0],
        table=snakemake.input.table,
        comparison=snakemake.input.comparison,
    )
