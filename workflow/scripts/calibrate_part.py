"""Rule calibrate_part: refine some images of known materials."""

from inverse_shading.dataset.data_files import DataFiles
from inverse_shading.dataset.ranges import parse_range
from inverse_shading.inversion.calibrate_stage import refine_known_images
from inverse_shading.runtime.jobs import job
from inverse_shading.runtime.resources import Resources

with job(snakemake.log[0]):
    inputs = snakemake.input
    refine_known_images(
        snakemake.output[0],
        inputs.stage,
        parse_range(snakemake.wildcards.part),
        DataFiles(inputs.images, inputs.parameters, inputs.splits),
        snakemake.params.config,
        # Where to render is no cause to refine again, so it is not among the params.
        Resources(snakemake.config["render"]["device"], snakemake.threads),
    )
