"""comparison.md: the comparison as people read it. Its texts are in templates/comparison.md.j2."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from inverse_shading.evaluation.comparison_table import (
    BASELINE,
    BOUND,
    ENSEMBLE,
    MODEL,
    PARAMETER_ERRORS,
    PUBLISHED,
    REFINEMENT,
    best_row,
)
from inverse_shading.evaluation.paired_tests import (
    SIGNIFICANCE,
    differences_from,
)
from inverse_shading.material.parameters import CONSTANT_MSE, PARAMETERS, RANDOM_MSE
from inverse_shading.report.comparison_columns import read_rows, readable_cells, readable_columns
from inverse_shading.report.markdown import markdown_environment
from inverse_shading.runtime.files import write_text

TEMPLATE = "comparison.md.j2"


class LookColumn(NamedTuple):
    """A column of the table of looks: its header, and the form of its numbers."""

    header: str
    form: str


# The measure first that is nearest to what an observer sees.
MEASURES = {
    "flip": LookColumn("FLIP", ".4f"),
    "psnr": LookColumn("PSNR", ".2f"),
    "ssim": LookColumn("SSIM", ".4f"),
    "rms": LookColumn("RMS", ".2f"),
}
LOOK_COLUMNS = {
    **{f"image_{name}": column for name, column in MEASURES.items()},
    **{
        f"novel_{name}": LookColumn(f"novel {column.header}", column.form)
        for name, column in MEASURES.items()
    },
    "mse_base_times_color": LookColumn("base × colour", ".2g"),
    "mse_specular_times_color": LookColumn("specular × colour", ".2g"),
    "sample_mse": LookColumn("MSE", ".4f"),
}


def write_markdown(markdown: str | Path, table: str | Path, paired: str | Path) -> None:
    """Write comparison.md from comparison.csv and paired_tests.csv.

    Raises:
        InputError: a table can't be read, or the file can't be written.
    """
    rows = read_rows(table)
    best = best_row(rows)
    rendered = [row for row in rows if row["image_flip"] is not None]
    text = (
        markdown_environment()
        .get_template(TEMPLATE)
        .render(
            rows=rows,
            best=best,
            columns=readable_columns(rows),
            readable_cells=readable_cells,
            rendered=rendered,
            models_are_rendered=bool(_of(MODEL, rendered)),
            look_columns=LOOK_COLUMNS,
            look_cells=_look_cells,
            differences=[] if best is None else differences_from(paired, best["model"]),
            significance=SIGNIFICANCE,
            choices=_choices(rows),
            precision=rows[0]["precision"],
            parameters=list(PARAMETERS),
            on_pixels=_with_weights("none", rows),
            streamed=_with_weights("streamed", rows),
            parameter_errors=_parameter_errors(_of(MODEL, rows)),
            ensembles=_of(ENSEMBLE, rows),
            refinements=_of(REFINEMENT, rows),
            baselines=_of(BASELINE, rows),
            bounds=_of(BOUND, rows),
            published=_of(PUBLISHED, rows),
            mae_is_root_mse=_mae_is_root_mse,
            constant_mse=CONSTANT_MSE,
            random_mse=RANDOM_MSE,
        )
    )
    write_text(markdown, text)


def _of(source: str, rows: Sequence[Mapping]) -> list[Mapping]:
    return [row for row in rows if row["source"] == source]


def _with_weights(word: str, rows: Sequence[Mapping]) -> list[str]:
    """Models whose column of weights has this word."""
    return [
        row["model"] for row in _of(MODEL, rows) if word in row["weights"].replace(",", "").split()
    ]


def _look_cells(row: Mapping) -> list[str]:
    return [row["model"], *(format(row[name], form) for name, (_, form) in LOOK_COLUMNS.items())]


def _choices(rows: Sequence[Mapping]) -> list[list[str]]:
    """What validation chose for each model and baseline that had a choice, as cells."""
    choices = []
    for row in rows:
        if row["source"] not in (MODEL, BASELINE):
            continue
        facts = ["" if row[key] is None else f"{row[key]:.0f}" for key in ("seeds", "chosen_seed")]
        epochs = None if row["epochs"] is None else f"{row['best_epoch']:g} of {row['epochs']:g}"
        trials = "" if row["trials"] is None else f"{row['trials']:.0f}"
        facts += [epochs or "", trials, row["tuned"]]
        if any(facts):
            choices.append([row["model"], *facts])
    return choices


def _parameter_errors(models: Sequence[Mapping]) -> list[list[str]]:
    """Test errors by parameter as cells, the smallest of each column in bold."""
    smallest = {name: min(row[name] for row in models) for name in PARAMETER_ERRORS if models}
    return [
        [
            row["model"],
            *(
                f"**{row[name]:.4f}**" if row[name] == smallest[name] else f"{row[name]:.4f}"
                for name in PARAMETER_ERRORS
            ),
        ]
        for row in models
    ]


def _mae_is_root_mse(row: Mapping) -> bool:
    """Whether a published MAE looks like the root of its MSE, at the digits that were printed.

    The two are equal only if all errors are of one size; more likely the column holds the root.
    """
    decimals = len(f"{row['test_mse']:.10f}".rstrip("0").partition(".")[2])
    return round(row["test_mae"] ** 2, decimals) == row["test_mse"]
