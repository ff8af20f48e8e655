"""What a run of any size costs: python benchmarks/scale.py --measured DIR.

Jobs, and the time and memory that Snakemake needs to plan them, are measured here by dry runs of
each size, of everything and of the one shard's renders. Bytes, files and core hours are measured in
DIR, the folder of a finished run (its `results` and its config.yaml), and extrapolated in proportion to
the number of images; what doesn't grow with it (weights, figures) is left out of the hours.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]

# Rules whose time grows with the number of images.
GROWING = ("render", "images", "features", "train", "evaluate", "baseline")
FOLDERS = ("parameters", "renders", "images", "splits", "features")


def plan(n_images: int, shard_size: int, *targets: str) -> tuple[int, float, float]:
    """Dry run from nothing: number of jobs, seconds, and MiB at the most."""
    with tempfile.TemporaryDirectory() as folder:
        config = {
            "n_images": n_images,
            "shard_size": shard_size,
            # So that the plan depends on no file.
            "trunks": {"vgg16": {"weights": "random"}, "resnet50": {"weights": "random"}},
        }
        (Path(folder) / "config.yaml").write_text(yaml.safe_dump(config))
        command = [
            sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules", "--cores", "1",
            "--snakefile", ROOT / "Snakefile", "--directory", folder, *targets,
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


def measure(folder: Path) -> tuple[int, dict[str, float], dict[str, float], int]:
    """Images of a finished run; core seconds by rule; bytes by kind of file; files but models'."""
    defaults = yaml.safe_load((ROOT / "config.yaml").read_text())
    config = defaults | yaml.safe_load((folder / "config.yaml").read_text())
    seconds: dict[str, float] = defaultdict(float)
    for path in (folder / "results" / "timings").rglob("*.tsv"):
        rule, *rest = path.relative_to(folder / "results" / "timings").parts
        # What learns from a stream doesn't grow with the images.
        if rule == "train" and "stream" in (defaults["models"].get(rest[0]) or {}):
            continue
        cores = 1 if rule in ("render", "images") else config["threads"]
        seconds[rule] += cores * float(pd.read_csv(path, sep="\t")["s"].mean())
    size = {
        name: sum(path.stat().st_size for path in (folder / "results" / name).rglob("*"))
        for name in FOLDERS
    }
    files = sum(
        path.is_file() for name in FOLDERS for path in (folder / "results" / name).rglob("*")
    )
    return config["n_images"], seconds, size, files


def main() -> None:
    """Measure and print two tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--measured", type=Path, help="folder of a finished run")
    parser.add_argument(
        "--sizes", nargs="+", default=["10000/500", "100000/500", "1000000/500", "1000000/5000"]
    )
    arguments = parser.parse_args()
    sizes = [tuple(map(int, size.split("/"))) for size in arguments.sizes]

    print("| images | a shard | jobs | planning all | memory | planning one shard |")
    print("|---:|---:|---:|---:|---:|---:|")
    for n_images, shard_size in sizes:
        jobs, seconds, memory = plan(n_images, shard_size)
        shard = f"results/renders/{shard_size:06d}-{2 * shard_size - 1:06d}.tar"
        _, alone, _ = plan(n_images, shard_size, shard)
        print(
            f"| {n_images:,} | {shard_size:,} | {jobs:,} | {seconds:.1f} s | {memory:.0f} MiB "
            f"| {alone:.1f} s |",
            flush=True,
        )
    if arguments.measured is None:
        return

    measured, seconds, size, files = measure(arguments.measured)
    shards = len(list((arguments.measured / "results" / "parameters").glob("*.csv")))
    print(f"\nin proportion to {measured:,} images in {shards} shards, in core hours:\n")
    print(f"| images | a shard | files | GB | {' | '.join(GROWING)} | all |")
    print("|" + "---:|" * (5 + len(GROWING)))
    for n_images, shard_size in sizes:
        hours = [seconds[rule] * n_images / measured / 3600 for rule in GROWING]
        gigabytes = sum(size.values()) * n_images / measured / 1e9
        cells = [
            f"{n_images:,}",
            f"{shard_size:,}",
            f"{files / shards * n_images / shard_size:,.0f}",
            f"{gigabytes:,.1f}",
            *(f"{value:.2f}" if value < 10 else f"{value:.0f}" for value in [*hours, sum(hours)]),
        ]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
