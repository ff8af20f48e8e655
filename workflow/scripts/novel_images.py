"""Rule novel_images: render the first test images in the novel light and view."""

from inverse_shading.evaluation.novel_images import render_novel_images
from inverse_shading.runtime.jobs import job
from inverse_shading.runtime.resources import Resources

with job(snakemake.log[0]):
    render_novel_images(
        snakemake.output[0],
        snakemake.input.parameters,
        snakemake.input.splits,
        snakemake.input.novel_stage,
        snakemake.params.config["framing"],
        snakemake.params.config["count"],
        # Where to render is no cause to render again, so it is not among the params.
        Resources(snakemake.config["render"]["device"], snakemake.threads),
    )
