"""Tables as the workflow writes them, of values that a test chooses."""

import numpy as np
import pandas as pd

from inverse_shading.evaluation.comparison_table import COLUMNS
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.runtime.artefacts import write_csv


def write_predictions(path, true, predicted, split="test", identifiers=None, order=slice(None)):
    """predictions.csv to the last digit; the rows in this order."""
    if identifiers is None:
        identifiers = [f"{index:09d}" for index in range(len(true))]
    table = {"id": identifiers, "split": split}
    for suffix, values in (("true", true), ("predicted", predicted)):
        table |= {f"{name}_{suffix}": np.array(values)[:, i] for i, name in enumerate(PARAMETERS)}
    write_csv(path, pd.DataFrame(table).iloc[order])
    return path


def write_comparison(path, rows):
    """comparison.csv to the last digit; models have one seed, and what else rows lack is empty."""
    rows = [({"seeds": 1} if row["source"] == "model" else {}) | row for row in rows]
    write_csv(path, pd.DataFrame(rows).reindex(columns=COLUMNS))
    return path
