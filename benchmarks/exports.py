"""How near exported materials look, by target, beside MaterialX's own translation.

    python benchmarks/exports.py --materials 100 --output exports.json

draws random materials that no model was trained on and exports each of them on the built-in stage.
Numbers don't depend on the threads. `--starts` tries more places for each search: what a wider search
would find. What is done is in the output after each material.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

import numpy as np

from inverse_shading.config.own_stage import stage_settings
from inverse_shading.dataset.parameter_table import sample_parameters
from inverse_shading.dataset.ranges import ImageRange
from inverse_shading.export import refit
from inverse_shading.export.certificate import PLACES, Exporter
from inverse_shading.export.targets import TARGETS
from inverse_shading.material.document import standard_library
from inverse_shading.report.findings import Findings, add_keep
from inverse_shading.runtime.files import write_text
from inverse_shading.runtime.resources import Resources
from inverse_shading.scene.make_stage import make_stage
from inverse_shading.scene.stage_file import Stage, read_stage

# Of materials that are in no data set, whose seeds are small.
SEED = 20260

HEADERS = ("target", "light", "by", "median", "95 %", "largest", "FLIP, median")


def main() -> int:
    """Measure, print, and write where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--materials", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="materials to pass over")
    parser.add_argument("--to", default=",".join(TARGETS))
    parser.add_argument("--stage", type=Path, help="a stage file instead of the built-in stage")
    parser.add_argument("--starts", type=int, help="starts of each search, all of them tried")
    parser.add_argument("--output", type=Path, help="JSON to write, all certificates")
    add_keep(parser)
    arguments = parser.parse_args()
    findings = Findings()
    names = arguments.to.split(",")
    settings = stage_settings(None, {})["export"]
    if arguments.starts:
        refit.AGREEING = np.inf
        settings |= {"restarts": arguments.starts - 1, "tolerance": 0.0}
    given = arguments.stage
    stage = read_stage(given) if given else built_in_stage()
    count = arguments.first + arguments.materials
    materials = sample_parameters(ImageRange(0, count - 1), SEED)[arguments.first :]
    found: dict[str, list[dict]] = {name: [] for name in names}
    seconds = []
    with Exporter(
        stage, Resources("auto", os.cpu_count()), standard_library(), settings
    ) as exporter:
        print(f"{len(materials)} materials, {exporter.driver}", flush=True)
        for index, material in enumerate(materials):
            start = time.process_time()
            for name in names:
                found[name].append(exporter.export(TARGETS[name], material).certificate)
            seconds.append(time.process_time() - start)
            print(f"\r{index + 1} of {len(materials)}  ", end="", file=sys.stderr, flush=True)
            if arguments.output:
                report = {name: summary(each) for name, each in found.items()}
                report |= {"materials": index + 1, "cpu_seconds_median": float(np.median(seconds))}
                content = report | {"certificates": found}
                write_text(arguments.output, json.dumps(content, indent=2) + "\n")
    findings.table("targets", HEADERS, rows(found), texts=3)
    findings.write(arguments.keep)
    return 0


def built_in_stage() -> Stage:
    """The stage as config.yaml has it."""
    settings = stage_settings(None, {})
    render = settings["render"]
    return make_stage(settings["stage"], render["frame_size"], render["environment_samples"])


def summary(certificates: list[dict]) -> dict:
    """Mean, median, 95th percentile and largest of each difference, by its path."""
    return {
        f"{place}_{kind}_{measure}": statistics([c[place][kind][measure] for c in certificates])
        for place in PLACES
        for kind in ("translation", "refitted")
        for measure in ("rms", "flip")
    }


def statistics(values: list[float]) -> dict[str, float]:
    """Of some differences."""
    return {
        "mean": round(float(np.mean(values)), 4),
        "median": round(float(np.median(values)), 4),
        "95_percent": round(float(np.quantile(values, 0.95)), 4),
        "largest": round(max(values), 4),
    }


def rows(found: dict[str, list[dict]]) -> list[list[str]]:
    """By target, light and way: RMS in levels of 255, and FLIP."""
    cells = []
    for name, certificates in found.items():
        numbers = summary(certificates)
        for place in PLACES:
            for kind in ("translation", "refitted"):
                rms, flip = (numbers[f"{place}_{kind}_{m}"] for m in ("rms", "flip"))
                shown = [f"{rms[each]:.2f}" for each in ("median", "95_percent", "largest")]
                cells.append([name, place, kind, *shown, f"{flip['median']:.4f}"])
    return cells


if __name__ == "__main__":
    sys.exit(main())
