"""Rule train: train one model, on the kept features of its trunk or on images."""

from inverse_shading.dataset.data_files import DataFiles
from inverse_shading.runtime.jobs import job
from inverse_shading.runtime.resources import Resources
from inverse_shading.training.checkpoints import Resumption
from inverse_shading.training.found_values import with_found_values
from inverse_shading.training.train_model import TrainingFiles, train_model

with job(snakemake.log[0]):
    inputs, config, params = snakemake.input, snakemake.config, snakemake.params
    train_model(
        TrainingFiles(**snakemake.output),
        with_found_values(params.config, inputs.found or None),
        DataFiles(inputs.inputs, inputs.parameters, inputs.splits),
        Resources(config["device"], params.config["threads"]),
        # How often is no cause to train again, so it is not among the params.
        Resumption(params.checkpoint, config["checkpoint_seconds"], params.code),
        inputs.trunk or None,
    )
