"""The part of the comparison that tells how predicted materials look."""

from collections.abc import Mapping, Sequence

from .comparison_table import MODEL
from .markdown import NUMBER, TEXT, markdown_table

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
