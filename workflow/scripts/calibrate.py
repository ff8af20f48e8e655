"""Rule calibrate: measure on known materials how far the intervals of refinement can be trusted."""

from inverse_shading.inversion.calibrate_stage import calibrate
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    calibrate(snakemake.output[0], list(snakemake.input), snakemake.params.interval)
