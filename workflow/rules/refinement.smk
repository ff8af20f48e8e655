# From an image to a material by rendering: how sure that is, and the best model's answers refined.


rule calibrate:
    input:
        stage="results/stage.safetensors",
        images=expand("results/images/{range}.npy", range=CALIBRATION_RANGES),
        parameters=expand("results/parameters/{range}.csv", range=CALIBRATION_RANGES),
        splits=expand("results/splits/{range}.csv", range=CALIBRATION_RANGES),
    output:
        "results/calibration.json",
    log:
        "logs/calibrate.log",
    benchmark:
        "results/timings/calibrate.tsv"
    conda:
        "../../envs/render.yaml"
    threads: config["threads"]
    params:
        config=slices.calibration_slice(config),
        code=code("calibrate.py"),
    message:
        "Refining known materials, to learn how sure that is"
    script:
        "../scripts/calibrate.py"


rule refine:
    input:
        metrics=expand("results/models/{model}/metrics.json", model=MODELS),
        predictions=expand("results/models/{model}/predictions.csv", model=MODELS),
        images=expand("results/images/{range}.npy", range=SAMPLE_RANGES),
        stage="results/stage.safetensors",
        calibration="results/calibration.json",
    output:
        predictions="results/refined/predictions.csv",
        materials="results/refined/materials.csv",
        intervals="results/refined/intervals.csv",
        metrics="results/refined/metrics.json",
    log:
        "logs/refine.log",
    benchmark:
        "results/timings/refine.tsv"
    conda:
        "../../envs/render.yaml"
    threads: config["threads"]
    params:
        config=sliced(
            framing=config["framing"],
            settings=config["refinement"],
            count=config["appearance"]["images"],
        ),
        models=MODELS,
        code=code("refine.py"),
    message:
        "Refining the best model's answers for test images"
    script:
        "../scripts/refine.py"
