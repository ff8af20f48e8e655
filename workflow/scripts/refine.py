"""Rule refine: correct the best model's answers for test images by rendering."""

from inverse_shading.inversion.refine_test_images import refine_sample
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    refine_sample(
        dict(snakemake.output.items()),
        metrics=dict(zip(snakemake.params.models, snakemake.input.metrics, strict=True)),
        predictions=dict(zip(snakemake.params.models, snakemake.input.predictions, strict=True)),
        images=list(snakemake.input.images),
        stage=snakemake.input.stage,
        calibration=snakemake.input.calibration,
        framing=snakemake.params.config["framing"],
        settings=snakemake.params.config["settings"],
        count=snakemake.params.config["count"],
        device=snakemake.config["render"]["device"],
        threads=snakemake.threads,
    )
