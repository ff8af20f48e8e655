"""Rule stage: put mesh, camera and environment into the one file that the render workers read."""

from inverse_shading.runtime.jobs import job
from inverse_shading.scene.make_stage import write_stage

with job(snakemake.log[0]):
    write_stage(
        snakemake.output[0],
        snakemake.params.config["stage"],
        snakemake.params.config["frame_size"],
        snakemake.params.config["environment_samples"],
        # Where to render is no cause to render again, so it is not among the params.
        snakemake.config["render"]["device"],
    )
