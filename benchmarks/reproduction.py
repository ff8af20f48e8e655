"""What a finished run took, rule by rule, and from its first job to its last.

    python benchmarks/reproduction.py DIR/results
    python benchmarks/reproduction.py DIR/results --share appearance calibrate

reads the times that Snakemake has kept of each job. Where a run was stopped, the pause counts too. The
second one also tells what share of the run's time these rules took. Time in which several jobs run is
divided evenly among them, and time in which none runs is left out.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

from inverse_shading.report.document import STAGE_HEADERS, stage_rows
from inverse_shading.report.findings import Findings, add_keep
from inverse_shading.report.recording import read_timing, sum_timings, timed_jobs


def share(starts: np.ndarray, ends: np.ndarray, chosen: np.ndarray) -> float:
    """What part of the time in which jobs (n,) ran belongs to some of them, 0 to 1."""
    moments = np.unique(np.concatenate([starts, ends]))
    # (jobs, stretches between moments)
    running = (starts[:, None] <= moments[:-1]) & (ends[:, None] >= moments[1:])
    count = running.sum(axis=0)
    lengths = np.where(count > 0, np.diff(moments), 0)
    return float(
        (lengths * running[chosen].sum(axis=0) / np.maximum(count, 1)).sum() / lengths.sum()
    )


def main() -> int:
    """Print the minutes and a table of rules."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("results", type=Path, help="folder of a finished run")
    parser.add_argument("--share", nargs="+", default=[], metavar="RULE", help="rules of interest")
    add_keep(parser)
    arguments = parser.parse_args()
    results = arguments.results
    models = [path.parent.name for path in sorted(results.glob("models/*/metrics.json"))]
    images = sum(len(pd.read_csv(path)) for path in results.glob("parameters/*.csv"))
    jobs = timed_jobs(results / "timings", images, models)
    if not jobs:
        parser.error(f"{results}: found no timings, expected the results of a finished run")
    # Snakemake writes a job's file when the job ends.
    ends = np.array([path.stat().st_mtime for path in jobs])
    starts = ends - [read_timing(path)["s"] for path in jobs]
    findings = Findings(measures=False)
    findings.number("images", f"{images:,}", "images")
    findings.number("minutes", f"{(ends.max() - starts.min()) / 60:.1f}", "minutes in all")
    stages = sum_timings(results / "timings", images, models)
    unknown = set(arguments.share) - {stage["stage"] for stage in stages}
    if unknown:
        parser.error(f"--share: found {', '.join(sorted(unknown))}, which the run has no times of")
    if arguments.share:
        chosen = np.array([stage in arguments.share for stage in jobs.values()])
        findings.number("share", f"{100 * share(starts, ends, chosen):.1f} %", "share of the time")
    findings.table("stages", STAGE_HEADERS, stage_rows(stages))
    findings.write(arguments.keep)
    return 0


if __name__ == "__main__":
    sys.exit(main())
