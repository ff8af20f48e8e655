"""metrics.json: how well a predictor did, written and read."""

import json
from pathlib import Path

from .errors import InputError
from .files import check_seal, write_sealed_text


def write_metrics(path: str | Path, metrics: dict) -> None:
    """Write metrics as JSON, keys in the order given."""
    write_sealed_text(path, json.dumps(metrics, indent=2, allow_nan=False) + "\n")


def read_metrics(path: str | Path) -> dict:
    """Read metrics; what they hold is for the caller to check.

    Raises:
        InputError: missing, damaged, or no JSON object.
    """
    check_seal(path)
    remedy = f"Delete {path} and run the same command again to make it anew."
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: can't be read as metrics ({error}). {remedy}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: found {json.dumps(content)[:70]}, expected metrics. {remedy}")
    return content
