# Materials for pictures of the user's own; asked for by name, and never part of the whole.


rule predict:
    input:
        picture=picture,
        card=f"results/models/{PREDICTING}/model.json",
        weights=f"results/models/{PREDICTING}/weights.safetensors",
        predictions=f"results/models/{PREDICTING}/predictions.csv",
        trunk=f"results/trunks/{trunk_of(PREDICTING)}.safetensors",
        stage="results/stage.safetensors",
    output:
        material="results/predictions/{name}.mtlx",
        alternatives=[f"results/predictions/{{name}}_alternative_{i}.mtlx" for i in ALTERNATIVES],
        report="results/predictions/{name}.json",
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
        config=sliced(
            model=PREDICTING,
            refine=config["predictions"]["refine"],
            alternatives=config["predictions"]["alternatives"],
        ),
        code=code("predict.py", f"objectives/{DEFINITIONS[PREDICTING]['objective']['type']}.py"),
    message:
        "Finding the material of {wildcards.name}"
    script:
        "../scripts/predict.py"


rule predictions:
    input:
        predicted_pictures,
    localrule: True
