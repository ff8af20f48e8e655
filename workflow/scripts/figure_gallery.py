"""Rule figure_gallery: the poster's figure, renders of truth beside renders of predictions."""

from inverse_shading.report.figures.gallery import draw_gallery
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    draw_gallery(
        snakemake.output[0],
        table=snakemake.input.table,
        predictions=dict(
            zip(snakemake.params.config["models"], snakemake.input.predictions, strict=True)
        ),
        stage=snakemake.input.stage,
        images=list(snakemake.input.images),
        framing=snakemake.params.config["framing"],
        count=snakemake.params.config["count"],
        device=snakemake.config["render"]["device"],
        threads=snakemake.threads,
    )
