"""Rule collect: bring the trainings of one model from several seeds together."""

from inverse_shading.runtime.jobs import job
from inverse_shading.training.seeds import collect_seeds

with job(snakemake.log[0]):
    collect_seeds(
        dict(snakemake.output.items()),
        {name: list(paths) for name, paths in snakemake.input.items()},
        snakemake.params.config["seeds"],
    )
