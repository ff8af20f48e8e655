"""Rule stage_outputs: run the frozen stages of a trunk on the images of one range."""

from inverse_shading.network.stage_outputs import extract_stage_outputs
from inverse_shading.runtime.jobs import job
from inverse_shading.runtime.resources import Resources

with job(snakemake.log[0]):
    extract_stage_outputs(
        snakemake.output[0],
        snakemake.input.trunk,
        snakemake.input.images,
        snakemake.params.config
        | {
            "first_trained": int(snakemake.wildcards.stage),
            # It shapes speed and memory, not the outputs: no cause to run again.
            "batch_size": snakemake.config["features"]["batch_size"],
        },
        Resources(snakemake.config["device"], snakemake.params.config["threads"]),
    )
