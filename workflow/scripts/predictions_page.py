"""Rule predictions_page: one page of all of the user's pictures."""

from pathlib import Path

from inverse_shading.prediction.view import write_view
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    card = snakemake.input.get("card")
    write_view(
        snakemake.input.records,
        snakemake.output[0],
        snakemake.input.stage,
        None if card is None else Path(card).parent,
        snakemake.config["render"]["device"],
        settings=snakemake.params.config.get("settings"),
    )
