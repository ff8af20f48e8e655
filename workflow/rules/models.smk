# Models: trained, evaluated, their seeds brought together. Baselines, which need no trunk.


rule train:
    input:
        inputs=inputs_of(training_ranges),
        trunk=trained_trunk,
        found=found_values,
        parameters=labels_of("parameters", training_ranges),
        splits=labels_of("splits", training_ranges),
    output:
        weights="results/models/{model}/seeds/{seed}/weights.safetensors",
        history="results/models/{model}/seeds/{seed}/history.csv",
        summary="results/models/{model}/seeds/{seed}/training.json",
    log:
        "logs/train/{model}/{seed}.log",
    benchmark:
        "results/timings/train/{model}/{seed}.tsv"
    wildcard_constraints:
        model="|".join(model for model in DEFINITIONS if model not in STREAMED) or "-",
    conda:
        "../../envs/train.yaml"
    threads: config["threads"]
    resources:
        gpu=GPUS,
    params:
        config=training_settings,
        code=model_code("train.py"),
        # No output: it is gone when the training is over, and must outlive one that failed.
        checkpoint="results/models/{model}/seeds/{seed}/checkpoint.pt",
    message:
        "Training {wildcards.model}, seed {wildcards.seed}"
    script:
        "../scripts/train.py"


rule train_streamed:
    input:
        stage="results/stage.safetensors",
        trunk=model_trunk,
    output:
        weights="results/models/{model}/seeds/{seed}/weights.safetensors",
        history="results/models/{model}/seeds/{seed}/history.csv",
        summary="results/models/{model}/seeds/{seed}/training.json",
    log:
        "logs/train/{model}/{seed}.log",
    benchmark:
        "results/timings/train/{model}/{seed}.tsv"
    wildcard_constraints:
        # None may be left; then nothing matches.
        model="|".join(STREAMED) or "-",
    conda:
        "../../envs/predict.yaml"
    threads: config["threads"]
    resources:
        gpu=GPUS,
    params:
        config=training_settings,
        code=model_code("train_streamed.py"),
        # No outputs, as those of `train`.
        checkpoint="results/models/{model}/seeds/{seed}/checkpoint.pt",
    message:
        "Training {wildcards.model} on a stream of renders, seed {wildcards.seed}"
    script:
        "../scripts/train_streamed.py"


rule evaluate:
    input:
        weights="results/models/{model}/seeds/{seed}/weights.safetensors",
        summary="results/models/{model}/seeds/{seed}/training.json",
        trunk=model_trunk,
        found=found_values,
        inputs=model_inputs,
        parameters=expand("results/parameters/{range}.csv", range=RANGES),
        splits=expand("results/splits/{range}.csv", range=RANGES),
    output:
        predictions="results/models/{model}/seeds/{seed}/predictions.csv",
        metrics="results/models/{model}/seeds/{seed}/metrics.json",
    log:
        "logs/evaluate/{model}/{seed}.log",
    benchmark:
        "results/timings/evaluate/{model}/{seed}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: config["threads"]
    resources:
        gpu=GPUS,
    params:
        config=training_settings,
        code=model_code("evaluate.py"),
    message:
        "Evaluating {wildcards.model}, seed {wildcards.seed}"
    script:
        "../scripts/evaluate.py"


rule collect:
    input:
        weights=of_seeds("weights.safetensors"),
        history=of_seeds("history.csv"),
        summary=of_seeds("training.json"),
        predictions=of_seeds("predictions.csv"),
        metrics=of_seeds("metrics.json"),
    output:
        weights="results/models/{model}/weights.safetensors",
        history="results/models/{model}/history.csv",
        summary="results/models/{model}/training.json",
        predictions="results/models/{model}/predictions.csv",
        metrics=report(
            "results/models/{model}/metrics.json",
            caption="../report/metrics.rst",
            category="Models",
            labels={"model": "{model}", "content": "metrics"},
        ),
    log:
        "logs/collect/{model}.log",
    localrule: True
    conda:
        "../../envs/render.yaml"
    params:
        config=lambda wildcards: sliced(seeds=model_seeds(config, wildcards.model)),
        code=code("collect.py"),
    message:
        "Bringing the seeds of {wildcards.model} together"
    script:
        "../scripts/collect.py"


rule describe:
    input:
        weights="results/models/{model}/weights.safetensors",
        predictions="results/models/{model}/predictions.csv",
        metrics="results/models/{model}/metrics.json",
        trunk=model_trunk,
        stage="results/stage.safetensors",
        calibration="results/calibration.json",
    output:
        "results/models/{model}/model.json",
    log:
        "logs/describe/{model}.log",
    localrule: True
    conda:
        "../../envs/render.yaml"
    params:
        config=lambda wildcards: slices.card_slice(config, wildcards.model),
        code=code("describe.py"),
    message:
        "Describing {wildcards.model} for its use"
    script:
        "../scripts/describe.py"


rule baseline:
    input:
        images=expand("results/images/{range}.npy", range=RANGES),
        parameters=expand("results/parameters/{range}.csv", range=RANGES),
        splits=expand("results/splits/{range}.csv", range=RANGES),
    output:
        predictions="results/baselines/{baseline}/predictions.csv",
        metrics="results/baselines/{baseline}/metrics.json",
    log:
        "logs/baseline/{baseline}.log",
    benchmark:
        "results/timings/baseline/{baseline}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: config["threads"]
    params:
        config=lambda wildcards: slices.baseline_slice(config, wildcards.baseline),
        code=code("baseline.py"),
    message:
        "Fitting the baseline {wildcards.baseline}"
    script:
        "../scripts/baseline.py"
