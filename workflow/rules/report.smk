# The page to read. Not part of `snakemake --report`, which would pack a page of ten megabytes into
# another one.

# Files of the refinement that the report shows, by what they are.
REFINED_FILES = {
    "predictions": "predictions.csv",
    "materials": "materials.csv",
    "intervals": "intervals.csv",
    "appearance": "appearance.csv",
    "metrics": "metrics.json",
}
REPORT_TEMPLATES = sorted(
    f"report/page/templates/{file.name}" for file in (PACKAGE / "report/page/templates").iterdir()
)


rule report_page:
    input:
        table="results/comparison.csv",
        predictions=expand("results/models/{model}/predictions.csv", model=MODELS),
        appearance=expand("results/models/{model}/appearance.csv", model=MODELS),
        refined=expand("results/refined/{file}", file=REFINED_FILES.values()),
        stage="results/stage.safetensors",
        novel_stage="results/novel_stage.safetensors",
        novel_images="results/novel_images.safetensors",
        images=expand("results/images/{range}.npy", range=SAMPLE_RANGES),
    output:
        "results/report.html",
    log:
        "logs/report_page.log",
    benchmark:
        "results/timings/report_page.tsv"
    conda:
        "../../envs/render.yaml"
    # Of the last jobs it takes longest.
    threads: config["threads"]
    params:
        config=sliced(
            framing=config["framing"],
            count=config["figures"]["report_images"],
            models=MODELS,
            refined=list(REFINED_FILES),
        ),
        code=code("report_page.py", *REPORT_TEMPLATES),
    message:
        "Writing the report"
    script:
        "../scripts/report_page.py"
