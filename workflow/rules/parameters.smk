rule parameters:
    output:
        "results/parameters/{range}.csv",
    log:
        "logs/parameters/{range}.log",
    params:
        config=sliced(seed=config["seed"]),
        code=code("parameters.py"),
    message:
        "Sampling the ten inputs of materials {wildcards.range}"
    script:
        "../scripts/parameters.py"
