# Pretrained networks, and what they make of the images.


rule trunk:
    input:
        unpack(trunk_files),
    output:
        "results/trunks/{trunk}.safetensors",
    log:
        "logs/trunk/{trunk}.log",
    benchmark:
        "results/timings/trunk/{trunk}.tsv"
    # On a cluster this runs where Snakemake does: nodes often have no internet to fetch weights from.
    # Calibrating a random ResNet50 takes a CPU half a minute at most.
    localrule: True
    conda:
        "../../envs/train.yaml"
    params:
        config=lambda wildcards: slices.trunk_slice(config, wildcards.trunk),
        code=code("trunk.py"),
    message:
        "Fetching the weights of {wildcards.trunk}"
    script:
        "../scripts/trunk.py"


rule features:
    input:
        trunk="results/trunks/{trunk}.safetensors",
        images="results/images/{range}.npy",
    output:
        "results/features/{trunk}/{range}.npy",
    log:
        "logs/features/{trunk}/{range}.log",
    benchmark:
        "results/timings/features/{trunk}/{range}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: config["threads"]
    resources:
        gpu=GPUS,
    params:
        config=lambda wildcards: slices.features_slice(config, wildcards.trunk),
        code=code("features.py"),
    message:
        "Running {wildcards.trunk} on images {wildcards.range}"
    script:
        "../scripts/features.py"


rule stage_outputs:
    input:
        trunk="results/trunks/{trunk}.safetensors",
        images="results/images/{range}.npy",
    output:
        "results/features/{trunk}/before_stage_{stage}/{range}.npy",
    log:
        "logs/stage_outputs/{trunk}/{stage}/{range}.log",
    benchmark:
        "results/timings/stage_outputs/{trunk}/{stage}/{range}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: config["threads"]
    resources:
        gpu=GPUS,
    params:
        config=lambda wildcards: slices.features_slice(config, wildcards.trunk),
        code=code("stage_outputs.py"),
    message:
        "Running {wildcards.trunk} before stage {wildcards.stage} on images {wildcards.range}"
    script:
        "../scripts/stage_outputs.py"
