"""Rule images: crop and resize one range of renders."""

from inverse_shading.dataset.framed_images import write_images
from inverse_shading.dataset.ranges import parse_range
from inverse_shading.runtime.jobs import job
from inverse_shading.scene.stage_file import read_stage

with job(snakemake.log[0]):
    write_images(
        snakemake.output[0],
        snakemake.input.shard,
        read_stage(snakemake.input.stage).mask,
        parse_range(snakemake.wildcards.range),
        snakemake.params.config["framing"],
    )
