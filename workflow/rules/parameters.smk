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
