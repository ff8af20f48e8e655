rule stage:
    input:
        unpack(user_files),
    output:
        "results/stage.safetensors",
    log:
        "logs/stage.log",
    benchmark:
        "results/timings/stage.tsv"
    conda:
        "../../envs/render.yaml"
    params:
        config=sliced(
            stage=config["stage"],
            frame_size=config["render"]["frame_size"],
            environment_samples=config["render"]["environment_samples"],
        ),
        code=code("stage.py"),
    message:
        "Making the stage: mesh, camera and environment"
    script:
        "../scripts/stage.py"


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
