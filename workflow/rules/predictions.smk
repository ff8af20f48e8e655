# Materials for pictures of the user's own; asked for by name, and never part of the whole.


rule predict:
    input:
        unpack(prediction_inputs),
        stage="results/stage.safetensors",
    output:
        # And alternatives, NAME_alternative_1.mtlx …: a picture may leave room for fewer than are wanted.
        material="results/predictions/{name}.mtlx",
        # Kept until it is replaced: it names the files of a former run, alternatives too.
        report=update("results/predictions/{name}.json"),
        picture=report(
            "results/predictions/{name}.png",
            caption="../report/prediction.rst",
            category="Predictions",
            labels={"picture": "{name}"},
        ),
    log:
        "logs/predict/{name}.log",
    conda:
        "../../envs/predict.yaml"
    params:
        config=slices.prediction_slice(config),
        code=lambda wildcards: (
            code("predict.py") if PREDICTING is None else code_of("predict.py", PREDICTING)
        ),
    message:
        "Finding the material of {wildcards.name}"
    script:
        "../scripts/predict.py"


rule predictions_page:
    input:
        unpack(page_inputs),
        stage="results/stage.safetensors",
    output:
        "results/predictions.html",
    log:
        "logs/predictions_page.log",
    conda:
        "../../envs/predict.yaml"
    params:
        config=slices.prediction_slice(config),
        code=code("predictions_page.py", *REPORT_TEMPLATES),
    message:
        "Writing the page of pictures"
    script:
        "../scripts/predictions_page.py"


rule predictions:
    input:
        predicted_pictures,
    log:
        "logs/predictions.log",
    localrule: True
    run:
        refuse_unusable_pictures(log[0])
