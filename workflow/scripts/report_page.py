"""Rule report_page: everything to look at in one page for a browser."""

from inverse_shading.report.page.html import write_report
from inverse_shading.runtime.jobs import job

with job(snakemake.log[0]):
    config = snakemake.params.config
    write_report(
        snakemake.output[0],
        table=snakemake.input.table,
        predictions=dict(zip(config["models"], snakemake.input.predictions, strict=True)),
        refined=dict(zip(config["refined"], snakemake.input.refined, strict=True)),
        appearance=dict(zip(config["models"], snakemake.input.appearance, strict=True)),
        stage=snakemake.input.stage,
        novel_stage=snakemake.input.novel_stage,
        images=list(snakemake.input.images),
        framing=config["framing"],
        count=config["count"],
        device=snakemake.config["render"]["device"],
        threads=snakemake.threads,
    )
