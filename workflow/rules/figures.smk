# Drawing takes a second each: on a cluster that is less than the wait for a node, so figures are drawn
# where Snakemake runs. The gallery renders, which needs a node's OpenGL: it is submitted.


rule figure_examples:
    input:
        expand("results/images/{range}.npy", range=EXAMPLE_RANGES),
    output:
        report(
            "results/figures/examples.png",
            caption="../report/examples.rst",
            category="Data set",
            labels={"content": "example images"},
        ),
    log:
        "logs/figures/examples.log",
    localrule: True
    conda:
        "../../envs/render.yaml"
    params:
        config=sliced(count=config["figures"]["example_images"]),
        code=code("figure_examples.py"),
    message:
        "Drawing example images"
    script:
        "../scripts/figure_examples.py"


rule figure_learning_curves:
    input:
        of_models("history.csv"),
    output:
        report(
            "results/{table}figures/learning_curves.png",
            caption="../report/learning_curves.rst",
            category="Models",
            labels={"model": "all", "content": "learning curves"},
        ),
    log:
        "logs/{table}figures/learning_curves.log",
    localrule: True
    conda:
        "../../envs/render.yaml"
    params:
        config=lambda wildcards: sliced(models=models_of(wildcards)),
        code=code("figure_learning_curves.py"),
    message:
        "Drawing learning curves"
    script:
        "../scripts/figure_learning_curves.py"


rule figure_predicted_against_true:
    input:
        "results/models/{model}/predictions.csv",
    output:
        report(
            "results/figures/predicted_against_true/{model}.png",
            caption="../report/predicted_against_true.rst",
            category="Models",
            labels={"model": "{model}", "content": "predicted against true"},
        ),
    log:
        "logs/figures/predicted_against_true/{model}.log",
    localrule: True
    conda:
        "../../envs/render.yaml"
    params:
        code=code("figure_predicted_against_true.py"),
    message:
        "Drawing what {wildcards.model} predicts against the truth"
    script:
        "../scripts/figure_predicted_against_true.py"


rule figure_error_by_parameter:
    input:
        "results/{table}comparison.csv",
    output:
        report(
            "results/{table}figures/error_by_parameter.png",
            caption="../report/error_by_parameter.rst",
            category="Comparison",
            labels={"content": "error by parameter"},
        ),
    log:
        "logs/{table}figures/error_by_parameter.log",
    localrule: True
    conda:
        "../../envs/render.yaml"
    params:
        code=code("figure_error_by_parameter.py"),
    message:
        "Drawing errors by parameter and model"
    script:
        "../scripts/figure_error_by_parameter.py"


rule figure_paired_tests:
    input:
        table="results/{table}paired_tests.csv",
        comparison="results/{table}comparison.csv",
    output:
        report(
            "results/{table}figures/paired_tests.png",
            caption="../report/paired_tests_figure.rst",
            category="Comparison",
            labels={"content": "paired tests"},
        ),
    log:
        "logs/{table}figures/paired_tests.log",
    localrule: True
    conda:
        "../../envs/render.yaml"
    params:
        code=code("figure_paired_tests.py"),
    message:
        "Drawing differences from the best model"
    script:
        "../scripts/figure_paired_tests.py"


rule figure_axis:
    input:
        axis_metrics,
    output:
        report(
            "results/studies/{study}/figures/axis.png",
            caption="../report/axis.rst",
            category="Studies",
            labels={"study": "{study}", "content": "error along its axis"},
        ),
    log:
        "logs/studies/{study}/figures/axis.log",
    localrule: True
    conda:
        "../../envs/render.yaml"
    params:
        config=lambda wildcards: slices.axis_slice(config, wildcards.study),
        code=code("figure_axis.py"),
    message:
        "Drawing errors along the axis of {wildcards.study}"
    script:
        "../scripts/figure_axis.py"


rule figure_gallery:
    input:
        stage="results/stage.safetensors",
        table="results/comparison.csv",
        predictions=expand("results/models/{model}/predictions.csv", model=MODELS),
        images=expand("results/images/{range}.npy", range=RANGES),
    output:
        report(
            "results/figures/gallery.png",
            caption="../report/gallery.rst",
            category="Comparison",
            labels={"content": "renders of truth and prediction"},
        ),
    log:
        "logs/figures/gallery.log",
    conda:
        "../../envs/render.yaml"
    params:
        config=sliced(
            framing=config["framing"],
            count=config["figures"]["gallery_images"],
            models=MODELS,
        ),
        code=code("figure_gallery.py"),
    message:
        "Rendering the best model's predictions beside the truth"
    script:
        "../scripts/figure_gallery.py"
