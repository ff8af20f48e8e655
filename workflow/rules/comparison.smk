# Reading tables and drawing take a second each: on a cluster that is less than the wait for a node, so
# they run where Snakemake does. The gallery renders, which needs a node's OpenGL: it is submitted.


rule compare:
    input:
        metrics=expand("results/models/{model}/metrics.json", model=MODELS),
        baselines=expand("results/baselines/{baseline}/metrics.json", baseline=BASELINES),
    output:
        report(
            "results/comparison.csv",
            caption="../report/comparison.rst",
            category="Comparison",
            labels={"content": "table"},
        ),
    log:
        "logs/compare.log",
    localrule: True
    conda:
        "../../envs/render.yaml"
    params:
        config=sliced(published=config["published"]),
        code=code("compare.py"),
    message:
        "Comparing models, baselines and the poster"
    script:
        "../scripts/compare.py"


rule paired_tests:
    input:
        [path for _, path in TESTED],
    output:
        report(
            "results/paired_tests.csv",
            caption="../report/paired_tests.rst",
            category="Comparison",
            labels={"content": "paired tests, table"},
        ),
    log:
        "logs/paired_tests.log",
    localrule: True
    conda:
        "../../envs/render.yaml"
    params:
        config=sliced(predictors=[name for name, _ in TESTED]),
        code=code("paired_tests.py"),
    message:
        "Testing every two models and baselines on the same images"
    script:
        "../scripts/paired_tests.py"


rule compare_markdown:
    input:
        table="results/comparison.csv",
        paired="results/paired_tests.csv",
    output:
        "results/comparison.md",
    log:
        "logs/compare_markdown.log",
    localrule: True
    conda:
        "../../envs/render.yaml"
    params:
        code=code("compare_markdown.py"),
    message:
        "Writing the comparison to read"
    script:
        "../scripts/compare_markdown.py"


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
        expand("results/models/{model}/history.csv", model=MODELS),
    output:
        report(
            "results/figures/learning_curves.png",
            caption="../report/learning_curves.rst",
            category="Models",
            labels={"model": "all", "content": "learning curves"},
        ),
    log:
        "logs/figures/learning_curves.log",
    localrule: True
    conda:
        "../../envs/render.yaml"
    params:
        config=sliced(models=MODELS),
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
        "results/comparison.csv",
    output:
        report(
            "results/figures/error_by_parameter.png",
            caption="../report/error_by_parameter.rst",
            category="Comparison",
            labels={"content": "error by parameter"},
        ),
    log:
        "logs/figures/error_by_parameter.log",
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
        table="results/paired_tests.csv",
        comparison="results/comparison.csv",
    output:
        report(
            "results/figures/paired_tests.png",
            caption="../report/paired_tests_figure.rst",
            category="Comparison",
            labels={"content": "paired tests"},
        ),
    log:
        "logs/figures/paired_tests.log",
    localrule: True
    conda:
        "../../envs/render.yaml"
    params:
        code=code("figure_paired_tests.py"),
    message:
        "Drawing differences from the best model"
    script:
        "../scripts/figure_paired_tests.py"


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
