"""Rule paired_tests: hold every two predictors against each other, test image by test image."""

from inverse_shading.evaluation.paired_tests import write_paired_tests
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    write_paired_tests(
        snakemake.output[0],
        zip(snakemake.params.config["predictors"], snakemake.input, strict=True),
    )
