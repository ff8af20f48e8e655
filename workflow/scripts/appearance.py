"""Rule appearance: render what is predicted for test images and hold it against the truth."""

from inverse_shading.evaluation.appearance import measure_appearance
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    measure_appearance(
        snakemake.output.table,
        snakemake.output.summary,
        snakemake.params.predictor,
        snakemake.input.predictions,
        images=list(snakemake.input.images),
        stage=snakemake.input.stage,
        novel_stage=snakemake.input.novel_stage,
        framing=snakemake.params.config["framing"],
        count=snakemake.params.config["count"],
        # Where to render is no cause to render again, so it is not among the params.
        device=snakemake.config["render"]["device"],
        threads=snakemake.threads,
    )
