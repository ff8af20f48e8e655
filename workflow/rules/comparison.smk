# How good the predictors are: how what they predict looks, and the tables of all of them. Reading
# tables takes a second: on a cluster that is less than the wait for a node, so they are made where
# Snakemake runs.


rule novel_images:
    input:
        parameters=expand("results/parameters/{range}.csv", range=SAMPLE_RANGES),
        splits=expand("results/splits/{range}.csv", range=SAMPLE_RANGES),
        novel_stage="results/novel_stage.safetensors",
    output:
        "results/novel_images.safetensors",
    log:
        "logs/novel_images.log",
    benchmark:
        "results/timings/novel_images.tsv"
    conda:
        "../../envs/render.yaml"
    params:
        config=sliced(framing=config["framing"], count=config["appearance"]["images"]),
        code=code("novel_images.py"),
    message:
        "Rendering the first test images in another light and view"
    script:
        "../scripts/novel_images.py"


rule appearance:
    input:
        predictions=predicted_materials,
        images=expand("results/images/{range}.npy", range=SAMPLE_RANGES),
        stage="results/stage.safetensors",
        novel_stage="results/novel_stage.safetensors",
        novel_images="results/novel_images.safetensors",
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


rule compare:
    input:
        metrics=of_models("metrics.json"),
        baselines=expand("results/baselines/{baseline}/metrics.json", baseline=BASELINES),
        appearance=looked_at,
        refinement=refined("metrics.json"),
    output:
        report(
            "results/{table}comparison.csv",
            caption="../report/comparison.rst",
            category="Comparison",
            labels={"content": "table"},
        ),
    log:
        "logs/{table}compare.log",
    localrule: True
    conda:
        "../../envs/render.yaml"
    params:
        # The order of rows is the config's, and no trigger of Snakemake's asks for the order of inputs.
        config=lambda wildcards: sliced(published=config["published"], models=models_of(wildcards)),
        code=code("compare.py"),
    message:
        "Comparing models, baselines and the poster"
    script:
        "../scripts/compare.py"


rule paired_tests:
    input:
        lambda wildcards: [path for _, path in tested(wildcards)],
    output:
        report(
            "results/{table}paired_tests.csv",
            caption="../report/paired_tests.rst",
            category="Comparison",
            labels={"content": "paired tests, table"},
        ),
    log:
        "logs/{table}paired_tests.log",
    localrule: True
    conda:
        "../../envs/render.yaml"
    params:
        config=lambda wildcards: sliced(predictors=[name for name, _ in tested(wildcards)]),
        code=code("paired_tests.py"),
    message:
        "Testing every two models and baselines on the same images"
    script:
        "../scripts/paired_tests.py"


rule compare_markdown:
    input:
        table="results/{table}comparison.csv",
        paired="results/{table}paired_tests.csv",
    output:
        "results/{table}comparison.md",
    log:
        "logs/{table}compare_markdown.log",
    localrule: True
    conda:
        "../../envs/render.yaml"
    params:
        code=code("compare_markdown.py", "report/templates/comparison.md.j2"),
    message:
        "Writing the comparison to read"
    script:
        "../scripts/compare_markdown.py"
