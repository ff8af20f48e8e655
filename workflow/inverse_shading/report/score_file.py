"""The score of somebody's predictions: as a table in a terminal, and as JSON."""

import json
import os
from pathlib import Path

from inverse_shading.evaluation.paired_tests import Difference, format_signed
from inverse_shading.evaluation.score_predictions import Score
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import write_text

# Bytes; a score has some thousand.
LARGEST_SCORE = 2**20

HEADER = ("", "MSE", "± 95 %", "MAE", "± 95 %", "R²")


def format_score(score: Score) -> str:
    """A plain-text table: all inputs together and one by one, then what they are compared with."""
    errors, intervals = score.errors, score.intervals
    rows = [HEADER, _row("all inputs", errors, intervals["mse"], intervals["mae"])]
    rows += [_row(name, each) for name, each in errors["parameters"].items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for name, *cells in rows:
        padded = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        lines.append("  ".join([name.ljust(widths[0]), *padded]).rstrip())
    lines.insert(1, "-" * max(map(len, lines)))
    lines += ["", f"on {errors['images']} test images; ±: 95 % interval of the mean over images"]
    for name, mse in score.references.items():
        lines.append(f"{errors['mse'] / mse:.2f} times the MSE of {name} ({mse:.4f})")
    lines.append(_against(score.against))
    return "\n".join(lines)


def write_score(path: str | Path, score: Score) -> None:
    """Write a score as JSON: the keys of `Score.content`.

    Raises:
        InputError: the file can't be written, or is there and is no score.
    """
    content = score.content()
    if os.path.lexists(path) and not _is_score(Path(path), list(content)):
        raise InputError(
            f"{path}: found a file that is no score, so it isn't overwritten. Move or delete it, or "
            "give another file as --output."
        )
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def _row(name: str, errors: dict, *intervals: float) -> tuple[str, ...]:
    mse, mae = (f"±{half:.4f}" for half in intervals) if intervals else ("", "")
    r2 = "" if errors["r2"] is None else f"{errors['r2']:.3f}"
    return name, f"{errors['mse']:.4f}", mse, f"{errors['mae']:.4f}", mae, r2


def _against(found: dict | None) -> str:
    if found is None:
        return "no paired test: the results hold no predictions of their best model's seeds"
    # Of a single test Holm's correction leaves p as it is.
    difference = Difference(
        found["model"], *(found[key] for key in ("difference", "low", "high", "p"))
    )
    seeds = "1 seed" if found["seeds"] == 1 else f"{found['seeds']} seeds"
    p = difference.p_text if difference.p_text.startswith("<") else f"= {difference.p_text}"
    return (
        f"{format_signed(difference.difference)} {difference.interval} from the MSE of "
        f"{difference.name}, the best model ({seeds}): {difference.verdict}, paired p {p}"
    )


def _is_score(path: Path, keys: list[str]) -> bool:
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_SCORE:
            return False
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and list(content) == keys
