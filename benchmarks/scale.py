"""What a run of any size costs: python benchmarks/scale.py DIR/results.

Jobs, and the time and memory that Snakemake needs to plan them, are measured here by dry runs of
each size, of everything and of one shard's renders. Core hours, bytes and files are those of the
finished run in DIR, in proportion to the number of images; what doesn't grow with it (weights, figures,
the first images' looks and refinement) is left out.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
sys.path.insert(0, str(ROOT / "workflow"))

from inverse_shading.report.findings import Findings, add_keep
from inverse_shading.report.recording import read_timing, timed_jobs

# Rules whose time grows with the number of images, and the folders of results that do.
GROWING = ("render", "images", "features", "train", "evaluate", "baseline")
FOLDERS = ("parameters", "renders", "images", "splits", "features")

# Their jobs have one thread each; those of the others as many as the configuration says.
OF_ONE_CORE = ("render", "images")

Size = tuple[int, int]


def plan(size: Size, *targets: str) -> tuple[int, float, float]:
    """Dry run from nothing: number of jobs, seconds, and MiB at the most.

    Args:
        size: images, and images of a shard.
    """
    with tempfile.TemporaryDirectory() as folder:
        config = {
            "n_images": size[0],
            "shard_size": size[1],
            # So that the plan depends on no file.
            "trunks": {"vgg16": {"weights": "random"}, "resnet50": {"weights": "random"}},
        }
        (Path(folder) / "config.yaml").write_text(yaml.safe_dump(config))
        command = [
            sys.executable, "-m", "snakemake", *targets, "--dry-run", "--quiet", "rules",
            "--cores", "1", "--snakefile", ROOT / "Snakefile", "--directory", folder,
            "--configfile", f"{folder}/config.yaml",
        ]  # fmt: skip
        start = time.perf_counter()
        with open(f"{folder}/output", "w+") as output:
            process = subprocess.Popen(
                list(map(str, command)), stdout=output, stderr=subprocess.STDOUT
            )
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
            output.seek(0)
            text = output.read()
        if status:
            raise SystemExit(f"the dry run failed:\n{text}")
    jobs = int(re.search(r"^total\s+(\d+)", text, re.MULTILINE)[1])
    return jobs, seconds, usage.ru_maxrss / 1024


def plan_row(size: Size) -> list[str]:
    """A row of the table of plans."""
    jobs, seconds, memory = plan(size)
    second = f"results/renders/{size[1]:06d}-{2 * size[1] - 1:06d}.tar"
    _, alone, _ = plan(size, second)
    return [*_named(size), f"{jobs:,}", f"{seconds:.1f}", f"{memory:.0f}", f"{alone:.1f}"]


def core_seconds(results: Path, images: int, threads: int) -> dict[str, float]:
    """Seconds of the jobs of each growing rule of a finished run without studies, times their cores."""
    models = [path.parent.name for path in results.glob("models/*/metrics.json")]
    seconds = dict.fromkeys(GROWING, 0.0)
    for path, stage in timed_jobs(results / "timings", images, models).items():
        rule = stage.partition("/")[0]
        # What learns from a stream of renders takes as long for any number of images.
        is_streamed = rule == "train" and "stream" in (CONFIG["models"].get(path.parent.name) or {})
        if rule in GROWING and not is_streamed:
            seconds[rule] += read_timing(path)["s"] * (1 if rule in OF_ONE_CORE else threads)
    return seconds


def growth_row(
    size: Size, images: int, shards: int, hours: Sequence[float], files: Sequence[Path]
) -> list[str]:
    """A row of the table of costs, in proportion to a finished run.

    Args:
        images, shards, hours (one a rule), files: of that run.
    """
    share = size[0] / images
    gigabytes = sum(file.stat().st_size for file in files) * share / 1e9
    shown = [value * share for value in (*hours, sum(hours))]
    return [
        *_named(size),
        f"{len(files) / shards * size[0] / size[1]:,.0f}",
        f"{gigabytes:,.1f}",
        *(f"{value:.2f}" if value < 10 else f"{value:,.0f}" for value in shown),
    ]


def _named(size: Size) -> list[str]:
    return [f"{count:,}" for count in size]


def _size(text: str) -> Size:
    images, shard = map(int, text.split("/"))
    return images, shard


def main() -> None:
    """Measure and print two tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("results", type=Path, help="the results of a finished run")
    parser.add_argument(
        "--sizes",
        type=_size,
        nargs="+",
        metavar="IMAGES/SHARD",
        default=[(10_000, 500), (100_000, 500), (1_000_000, 500), (1_000_000, 5_000)],
    )
    parser.add_argument(
        "--threads", type=int, default=CONFIG["threads"], help="of the run's configuration"
    )
    add_keep(parser)
    arguments = parser.parse_args()
    results = arguments.results
    tables = sorted(results.glob("parameters/*.csv"))
    if not tables:
        parser.error(f"{results}: found no parameters, expected the results of a finished run")
    findings = Findings()
    findings.table(
        "plans",
        ["images", "a shard", "jobs", "planning all, s", "memory, MiB", "planning one shard, s"],
        map(plan_row, arguments.sizes),
        texts=0,
    )
    images = sum(len(pd.read_csv(path)) for path in tables)
    findings.number("images", f"{images:,}", "images of the finished run")
    hours = [
        seconds / 3600 for seconds in core_seconds(results, images, arguments.threads).values()
    ]
    files = [path for name in FOLDERS for path in (results / name).rglob("*") if path.is_file()]
    findings.table(
        "growth",
        ["images", "a shard", "files", "GB", *GROWING, "all"],
        (growth_row(size, images, len(tables), hours, files) for size in arguments.sizes),
        texts=0,
    )
    findings.write(arguments.keep)


if __name__ == "__main__":
    main()
