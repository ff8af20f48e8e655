rule stage:
    input:
        unpack(user_files(config["stage"])),
    output:
        "results/stage.safetensors",
    log:
        "logs/stage.log",
    benchmark:
        "results/timings/stage.tsv"
    conda:
        "../../envs/render.yaml"
    params:
        config=stage_slice(config["stage"]),
        code=code("stage.py"),
    message:
        "Making the stage: mesh, camera and environment"
    script:
        "../scripts/stage.py"


rule novel_stage:
    input:
        unpack(user_files(NOVEL_STAGE)),
    output:
        "results/novel_stage.safetensors",
    log:
        "logs/novel_stage.log",
    benchmark:
        "results/timings/novel_stage.tsv"
    conda:
        "../../envs/render.yaml"
    params:
        config=stage_slice(NOVEL_STAGE),
        code=code("stage.py"),
    message:
        "Making the novel stage: the same object in another light and view"
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
