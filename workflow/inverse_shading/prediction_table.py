"""predictions.csv: what a predictor said of every image."""

from pathlib import Path

import numpy as np
import pandas as pd

from .dataset import Labels
from .files import sealed_path
from .parameters import DECIMALS, PARAMETERS


def write_predictions(path: str | Path, labels: Labels, predicted: np.ndarray) -> None:
    """Write a row an image: id, split, ten `<parameter>_true`, ten `<parameter>_predicted`.

    Args:
        labels: of all images.
        predicted: (n, 10), columns as in `parameters.PARAMETERS`.
    """
    true = labels.values.to_numpy()
    columns = {"id": labels.values.index, "split": labels.split}
    columns |= {f"{name}_true": true[:, i] for i, name in enumerate(PARAMETERS)}
    columns |= {f"{name}_predicted": predicted[:, i] for i, name in enumerate(PARAMETERS)}
    with sealed_path(path) as temporary:
        pd.DataFrame(columns).to_csv(
            temporary, index=False, float_format=f"%.{DECIMALS}f", lineterminator="\n"
        )
