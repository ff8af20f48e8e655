"""Rule appearance: render what is predicted for test images and hold it against the truth."""

from inverse_shading.evaluation.appearance import measure_appearance
from inverse_shading.evaluation.views import Views
from inverse_shading.runtime.jobs import job
from inverse_shading.runtime.resources import Resources

with job(snakemake.log[0]):
    measure_appearance(
        snakemake.output.table,
        snakemake.output.summary,
        snakemake.params.predictor,
        snakemake.input.predictions,
        Views(
            list(snakemake.input.images),
            snakemake.input.stage,
            snakemake.params.config["framing"],
            # Where to render is no cause to render again, so it is not among the params.
            Resources(snakemake.config["render"]["device"], snakemake.threads),
            snakemake.input.novel_stage,
            snakemake.input.novel_images,
        ),
        snakemake.params.config["count"],
    )
