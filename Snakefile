# The whole workflow, whose table of contents is workflow/Snakefile. Used as
#   snakemake --cores 16                                           everything
#   snakemake --cores 4 results/models/resnet50_v3/metrics.json    one model
#   snakemake --cores 4 predictions                                materials for pictures of your own
#   snakemake --workflow-profile profiles/slurm                    everything, on a SLURM cluster
include: "workflow/Snakefile"


# The default target of an included file doesn't count.
workflow.default_target = "all"
