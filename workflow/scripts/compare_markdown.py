"""Rule compare_markdown: the comparison as a table to read."""

from inverse_shading.report.comparison_page import write_markdown
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    write_markdown(snakemake.output[0], snakemake.input.table, snakemake.input.paired)
