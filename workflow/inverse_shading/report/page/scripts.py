"""The page's scripts: small ES modules beside the templates, joined to one that imports nothing."""

import re
from collections.abc import Callable

IMPORT = re.compile(r'^import \{[^{}]*\} from "\./([\w.-]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=const |function |async function |class )", re.MULTILINE)
# What these two leave of imports and exports would be an error in the browser.
LEFT = re.compile(r"^(?:import|export)\b.*$", re.MULTILINE)
# What HTML takes for the end of a script, or for something else than a script.
MARKUP = re.compile(r"</script|<script|<!--", re.IGNORECASE)


def join_modules(entry: str, read: Callable[[str], str]) -> str:
    """Join a module and those that it imports, directly or not, to the text of one module.

    All share one scope, so a name at the top of a module must be the only one of all of them. Each
    module stands after those that it imports, in the order in which a browser would run them.

    Args:
        entry: file name of the module that imports the others.
        read: gives the text of a module by its file name.

    Raises:
        ValueError: an import other than of names from a module beside it, an export that does not
            stand before its declaration, or text that can't stand in a script of a page.
    """
    seen: set[str] = set()
    texts: list[str] = []

    def add(name: str) -> None:
        if name in seen:
            return
        seen.add(name)
        source = read(name)
        for imported in IMPORT.findall(source):
            add(imported)
        text = EXPORT.sub("", IMPORT.sub("", source)).lstrip("\n")
        if found := LEFT.search(text):
            raise ValueError(f"{name}: found {found[0]!r}, expected names from ./MODULE.js")
        if found := MARKUP.search(text):
            raise ValueError(f"{name}: found {found[0]!r}, which can't stand in a page's script")
        texts.append(text)

    add(entry)
    return "\n".join(texts)
