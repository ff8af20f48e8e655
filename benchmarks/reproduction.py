"""What a finished run took, stage by stage, and from its first job to its last.

    python benchmarks/reproduction.py DIR/results
    python benchmarks/reproduction.py DIR/results --share appearance calibrate

reads the times that Snakemake has kept of each job. Where a run was stopped, the pause counts too. The
second one also tells what share of all jobs' time these stages took.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

from inverse_shading.report.document import STAGE_HEADERS, stage_rows
from inverse_shading.report.findings import Findings, add_keep
from inverse_shading.report.recording import sum_timings


def main() -> int:
    """Print the minutes and a table of stages."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("results", type=Path, help="folder of a finished run")
    parser.add_argument(
        "--share", nargs="+", default=[], metavar="STAGE", help="stages of interest"
    )
    add_keep(parser)
    arguments = parser.parse_args()
    results = arguments.results
    models = [path.parent.name for path in sorted(results.glob("models/*/metrics.json"))]
    images = sum(len(pd.read_csv(path)) for path in results.glob("parameters/*.csv"))
    timings = list((results / "timings").rglob("*.tsv"))
    if not timings:
        parser.error(f"{results}: found no timings, expected the results of a finished run")
    # Snakemake writes a job's file when the job ends.
    ends = [path.stat().st_mtime for path in timings]
    starts = [
        end - float(pd.read_csv(path, sep="\t")["s"].iloc[-1])
        for path, end in zip(timings, ends, strict=True)
    ]
    findings = Findings(measures=False)
    findings.number("images", f"{images:,}", "images")
    findings.number("minutes", f"{(max(ends) - min(starts)) / 60:.1f}", "minutes in all")
    stages = sum_timings(results / "timings", images, models)
    unknown = set(arguments.share) - {stage["stage"] for stage in stages}
    if unknown:
        parser.error(f"--share: found {', '.join(sorted(unknown))}, which the run has no times of")
    if arguments.share:
        total = sum(stage["seconds"] for stage in stages)
        part = sum(stage["seconds"] for stage in stages if stage["stage"] in arguments.share)
        findings.number("share", f"{100 * part / total:.0f} %", "share of the jobs' seconds")
    findings.table("stages", STAGE_HEADERS, stage_rows(stages))
    findings.write(arguments.keep)
    return 0


if __name__ == "__main__":
    sys.exit(main())
