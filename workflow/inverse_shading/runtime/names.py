"""What somebody may have meant who wrote a name that isn't there."""

import difflib
from collections.abc import Iterable


def near_names(name: object, known: Iterable[object]) -> list[str]:
    """The known name that is much like another; nothing where none is."""
    return difflib.get_close_matches(str(name), map(str, known), 1)


def hint(name: object, known: Iterable[object]) -> str:
    """A question, to stand behind a list of the known names, where one of them is much like this."""
    return "".join(f"; did you mean {near}?" for near in near_names(name, known))
