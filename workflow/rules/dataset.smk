# The data set: ten inputs of a material, its render, the framed image, and which split it is in.


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
