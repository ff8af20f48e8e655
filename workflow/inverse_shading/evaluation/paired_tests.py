"""Which predictor is better, on the same test images: paired tests of every two of them.

Of each test image and predictor one number counts: the squared error, averaged over the ten parameters
and over the predictor's seeds. These may be more of one predictor than of another: fewer make the mean
less certain, not larger. Two predictors are compared by its difference, image by image, so what makes
an image hard for both falls out.

Null hypothesis of the t-test: the expectation of that difference, over images drawn as the test images
were, is zero. It assumes that the images are independent draws (they are: parameters are drawn so, and
the split at random) and that the mean of the differences is about normal (true for hundreds of images
whatever their distribution; for a dozen only if they are about normal themselves).

Null hypothesis of Wilcoxon's signed-rank test: the differences are distributed symmetrically about
zero. It needs no normal mean and minds outliers less, but asks about the middle of the differences and
not about their mean, so the two tests can disagree where the distribution is skewed.

Both hold for the predictors as they were trained. How else a training could have come out is in
the interval over seeds (see `confidence`) and not in these tests.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from inverse_shading.evaluation.confidence import half_width
from inverse_shading.evaluation.metrics import image_errors
from inverse_shading.evaluation.predictions import read_predictions
from inverse_shading.runtime.artefacts import FINITE, read_csv, unusable, write_csv
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.jobs import logger, progress

# Column by column: how its values are written.
FORMATS = {
    "a": "s",
    "b": "s",
    "images": "d",
    "mse_a": ".6f",
    "mse_b": ".6f",
    "difference": ".6g",
    "low": ".6g",
    "high": ".6g",
    "p": ".6g",
    "p_wilcoxon": ".6g",
    "p_holm": ".6g",
}
COLUMNS = list(FORMATS)

# Below this p after Holm, two predictors are called different.
SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Difference:
    """One predictor against a reference, on the test images.

    Attributes:
        name: of the predictor.
        difference, low, high: its MSE less the reference's, and the 95 % interval of that.
        p_holm: p of the paired t-test, after Holm's correction for all pairs of the table.
    """

    name: str
    difference: float
    low: float
    high: float
    p_holm: float

    @property
    def interval(self) -> str:
        """The interval in brackets, signed, four decimals."""
        return f"[{format_signed(self.low)}, {format_signed(self.high)}]"

    @property
    def p_text(self) -> str:
        """p as people read it, three decimals."""
        return f"{self.p_holm:.3f}" if self.p_holm >= 0.0005 else "< 0.001"

    @property
    def verdict(self) -> str:
        """What it comes to, in words."""
        if self.p_holm >= SIGNIFICANCE:
            return "no difference shown"
        return "worse" if self.difference > 0 else "better"


def format_signed(value: float) -> str:
    """A difference with its sign, four decimals, a minus as wide as the plus."""
    return f"{value:+.4f}".replace("-", "−")


def write_paired_table(path: str | Path, rows: Iterable[dict]) -> None:
    """Write a row a pair.

    Args:
        rows: values by the keys `COLUMNS`.
    """
    cells = [{name: format(row[name], form) for name, form in FORMATS.items()} for row in rows]
    write_csv(path, pd.DataFrame(cells, columns=COLUMNS))


def read_paired_table(path: str | Path) -> pd.DataFrame:
    """Read paired_tests.csv.

    Returns:
        The columns `COLUMNS`: a and b as strings, the others as float64.

    Raises:
        InputError: missing, damaged, other columns, no row, or a value that is not a finite number.
    """
    columns = {name: str if form == "s" else FINITE for name, form in FORMATS.items()}
    return read_csv(path, "paired tests", columns)


def differences_from(path: str | Path, reference: str) -> list[Difference]:
    """All other predictors of a table against one of them.

    Returns:
        In the table's order; a positive difference says that the other one's error is larger.

    Raises:
        InputError: the table can't be read, or doesn't hold the reference.
    """
    table = read_paired_table(path)
    found = []
    for row in table.to_dict("records"):
        if row["b"] == reference:
            found.append(
                Difference(row["a"], row["difference"], row["low"], row["high"], row["p_holm"])
            )
        elif row["a"] == reference:
            found.append(
                Difference(row["b"], -row["difference"], -row["high"], -row["low"], row["p_holm"])
            )
    if not found:
        raise unusable(path, f"found no row of {reference}")
    return found


def write_paired_tests(output: str | Path, predictions: Iterable[tuple[str, str | Path]]) -> None:
    """Test every pair of predictors on the test images and write paired_tests.csv.

    Args:
        output: CSV to write, a row a pair: a, b, images, mse_a, mse_b, difference (of a less b) with
            its 95 % t-interval low to high, p of the paired t-test, p_wilcoxon of the signed-rank test,
            p_holm (p after Holm's correction for all rows of the table).
        predictions: name of a predictor and one of its predictions.csv; files of one name are its
            seeds'. Two names at least, whose order is the table's.

    Raises:
        InputError: a file can't be read, is of other test images than the others, or there is only one.
    """
    errors = _read_errors(list(predictions))
    pairs = list(itertools.combinations(errors, 2))
    rows = [
        {"a": a, "b": b} | compare(errors[a], errors[b])
        for a, b in progress(pairs, len(pairs), "pair")
    ]
    corrected = holm([row["p"] for row in rows])
    write_paired_table(
        output, [row | {"p_holm": p} for row, p in zip(rows, corrected, strict=True)]
    )
    logger.info("%d pairs of %d predictors", len(rows), len(errors))


def compare(a: np.ndarray, b: np.ndarray) -> dict:
    """Compare two predictors' errors of the same images.

    Where the two are equal on every image, both p are 1.

    Args:
        a, b: (n,) errors, at least two.

    Returns:
        images, mse_a, mse_b, difference (a − b), low, high, p, p_wilcoxon.
    """
    differences = a - b
    mean, half = float(differences.mean()), half_width(differences)
    result = {
        "images": len(differences),
        "mse_a": float(a.mean()),
        "mse_b": float(b.mean()),
        "difference": mean,
        "low": mean - half,
        "high": mean + half,
    }
    if not differences.any():
        # 0 / 0 in the t statistic, and no rank at all.
        return result | {"p": 1.0, "p_wilcoxon": 1.0}
    return result | {
        "p": float(stats.ttest_1samp(differences, 0).pvalue),
        "p_wilcoxon": float(stats.wilcoxon(differences).pvalue),
    }


def holm(p: Sequence[float]) -> list[float]:
    """Correct p values for their number, so that one false "different" among all is as rare as said.

    Holm (1979), "A simple sequentially rejective multiple test procedure": the i-th smallest of m,
    i from 0, is multiplied by m − i; none is less than a smaller one's, none is more than 1. It needs
    no independence, which pairs that share a predictor don't have.

    Returns:
        The corrected values, in the order of `p`.
    """
    p = np.asarray(p, np.float64)
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return corrected.tolist()


def _read_errors(predictions: Sequence[tuple[str, str | Path]]) -> dict[str, np.ndarray]:
    """Squared error of every test image by predictor, the mean over its seeds."""
    errors: dict[str, list[np.ndarray]] = {}
    first_path = identifiers = true = None
    for name, path in predictions:
        found, values, predicted = read_predictions(path, "test")
        if first_path is None:
            first_path, identifiers, true = path, found, values
        if found != identifiers or not np.array_equal(values, true):
            raise InputError(
                f"{path}: found other test images than in {first_path}, expected the same ones in "
                "the same order. Delete both and run the same command again to make them anew."
            )
        errors.setdefault(name, []).append(image_errors(true, predicted)[0])
    if len(errors) < 2 or len(true) < 2:
        raise InputError(
            f"Found {len(errors)} predictors and {0 if true is None else len(true)} test images; "
            "a comparison needs two of each at least. Raise n_images, or name more models."
        )
    return {name: np.mean(seeds, axis=0) for name, seeds in errors.items()}
