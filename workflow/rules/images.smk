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
