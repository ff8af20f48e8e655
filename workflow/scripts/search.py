"""Rule search: tune the hyper-parameters of one model, one training after the other."""

from inverse_shading.dataset.data_files import DataFiles
from inverse_shading.runtime.jobs import job
from inverse_shading.runtime.resources import Resources
from inverse_shading.training.checkpoints import Resumption
from inverse_shading.training.search import SearchFiles, search_model

with job(snakemake.log[0]):
    inputs, config, params = snakemake.input, snakemake.config, snakemake.params
    search_model(
        SearchFiles(**snakemake.output, study=params.study),
        snakemake.wildcards.model,
        params.config["search"],
        DataFiles(inputs.inputs, inputs.parameters, inputs.splits),
        Resources(config["device"], params.config["threads"]),
        # How often is no cause to search again, so it is not among the params.
        Resumption(params.checkpoint, config["checkpoint_seconds"], params.code),
        inputs.trunk or None,
    )
