"""Rule predict: find the material of one of the user's pictures."""

from pathlib import Path

from inverse_shading.prediction.predict import predict_pictures
from inverse_shading.prediction.session import Options
from inverse_shading.runtime.jobs import job
from inverse_shading.runtime.resources import Resources

with job(snakemake.log[0]):
    card = snakemake.input.get("card")
    outcome = predict_pictures(
        [snakemake.input.picture],
        None if card is None else Path(card).parent,
        Path(snakemake.output.material).parent,
        Options(
            refine=snakemake.params.config["refine"],
            alternatives=snakemake.params.config["alternatives"],
            placement=snakemake.params.config["placement"],
        ),
        stage=snakemake.input.stage,
        settings=snakemake.params.config.get("settings"),
        # One image is not worth asking for a GPU.
        device="cpu",
        rendering=Resources(snakemake.config["render"]["device"], snakemake.threads),
        again=True,
        exports=snakemake.params.config.get("to", ()),
        export_settings=snakemake.params.config.get("export"),
    )
    if outcome.failures:
        raise outcome.failures[0]
