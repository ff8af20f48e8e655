# How materials that were predicted look, on the stage and on one that no predictor saw.


rule appearance:
    input:
        predictions=predicted_materials,
        images=expand("results/images/{range}.npy", range=SAMPLE_RANGES),
        stage="results/stage.safetensors",
        novel_stage="results/novel_stage.safetensors",
    output:
        table="results/{predictor}/appearance.csv",
        summary="results/{predictor}/appearance.json",
    log:
        "logs/appearance/{predictor}.log",
    benchmark:
        "results/timings/appearance/{predictor}.tsv"
    conda:
        "../../envs/render.yaml"
    params:
        config=sliced(framing=config["framing"], count=config["appearance"]["images"]),
        code=code("appearance.py"),
        predictor=lambda wildcards: Path(wildcards.predictor).name,
    message:
        "Rendering what {wildcards.predictor} predicts, in two lights and views"
    script:
        "../scripts/appearance.py"
