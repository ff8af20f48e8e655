"""Rule figure_learning_curves: losses by epoch of every model."""

from inverse_shading.report.figures.learning_curves import draw_learning_curves
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    draw_learning_curves(
        snakemake.output[0],
        dict(zip(snakemake.params.config["models"], snakemake.input, strict=True)),
    )
