"""Rule describe: write the card that a model is used by outside the workflow."""

from inverse_shading.prediction.model_card import write_model_card
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    write_model_card(
        snakemake.output[0],
        snakemake.params.config,
        weights=snakemake.input.weights,
        metrics=snakemake.input.metrics,
        predictions=snakemake.input.predictions,
        trunk=snakemake.input.trunk,
        stage=snakemake.input.stage,
        calibration=snakemake.input.calibration,
    )
