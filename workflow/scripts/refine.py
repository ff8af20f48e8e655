"""Rule refine: bring the refined test images together, and score them."""

from inverse_shading.inversion.refine_test_images import join_refined_images
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    join_refined_images(
        dict(snakemake.output.items()), list(snakemake.input), snakemake.params.interval
    )
