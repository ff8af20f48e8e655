"""Rule figure_gallery: the poster's figure, renders of truth beside renders of predictions."""

from inverse_shading.evaluation.views import Views
from inverse_shading.report.figures.gallery import draw_gallery
from inverse_shading.runtime.jobs import job
from inverse_shading.runtime.resources import Resources

with job(snakemake.log[0]):
    config = snakemake.params.config
    draw_gallery(
        snakemake.output[0],
        snakemake.input.table,
        dict(zip(config["models"], snakemake.input.predictions, strict=True)),
        Views(
            list(snakemake.input.images),
            snakemake.input.stage,
            config["framing"],
            Resources(snakemake.config["render"]["device"], snakemake.threads),
        ),
        config["count"],
    )
