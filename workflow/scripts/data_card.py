"""Rule data_card: say what the data set is, to people and to programs."""

from pathlib import Path

from inverse_shading.report.data_card import write_data_card
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    inputs = snakemake.input
    write_data_card(
        snakemake.output.readme,
        snakemake.output.croissant,
        {
            "parameters": inputs.parameters,
            "splits": inputs.splits,
            "renders": inputs.renders,
            "images": inputs.images,
            "stage": [inputs.stage],
        },
        snakemake.params.config,
        # Of the workflow, wherever it lies: no cause to write the card again.
        Path(snakemake.scriptdir).resolve().parents[1] / "CITATION.cff",
    )
