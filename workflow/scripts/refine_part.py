"""Rule refine_part: correct the best model's answers for some test images by rendering."""

from inverse_shading.dataset.ranges import parse_range
from inverse_shading.inversion.refine_test_images import refine_test_images
from inverse_shading.runtime.jobs import job
from inverse_shading.runtime.resources import Resources

with job(snakemake.log[0]):
    inputs, models = snakemake.input, snakemake.params.models
    refine_test_images(
        snakemake.output[0],
        parse_range(snakemake.wildcards.part),
        metrics=dict(zip(models, inputs.metrics, strict=True)),
        predictions=dict(zip(models, inputs.predictions, strict=True)),
        images=inputs.images,
        stage=inputs.stage,
        calibration=inputs.calibration,
        config=snakemake.params.config,
        resources=Resources(snakemake.config["render"]["device"], snakemake.threads),
    )
