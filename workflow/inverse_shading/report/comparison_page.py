"""The comparison as people read it: Markdown, and the few lines at the end of a run."""

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from inverse_shading.evaluation.comparison_table import (
    BASELINE,
    BOUND,
    ENSEMBLE,
    MODEL,
    PARAMETER_ERRORS,
    PUBLISHED,
    REFINEMENT,
    best_model,
    read_comparison,
)
from inverse_shading.evaluation.paired_tests import (
    SIGNIFICANCE,
    Difference,
    differences_from,
    format_signed,
)
from inverse_shading.material.parameters import CONSTANT_MSE, PARAMETERS, RANDOM_MSE
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import write_text

# Alignment of a column.
TEXT, NUMBER = "---", "---:"


def markdown_table(headers: Mapping[str, str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table; `headers` has the alignment of each column."""
    lines = [_line(headers), _line(headers.values())]
    return lines + [_line(cell.replace("|", "\\|") for cell in row) for row in rows]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


# Header and form by measure, the one that is nearest to what an observer sees first.
MEASURES = {
    "flip": ("FLIP", ".4f"),
    "psnr": ("PSNR", ".2f"),
    "ssim": ("SSIM", ".4f"),
    "rms": ("RMS", ".2f"),
}
COLUMNS = {
    **{f"image_{name}": form for name, form in MEASURES.items()},
    **{f"novel_{name}": (f"novel {title}", form) for name, (title, form) in MEASURES.items()},
    "mse_base_times_color": ("base × colour", ".2g"),
    "mse_specular_times_color": ("specular × colour", ".2g"),
    "sample_mse": ("MSE", ".4f"),
}


def appearance_section(rows: Sequence[Mapping]) -> list[str]:
    """Lines of the section, none if no row of the comparison was looked at.

    Args:
        rows: of the comparison, None where a row has no such value.
    """
    seen = _seen(rows)
    if not seen:
        return []
    headers = {"model or baseline": TEXT} | {title: NUMBER for title, _ in COLUMNS.values()}
    cells = [
        [row["model"], *(format(row[name], form) for name, (_, form) in COLUMNS.items())]
        for row in seen
    ]
    return [
        f"What is predicted for the first {seen[0]['sample_images']:.0f} test images, rendered and "
        "held against the truth: on the stage of the data set, and on a *novel* one, the same object "
        "in another light and view that no model ever saw. FLIP and RMS are better the smaller they "
        "are, PSNR and SSIM the larger. The last three columns are squared errors on the same "
        "images: of the two products that an image shows, and of the ten parameters.",
        "",
        *markdown_table(headers, cells),
    ]


def appearance_notes(rows: Sequence[Mapping]) -> list[str]:
    """What the measures are, none if no row was looked at."""
    if not _seen(rows):
        return []
    notes = [
        "**What one sees** is measured over the pixels that show the object, and averaged over images. "
        "*FLIP* (0 to 1) is how strongly an observer sees a difference who flips between the two "
        "images on a screen; *RMS* is in levels of 255 and *PSNR* its measure in decibels; *SSIM* "
        "compares structure, 1 is the same. What lies beyond [0, 1] is rendered as the nearest "
        "material.",
        "**Numbers and looks** may disagree. Different numbers may look the same, and a small error of "
        "the numbers may look wrong: the best guesses at `base` and at `base_color`, multiplied, are "
        "brighter than the product that both were guessed from, which is how the floor comes to look "
        "different from the truth. A material that is wrong but was fitted to one light and view gives "
        "itself away in the novel ones.",
    ]
    if any(row["source"] == MODEL for row in _seen(rows)):
        notes[0] += (
            " Of a model of several seeds it is the kept seed's predictions that are rendered."
        )
    return notes


def _seen(rows: Sequence[Mapping]) -> list[Mapping]:
    return [row for row in rows if row["image_flip"] is not None]


# Texts in the terminal's table are cut to these widths, which keeps it inside 110 columns.
NAME_WIDTH, WEIGHTS_WIDTH = 28, 12

INTERVAL = "test_mse_interval"

# Column of the readable tables: header, decimals (None for text). The interval is there only where a
# model has several seeds.
READABLE = {
    "model": ("model", None),
    "source": ("source", None),
    "train_mse": ("train MSE", 4),
    "validation_mse": ("val. MSE", 4),
    "test_mse": ("test MSE", 4),
    INTERVAL: ("± seeds", 4),
    "test_mae": ("test MAE", 4),
    "test_r2": ("test R²", 3),
    "test_mse_vs_ridge": ("vs ridge", 2),
    "weights": ("weights", None),
}


def write_markdown(markdown: str | Path, table: str | Path, paired: str | Path) -> None:
    """Write comparison.md from comparison.csv and paired_tests.csv.

    Raises:
        InputError: a table can't be read, or the file can't be written.
    """
    rows = _read_rows(table)
    best = _best_name(table, rows)
    differences = [] if best is None else differences_from(paired, best)
    write_text(markdown, _format_markdown(rows, best, differences))


def format_terminal(table: str | Path) -> str:
    """A plain-text table at most 110 columns wide, with the best model named under it.

    Where models have several seeds, their interval takes the place of R².

    Raises:
        InputError: the table can't be read.
    """
    rows = _read_rows(table)
    best = _best_name(table, rows)
    columns = _readable_columns(rows)
    if INTERVAL in columns:
        del columns["test_r2"]
    lines = [[header for header, _ in columns.values()]]
    for row in rows:
        cells = _readable_cells(row, columns)
        mark = "* " if row["source"] == MODEL and row["model"] == best else "  "
        if row["source"] == ENSEMBLE:
            # It stands under its model, whose name would be cut with it.
            cells["model"] = f"  ensemble of {row['seeds']:.0f}"
        cells["model"] = _cut(mark + cells["model"], NAME_WIDTH)
        cells["source"] = cells["source"].split()[0]
        # "random (seed 1, …)": the first word says which kind of weights they are.
        cells["weights"] = _cut(cells["weights"].split(" ")[0], WEIGHTS_WIDTH)
        lines.append([cell or "-" for cell in cells.values()])
    lines[0][0] = "  " + lines[0][0]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    is_text = [decimals is None for _, decimals in columns.values()]
    text = [
        "  ".join(
            cell.ljust(width) if left else cell.rjust(width)
            for cell, width, left in zip(line, widths, is_text, strict=True)
        ).rstrip()
        for line in lines
    ]
    text.insert(1, "-" * max(map(len, text)))
    if best is not None:
        text += ["", f"* best model by validation MSE: {best}"]
    if INTERVAL in columns:
        text.append("± seeds: half-width of the 95 % interval of the mean over seeds")
    return "\n".join(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a comparison.csv: `python -m inverse_shading.report.comparison_page TABLE`; exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) != 1:
        print("usage: python -m inverse_shading.report.comparison_page TABLE", file=sys.stderr)
        return 2
    try:
        print(format_terminal(arguments[0]))
    except InputError as error:
        print(f"ERROR {error}", file=sys.stderr)
        return 1
    return 0


def _read_rows(table: str | Path) -> list[dict]:
    """The rows of comparison.csv, None where a row has no such value."""
    rows = read_comparison(table).to_dict("records")
    return [
        {
            column: None if isinstance(value, float) and math.isnan(value) else value
            for column, value in row.items()
        }
        for row in rows
    ]


def _best_name(table: str | Path, rows: Sequence[Mapping]) -> str | None:
    return best_model(table) if any(row["source"] == MODEL for row in rows) else None


def _readable_columns(rows: Sequence[Mapping]) -> dict[str, tuple[str, int | None]]:
    """The columns of the readable tables: without an interval if no row has one."""
    several = any(row[INTERVAL] is not None for row in rows)
    return {name: form for name, form in READABLE.items() if several or name != INTERVAL}


def _readable_cells(row: Mapping, columns: Mapping[str, tuple[str, int | None]]) -> dict[str, str]:
    """The cells of a row by column, rounded; empty where the row has no value."""
    cells = {}
    for column, (_, decimals) in columns.items():
        value = row[column]
        if decimals is None:
            cells[column] = value or ""
        else:
            cells[column] = "" if value is None else f"{value:.{decimals}f}"
    if cells.get(INTERVAL):
        cells[INTERVAL] = f"±{cells[INTERVAL]}"
    return cells


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _format_markdown(
    rows: Sequence[Mapping], best: str | None, differences: Sequence[Difference]
) -> str:
    columns = _readable_columns(rows)
    lines = ["# Comparison", ""]
    lines += [_best_sentence(rows, best), ""] if best is not None else []
    cells = []
    for row in rows:
        texts = list(_readable_cells(row, columns).values())
        if row["source"] == MODEL and row["model"] == best:
            texts = [f"**{text}**" if text else "" for text in texts]
        cells.append(texts)
    headers = {
        header: TEXT if decimals is None else NUMBER for header, decimals in columns.values()
    }
    lines += markdown_table(headers, cells)
    if seen := appearance_section(rows):
        lines += ["", "## What one sees", "", *seen]
    if best is not None:
        lines += ["", f"## Paired with the best model, {best}", ""]
        lines += _paired_section(differences)
        lines += ["", "## How validation chose", "", *_choice_section(rows)]
        lines += ["", "## Errors by parameter", "", *_parameter_section(rows)]
    lines += ["", "## Notes", "", *[f"- {note}" for note in _notes(rows)], ""]
    return "\n".join(lines)


def _paired_section(differences: Sequence[Difference]) -> list[str]:
    headers = {"model or baseline": TEXT}
    headers |= dict.fromkeys(("difference", "95 % interval", "p (Holm)"), NUMBER)
    cells = [
        [each.name, format_signed(each.difference), each.interval, each.p_text, each.verdict]
        for each in differences
    ]
    return [
        "Difference in squared error on the same test images, image by image (paired t-test): above 0 "
        "the best model's error is smaller. p is corrected by Holm for all pairs of models and "
        f"baselines, of which these are a part; *no difference shown* is a p of {SIGNIFICANCE:g} or "
        "more, and doesn't say that there is none. The intervals are over images, each by itself and "
        "uncorrected; they don't hold the scatter over seeds. All pairs are in `paired_tests.csv`.",
        "",
        *markdown_table(headers | {"verdict": TEXT}, cells),
    ]


def _choice_section(rows: Sequence[Mapping]) -> list[str]:
    headers = {
        "model or baseline": TEXT,
        "seeds": NUMBER,
        "kept seed": NUMBER,
        "best epoch": NUMBER,
        "decoding": TEXT,
        "penalty": NUMBER,
    }
    cells = []
    for row in rows:
        if row["source"] not in (MODEL, BASELINE):
            continue
        facts = ["" if row[key] is None else f"{row[key]:.0f}" for key in ("seeds", "chosen_seed")]
        epochs = None if row["epochs"] is None else f"{row['best_epoch']:g} of {row['epochs']:g}"
        penalty = None if row["penalty"] is None else f"{row['penalty']:g}"
        facts += [epochs or "", row["decoding"], penalty or ""]
        if any(facts):
            cells.append([row["model"], *facts])
    return [
        "What was chosen, was chosen by the lowest MSE on the validation images; the test images had "
        "no say in any of it. The *kept seed* is the one whose weights and predictions stand in "
        "`models/MODEL` and are drawn in figures; the errors above are means over all seeds. The "
        "*best epoch* is the one whose weights are kept, of those that were run (means over seeds).",
        "",
        *markdown_table(headers, cells),
    ]


def _parameter_section(rows: Sequence[Mapping]) -> list[str]:
    models = [row for row in rows if row["source"] == MODEL]
    smallest = {column: min(row[column] for row in models) for column in PARAMETER_ERRORS}
    cells = [
        [
            row["model"],
            *(
                f"**{row[column]:.4f}**"
                if row[column] == smallest[column]
                else f"{row[column]:.4f}"
                for column in PARAMETER_ERRORS
            ),
        ]
        for row in models
    ]
    return [
        "Test MSE, the smallest of each column in bold.",
        "",
        *markdown_table({"model": TEXT} | dict.fromkeys(PARAMETERS, NUMBER), cells),
    ]


def _best_sentence(rows: Sequence[Mapping], best: str) -> str:
    row = next(row for row in rows if row["source"] == MODEL and row["model"] == best)
    sentence = (
        f"Best model by validation MSE: **{best}** (validation {row['validation_mse']:.4f}, "
        f"test {row['test_mse']:.4f}"
    )
    if row["test_mse_vs_ridge"] is not None:
        sentence += f", {row['test_mse_vs_ridge']:.2f} times the ridge regression's"
    sentence += ")."
    intervals = []
    if row[INTERVAL] is not None:
        intervals.append(f"± {row[INTERVAL]:.4f} over {row['seeds']:.0f} seeds")
    if row["test_mse_image_interval"] is not None:
        intervals.append(f"± {row['test_mse_image_interval']:.4f} over the draw of test images")
    if intervals:
        sentence += f" 95 % interval of its test MSE: {', '.join(intervals)}."
    return sentence + " The test images had no say in the choice."


def _notes(rows: Sequence[Mapping]) -> list[str]:
    notes = [
        "MSE and MAE are means over images and the ten parameters, each in [0, 1]. *vs ridge* is "
        "the test MSE divided by that of the ridge regression on the same images.",
        f"**Constant.** Always answering the middle of the range scores an MSE of "
        f"{CONSTANT_MSE:.4f} (1/12) and an MAE of 0.25; an answer drawn at random scores "
        f"{RANDOM_MSE:.4f} (1/6) and 0.3333. A model must beat these before its image matters.",
    ]
    if any(row[INTERVAL] is not None for row in rows):
        notes.append(
            "**± seeds** is the half-width of the 95 % interval (Student's t) of a mean over seeds, "
            "each a training with other initial weights, batches and dropout on the same images; a "
            "model's errors are such means. How far they depend on the test images that were drawn is "
            "another matter: see `test_mse_image_interval` in `comparison.csv`."
        )
    if any(row["source"] == ENSEMBLE for row in rows):
        notes.append(
            "An **ensemble** is the mean of what a model's seeds predict. It costs as many models."
        )
    if any(row["source"] == BASELINE for row in rows):
        notes.append(
            "**Baselines** see small thumbnails of the same images, or none, with the same split. "
            "A pretrained trunk is worth its cost only below the best of them."
        )
    notes += [_floor_note(row) for row in rows if row["source"] == BOUND]
    notes += [_refinement_note(row) for row in rows if row["source"] == REFINEMENT]
    notes += appearance_notes(rows)
    notes.append(
        "**Weights** says where a trunk's frozen weights came from. *imagenet* is torchvision's "
        "download, as on the poster; *random* is a seeded draw that was never trained, so such "
        "a row tells what the architecture and the head can do alone and is no reproduction of "
        "the poster's model; *file* is the user's own state dict, with its checksum."
    )
    published = [row for row in rows if row["source"] == PUBLISHED]
    if published:
        notes.append(
            "**The poster's rows** are copied from it: other images, trained by others. It gives "
            "no validation errors. What the numbers can mean:"
        )
        notes[-1] += "".join(f"\n  - {_published_reading(row)}" for row in published)
    return notes


def _floor_note(row: Mapping) -> str:
    score = "an error" if row["test_mse"] is None else f"a test MSE of {row['test_mse']:.4f}"
    return (
        "**Floor.** `base` and `base_color` enter the shader only as a product, so four inputs "
        "leave three degrees of freedom in the image. Whoever knows that product exactly, and "
        f"everything else too, still has {score} on these images with the best possible answer. "
        "It bounds what can be expected and predicts nothing; what can be reached lies a little "
        "higher, because `specular` and `specular_color` are almost such a pair."
    )


def _refinement_note(row: Mapping) -> str:
    images = (
        "test images" if row["sample_images"] is None else f"{row['sample_images']:.0f} test images"
    )
    return (
        "**Refinement** takes the best model's prediction as a guess and corrects it by rendering "
        "until the image is met. It learns nothing, so it has no errors on training and validation "
        f"images, and it takes many renders an image, so it is measured on the first {images} alone: "
        "its *vs ridge* is the ratio on these images. Its errors are those of its best guess at the "
        "numbers, the mean of all materials that look like the image; what one sees is of the "
        "material that it found."
    )


def _published_reading(row: Mapping) -> str:
    """Hold a published MSE against answers that need no image, and its MAE against its MSE."""
    mse, mae = row["test_mse"], row["test_mae"]
    if mse >= RANDOM_MSE:
        reading = f"no better than an answer at random ({RANDOM_MSE:.4f})"
    elif mse >= CONSTANT_MSE:
        reading = f"no better than a constant answer ({CONSTANT_MSE:.4f})"
    else:
        reading = f"{mse / CONSTANT_MSE:.2f} times the constant answer's"
    text = f"{row['model']}: test MSE {mse:g}, {reading}"
    # An MAE equals the root of its MSE only if all errors are of one size; more likely the column
    # holds the root. Compared at the digits that were printed.
    decimals = len(f"{mse:.10f}".rstrip("0").partition(".")[2])
    if round(mae**2, decimals) == mse:
        text += (
            f"; its MAE {mae:g} squared is {mae**2:.4f}, so that figure looks like a root MSE "
            "and not like an MAE"
        )
    return text + "."


if __name__ == "__main__":
    sys.exit(main())
