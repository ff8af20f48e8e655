# From an image to a material by rendering: how sure that is, and the best model's answers refined. Both
# in parts, each on one core. They come first of what is ready: much waits for them, and looks fill the gaps.


rule calibrate_part:
    input:
        stage="results/stage.safetensors",
        images=images_of(ranges_of_part("validation")),
        parameters=labels_of("parameters", ranges_of_part("validation")),
        splits=labels_of("splits", ranges_of_part("validation")),
    output:
        "results/calibration/{part}.json",
    log:
        "logs/calibrate/{part}.log",
    benchmark:
        "results/timings/calibrate/{part}.tsv"
    priority: 1
    conda:
        "../../envs/render.yaml"
    params:
        config=slices.known_images_slice(config),
        code=code("calibrate_part.py"),
    message:
        "Refining known materials {wildcards.part}, to learn how sure that is"
    script:
        "../scripts/calibrate_part.py"


rule calibrate:
    input:
        expand("results/calibration/{part}.json", part=CALIBRATION_PARTS),
    output:
        "results/calibration.json",
    log:
        "logs/calibrate.log",
    benchmark:
        "results/timings/calibrate.tsv"
    priority: 1
    conda:
        "../../envs/render.yaml"
    params:
        interval=config["refinement"]["interval"],
        code=code("calibrate.py"),
    message:
        "Calibrating the intervals of refinement"
    script:
        "../scripts/calibrate.py"


rule refine_part:
    input:
        metrics=expand("results/models/{model}/metrics.json", model=MODELS),
        predictions=expand("results/models/{model}/predictions.csv", model=MODELS),
        images=images_of(ranges_of_part("test")),
        stage="results/stage.safetensors",
        calibration="results/calibration.json",
    output:
        "results/refined/{part}.json",
    log:
        "logs/refine/{part}.log",
    benchmark:
        "results/timings/refine/{part}.tsv"
    priority: 1
    conda:
        "../../envs/render.yaml"
    params:
        config=slices.refinement_slice(config),
        models=MODELS,
        code=code("refine_part.py"),
    message:
        "Refining the best model's answers for test images {wildcards.part}"
    script:
        "../scripts/refine_part.py"


rule refine:
    input:
        expand("results/refined/{part}.json", part=SAMPLE_PARTS),
    output:
        predictions="results/refined/predictions.csv",
        materials="results/refined/materials.csv",
        intervals="results/refined/intervals.csv",
        metrics="results/refined/metrics.json",
    log:
        "logs/refine.log",
    priority: 1
    localrule: True
    conda:
        "../../envs/render.yaml"
    params:
        interval=config["refinement"]["interval"],
        code=code("refine.py"),
    message:
        "Bringing the refined test images together"
    script:
        "../scripts/refine.py"
