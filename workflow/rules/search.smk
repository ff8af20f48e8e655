# Hyper-parameter tuning. Nothing asks for it by itself, unless `search.apply` has models trained with what
# it finds; or that is laid over the config by whoever wants it.


rule search:
    input:
        inputs=inputs_of(search_ranges),
        trunk=trained_trunk,
        parameters=labels_of("parameters", search_ranges),
        splits=labels_of("splits", search_ranges),
    output:
        best="results/search/{model}/best.yaml",
        trials="results/search/{model}/trials.csv",
    log:
        "logs/search/{model}.log",
    benchmark:
        "results/timings/search/{model}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: config["threads"]
    resources:
        gpu=GPUS,
    params:
        config=lambda wildcards: refusing(slices.search_slice)(config, wildcards.model),
        code=model_code("search.py"),
        # No outputs: they must outlive a search that failed, and one that is given more trials.
        study="results/search/{model}/study.json",
        checkpoint="results/search/{model}/trial.pt",
    message:
        "Searching settings of {wildcards.model}"
    script:
        "../scripts/search.py"


rule figure_search:
    input:
        "results/search/{model}/trials.csv",
    output:
        report(
            "results/search/{model}/trials.png",
            caption="../report/search.rst",
            category="Search",
            labels={"model": "{model}", "content": "trials"},
        ),
    log:
        "logs/search/{model}/trials.log",
    localrule: True
    conda:
        "../../envs/render.yaml"
    params:
        config=lambda wildcards: sliced(
            space=refusing(slices.search_config)(config, wildcards.model)["space"]
        ),
        code=code("figure_search.py"),
    message:
        "Drawing the trials of {wildcards.model}"
    script:
        "../scripts/figure_search.py"
