"""How often the intervals of a network hold, by input and kind of material, on test images.

    python benchmarks/network_intervals.py results/models/streamed

reads the model's predictions.csv. Its own ends are set by the validation images, as `predict` sets them
without refinement; beside them stands an interval of one width for all images, set by the same images.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

import numpy as np

from inverse_shading.evaluation.predictions import read_ends, read_predictions
from inverse_shading.material.kinds import material_kinds
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.prediction.trained_model import validation_intervals
from inverse_shading.report.findings import Findings, add_keep


def main() -> int:
    """Print a table of coverage and mean width."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", type=Path, help="folder of a model that gives intervals")
    parser.add_argument("--level", type=float, default=0.8)
    add_keep(parser)
    arguments = parser.parse_args()
    findings = Findings(measures=False)
    path, level = arguments.model / "predictions.csv", arguments.level
    _, true, predicted = read_predictions(path, "test")
    low, high = np.moveaxis(read_ends(path, "test"), 1, 0)
    own, common = (validation_intervals(path, level, kind) for kind in (True, False))
    columns = {
        "own": (np.minimum(low - own, predicted), np.maximum(high + own, predicted)),
        "one width": (predicted - common, predicted + common),
    }
    error = np.square(predicted - true).mean(axis=1)
    scatter = 1.96 * error.std(ddof=1) / len(error) ** 0.5
    findings.number(
        "mse", f"{error.mean():.4f} ± {scatter:.4f}", f"MSE of {len(error)} test images"
    )
    headers = ["images", "number", *(f"{name}: held, width" for name in columns)]
    rows = {"all": np.ones_like(true, bool)}
    rows |= {
        kind: np.broadcast_to(of[:, None], true.shape) for kind, of in material_kinds(true).items()
    }
    rows |= {
        name: np.broadcast_to(np.arange(10) == i, true.shape) for i, name in enumerate(PARAMETERS)
    }
    table = []
    for name, where in rows.items():
        cells = [
            f"{((start <= true) & (true <= end))[where].mean():.1%}, "
            f"{(end.clip(0, 1) - start.clip(0, 1))[where].mean():.3f}"
            for start, end in columns.values()
        ]
        table.append([name, str(where.any(axis=1).sum()), *cells])
    findings.table("intervals", headers, table)
    findings.write(arguments.keep)
    return 0


if __name__ == "__main__":
    sys.exit(main())
