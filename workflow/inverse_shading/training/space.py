"""What a search may try."""

from collections.abc import Mapping


def is_in_space(part: Mapping, value: object) -> bool:
    """Whether a key's space holds a value.

    Args:
        part: see `proposals.propose`.
    """
    if "choices" in part:
        return value in part["choices"]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    whole = part.get("kind") != "integer" or isinstance(value, int)
    return whole and part["low"] <= value <= part["high"]
