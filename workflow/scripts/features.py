"""Rule features: run a frozen trunk on the images of one range."""

from inverse_shading.network.features import extract_features
from inverse_shading.runtime.jobs import job
from inverse_shading.runtime.resources import Resources

with job(snakemake.log[0]):
    extract_features(
        snakemake.output[0],
        snakemake.input.trunk,
        snakemake.input.images,
        # The batch size shapes speed and memory, not the features: it is no cause to run again.
        snakemake.params.config | {"batch_size": snakemake.config["features"]["batch_size"]},
        Resources(snakemake.config["device"], snakemake.params.config["threads"]),
    )
