"""Rule calibrate: measure on known materials how far the intervals of refinement can be trusted."""

from inverse_shading.dataset.data_files import DataFiles
from inverse_shading.inversion.calibrate_stage import calibrate
from inverse_shading.runtime.jobs import job
from inverse_shading.runtime.resources import Resources

with job(snakemake.log[0]):
    inputs = snakemake.input
    calibrate(
        snakemake.output[0],
        inputs.stage,
        DataFiles(inputs.images, inputs.parameters, inputs.splits),
        snakemake.params.config,
        # Where to render is no cause to calibrate again, so it is not among the params.
        Resources(snakemake.config["render"]["device"], snakemake.threads),
    )
