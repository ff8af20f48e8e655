"""Rule appearance: render what is predicted for test images and hold it against the truth."""

from inverse_shading.evaluation.appearance import measure_appearance
from inverse_shading.runtime.jobs import job
from inverse_shading.runtime.placement import Placement

with job(snakemake.log[0]):
    inputs = snakemake.input
    measure_appearance(
        dict(snakemake.output.items()),
        snakemake.params.predictor,
        inputs.predictions,
        images=inputs.images,
        stage=inputs.stage,
        novel_stage=inputs.novel_stage,
        config=snakemake.params.config,
        # Where to render is no cause to render again, so it is not among the params.
        placement=Placement(snakemake.config["render"]["device"], snakemake.threads),
    )
