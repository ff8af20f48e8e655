"""What code an output was made by: digests of the modules a script reaches, versions of libraries.

Snakemake sees that a script's own file changed, but not a module that it imports. A rule that
carries these digests in its params is run again exactly when code it reaches has changed.
"""

import ast
import hashlib
import importlib.metadata
import io
import re
import sys
import tokenize
from functools import cache
from pathlib import Path
from typing import NamedTuple

# Libraries whose version shapes an output, by the name they are imported under. Others (readers of
# tables, progress bars) may be updated without making anything anew.
LIBRARIES = {
    "MaterialX": "materialx",
    "PIL": "pillow",
    "matplotlib": "matplotlib",
    "jinja2": "jinja2",
    "optuna": "optuna",
    "plotly": "plotly",
    "scipy": "scipy",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "torch": "torch",
    "torchvision": "torchvision",
}


def code_digests(entries: list[Path], package: Path) -> dict[str, str]:
    """Digest the entries and every module of the package that they import, directly or not.

    Imports are read statically, also those inside functions. A module that is loaded by a computed
    name must be given as an entry of its own.

    Python runs the `__init__` of every folder on the way to a module, so they count too, where they
    hold code. That of the package itself counts where something is imported from it: it holds the
    version, and another version alone makes nothing stale.

    Args:
        entries: scripts, modules of the package, or other files that are part of the code, such as
            templates, which are digested as they are.
        package: folder of the package.

    Returns:
        {file: digest} sorted by file, files relative to the package's parent folder where they lie
        under it; and {library: version} for the libraries of `LIBRARIES` that are imported.
        The digest is of the code without comments, docstrings and blank lines.
    """
    package = package.resolve()
    found: dict[Path, str] = {}
    seen: set[Path] = set()
    libraries: set[str] = set()
    waiting = [entry.resolve() for entry in entries]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        waiting += _subpackages(path, package)
        code = _read_code(path.read_text(encoding="utf-8"), path, package)
        if code is not None:
            found[path] = code.digest
            waiting += code.files
            libraries.update(code.libraries)
    root = package.parent
    files = {
        str(path.relative_to(root) if path.is_relative_to(root) else path.name): digest
        for path, digest in found.items()
    }
    versions = {f"library {name}": _version(name) for name in libraries}
    return dict(sorted((files | versions).items()))


class _Code(NamedTuple):
    """What a file is and what it imports: files of the package, and names of `LIBRARIES`."""

    digest: str
    files: tuple[Path, ...]
    libraries: tuple[str, ...]


# Rules share most modules, and a plan asks for all rules.
@cache
def _read_code(source: str, path: Path, package: Path) -> _Code | None:
    """None for an `__init__` without code."""
    if path.suffix != ".py":
        return _Code(_sha256(source), (), ())
    tree = ast.parse(source)
    nodes = _statements(tree)
    text = _without_remarks(source, nodes)
    if path.name == "__init__.py" and not text:
        return None
    files, libraries = [], []
    for module in _imported_modules(nodes, path, package):
        top, *rest = module.split(".")
        if top == package.name:
            target = package.joinpath(*rest)
            candidates = (target.with_suffix(".py"), target / "__init__.py")
            files += [file for file in candidates if file.is_file()][:1]
        elif top in LIBRARIES:
            libraries.append(LIBRARIES[top])
    return _Code(_sha256(text), tuple(files), tuple(libraries))


def _statements(tree: ast.Module) -> list[ast.AST]:
    """A module and all its statements, at any depth: only they import, or hold a docstring.

    `ast.walk` visits every expression, too. That takes ten times as long, at every start.
    """
    found: list[ast.AST] = [tree]
    for node in found:
        for _, value in ast.iter_fields(node):
            if isinstance(value, list):
                found += [item for item in value if isinstance(item, _HOLDERS)]
    return found


_HOLDERS = (ast.stmt, ast.excepthandler, ast.match_case)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _without_remarks(source: str, nodes: list[ast.AST]) -> str:
    """The source without comments, docstrings and blank lines.

    Text is cut out by position rather than regenerated from the syntax tree, so that the result
    doesn't depend on the version of Python that reads it.
    """
    lines = _without_comments(source).splitlines()
    for node in nodes:
        if isinstance(node, _SCOPES) and ast.get_docstring(node, clean=False) is not None:
            docstring = node.body[0]
            for row in range(docstring.lineno - 1, docstring.end_lineno):
                lines[row] = ""
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _without_comments(source: str) -> str:
    # From Python 3.12 on, a text in a text may have the same quotes, and the tokenizer is quick.
    if sys.version_info < (3, 12):
        return _TEXT_OR_COMMENT.sub(lambda match: match["text"] or "", source)
    lines = source.splitlines()
    if "#" in source:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                row, column = token.start
                lines[row - 1] = lines[row - 1][:column]
    return "\n".join(lines)


# Texts stay, also those that hold a #. As Python's tokenizer finds them, which takes seconds for the
# whole package and would be waited for at every start.
_TEXT_OR_COMMENT = re.compile(
    r"""(?P<text>
        \"{3} (?: [^"\\]++ | \\. | "(?!"") )*+ \"{3} | '{3} (?: [^'\\]++ | \\. | '(?!'') )*+ '{3}
        | " (?: [^"\\\n]++ | \\. )*+ " | ' (?: [^'\\\n]++ | \\. )*+ '
    ) | \#[^\n]*""",
    re.DOTALL | re.VERBOSE,
)
_SCOPES = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _imported_modules(nodes: list[ast.AST], path: Path, package: Path) -> list[str]:
    """Absolute names that a file imports, `from a import b` as both `a` and `a.b`; each once."""
    names = []
    for node in nodes:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                folder = path.parents[node.level - 1].relative_to(package.parent)
                base = ".".join([*folder.parts, *filter(None, [base])])
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return list(dict.fromkeys(names))


@cache
def _subpackages(path: Path, package: Path) -> tuple[Path, ...]:
    """The `__init__` of every folder between the package and a module of it."""
    if not path.is_relative_to(package):
        return ()
    folders = path.relative_to(package).parents
    files = (package / folder / "__init__.py" for folder in folders if folder.parts)
    return tuple(file for file in files if file.is_file())


@cache
def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        # The rule runs in an environment of its own, whose pins Snakemake compares itself.
        return "not installed here"
