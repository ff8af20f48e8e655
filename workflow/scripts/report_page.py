"""Rule report_page: everything to look at in one page for a browser."""

from inverse_shading.evaluation.views import Views
from inverse_shading.prediction.material_file import material_template
from inverse_shading.report.page.data import read_report_data
from inverse_shading.report.page.html import write_report
from inverse_shading.runtime.jobs import job
from inverse_shading.runtime.resources import Resources

with job(snakemake.log[0]):
    config = snakemake.params.config
    data = read_report_data(
        snakemake.input.table,
        predictions=dict(zip(config["models"], snakemake.input.predictions, strict=True)),
        refined=dict(zip(config["refined"], snakemake.input.refined, strict=True)),
        appearance=dict(zip(config["models"], snakemake.input.appearance, strict=True)),
    )
    views = Views(
        list(snakemake.input.images),
        snakemake.input.stage,
        config["framing"],
        Resources(snakemake.config["render"]["device"], snakemake.threads),
        snakemake.input.novel_stage,
        snakemake.input.novel_images,
    )
    write_report(snakemake.output[0], data, views, config["count"], material_template({}))
