"""Rule train_streamed: train one model on renders that are made for it and not stored."""

from inverse_shading.runtime.jobs import job
from inverse_shading.runtime.resources import Resources
from inverse_shading.training.checkpoints import Resumption
from inverse_shading.training.stream import train_streamed
from inverse_shading.training.train_model import TrainingFiles

with job(snakemake.log[0]):
    config, params = snakemake.config, snakemake.params
    train_streamed(
        TrainingFiles(**snakemake.output),
        params.config,
        snakemake.input.stage,
        snakemake.input.trunk,
        Resources(config["device"], params.config["threads"]),
        # Where to render and how often to keep are no cause to train again, so no params.
        config["render"]["device"],
        Resumption(params.checkpoint, config["checkpoint_seconds"], params.code),
    )
