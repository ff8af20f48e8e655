# The data set: ten inputs of a material, its render, the framed image, and which split it is in.

# What the card is filled in from, beside the data set: its templates, and the project's citation.
DATA_CARD_FILES = [
    "report/templates/data_card.md.j2",
    "report/templates/croissant_context.json",
    "../../CITATION.cff",
]


rule parameters:
    output:
        "results/parameters/{range}.csv",
    log:
        "logs/parameters/{range}.log",
    conda:
        "../../envs/render.yaml"
    params:
        config=sliced(seed=config["seed"]),
        code=code("parameters.py"),
    message:
        "Sampling the ten inputs of materials {wildcards.range}"
    script:
        "../scripts/parameters.py"


rule split:
    output:
        "results/splits/{range}.csv",
    log:
        "logs/split/{range}.log",
    conda:
        "../../envs/render.yaml"
    params:
        config=sliced(seed=config["seed"], split=config["split"]),
        code=code("split.py"),
    message:
        "Splitting images {wildcards.range}"
    script:
        "../scripts/split.py"


rule render:
    input:
        stage="results/stage.safetensors",
        parameters="results/parameters/{range}.csv",
    output:
        "results/renders/{range}.tar",
    log:
        "logs/render/{range}.log",
    benchmark:
        "results/timings/render/{range}.tsv"
    conda:
        "../../envs/render.yaml"
    params:
        code=code("render.py"),
    message:
        "Rendering materials {wildcards.range}"
    script:
        "../scripts/render.py"


rule images:
    input:
        stage="results/stage.safetensors",
        shard="results/renders/{range}.tar",
    output:
        "results/images/{range}.npy",
    log:
        "logs/images/{range}.log",
    benchmark:
        "results/timings/images/{range}.tsv"
    conda:
        "../../envs/render.yaml"
    params:
        config=sliced(framing=config["framing"]),
        code=code("images.py"),
    message:
        "Cropping and resizing images {wildcards.range}"
    script:
        "../scripts/images.py"


rule data_card:
    input:
        parameters=expand("results/parameters/{range}.csv", range=RANGES),
        splits=expand("results/splits/{range}.csv", range=RANGES),
        renders=expand("results/renders/{range}.tar", range=RANGES),
        images=expand("results/images/{range}.npy", range=RANGES),
        stage="results/stage.safetensors",
    output:
        readme="results/README.md",
        croissant="results/croissant.json",
    log:
        "logs/data_card.log",
    localrule: True
    conda:
        "../../envs/card.yaml"
    params:
        config=slices.data_card_slice(config),
        code=code("data_card.py", *DATA_CARD_FILES),
    message:
        "Describing the data set for who publishes it"
    script:
        "../scripts/data_card.py"
