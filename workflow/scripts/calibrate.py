"""Rule calibrate: measure on known materials how far the intervals of refinement can be trusted."""

from inverse_shading.inversion.calibrate_stage import calibrate
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    calibrate(
        snakemake.output[0],
        snakemake.input.stage,
        images=list(snakemake.input.images),
        parameters=list(snakemake.input.parameters),
        splits=list(snakemake.input.splits),
        framing=snakemake.params.config["framing"],
        settings=snakemake.params.config["settings"],
        # Where to render is no cause to calibrate again, so it is not among the params.
        device=snakemake.config["render"]["device"],
        threads=snakemake.threads,
    )
