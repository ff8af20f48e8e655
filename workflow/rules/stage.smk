# What every image shows but its material: the object, the light and the camera.


rule stage:
    input:
        unpack(lambda wildcards: stage_inputs(config["stage"])),
    output:
        "results/stage.safetensors",
    log:
        "logs/stage.log",
    benchmark:
        "results/timings/stage.tsv"
    conda:
        "../../envs/render.yaml"
    params:
        config=slices.stage_slice(config, config["stage"]),
        code=code("stage.py"),
    message:
        "Making the stage: mesh, camera and environment"
    script:
        "../scripts/stage.py"


use rule stage as novel_stage with:
    input:
        unpack(lambda wildcards: stage_inputs(NOVEL_STAGE)),
    output:
        "results/novel_stage.safetensors",
    log:
        "logs/novel_stage.log",
    benchmark:
        "results/timings/novel_stage.tsv"
    params:
        config=slices.stage_slice(config, NOVEL_STAGE),
        code=code("stage.py"),
    message:
        "Making the novel stage: the same object in another light and view"
