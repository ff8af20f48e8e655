"""What code an output was made by: digests of the modules a script reaches, versions of libraries.

Snakemake sees that a script's own file changed, but not a module that it imports. A rule that
carries these digests in its params is run again exactly when code it reaches has changed.
"""

import ast
import hashlib
import importlib.metadata
import io
import tokenize
from functools import cache
from pathlib import Path

# Libraries whose version shapes an output, by the name they are imported under. Others (readers of
# tables, progress bars) may be updated without making anything anew.
LIBRARIES = {
    "MaterialX": "materialx",
    "PIL": "pillow",
    "flip_evaluator": "flip-evaluator",
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
    found: dict[Path, str] = {}
    seen: set[Path] = set()
    libraries: dict[str, str] = {}
    waiting = [entry.resolve() for entry in entries]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        source = path.read_text(encoding="utf-8")
        waiting += _subpackages(path, package)
        if path.name == "__init__.py" and not _without_remarks(source):
            continue
        if path.suffix != ".py":
            found[path] = hashlib.sha256(source.encode()).hexdigest()
            continue
        found[path] = _digest(source)
        for module in _imported_modules(source, path, package):
            file = _module_file(module, package)
            if file is not None:
                waiting.append(file)
            elif (library := LIBRARIES.get(module.partition(".")[0])) is not None:
                libraries[f"library {library}"] = _version(library)
    root = package.resolve().parent
    files = {
        str(path.relative_to(root) if path.is_relative_to(root) else path.name): digest
        for path, digest in found.items()
    }
    return dict(sorted((files | libraries).items()))


@cache
def _digest(source: str) -> str:
    return hashlib.sha256(_without_remarks(source).encode()).hexdigest()


# Most rules reach most folders, whose `__init__` is looked at each time.
@cache
def _without_remarks(source: str) -> str:
    """The source without comments, docstrings and blank lines.

    Text is cut out by position rather than regenerated from the syntax tree, so that the result
    doesn't depend on the version of Python that reads it.
    """
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    scopes = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, scopes) and ast.get_docstring(node, clean=False) is not None:
            docstring = node.body[0]
            for row in range(docstring.lineno - 1, docstring.end_lineno):
                lines[row] = ""
    return "\n".join(line.rstrip() for line in lines if line.strip())


# Rules share most modules, and a plan asks for all rules.
@cache
def _imported_modules(source: str, path: Path, package: Path) -> tuple[str, ...]:
    """Absolute names that a file imports, `from a import b` as both `a` and `a.b`; each once."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                folder = path.parents[node.level - 1].relative_to(package.resolve().parent)
                base = ".".join([*folder.parts, *filter(None, [base])])
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return tuple(dict.fromkeys(names))


def _module_file(module: str, package: Path) -> Path | None:
    """The file of a module of the package, None for anything else."""
    name, *rest = module.split(".")
    if name != package.name:
        return None
    target = package.resolve().joinpath(*rest)
    for file in (target.with_suffix(".py"), target / "__init__.py"):
        if file.is_file():
            return file
    return None


@cache
def _subpackages(path: Path, package: Path) -> tuple[Path, ...]:
    """The `__init__` of every folder between the package and a module of it."""
    root = package.resolve()
    if not path.is_relative_to(root):
        return ()
    folders = path.relative_to(root).parents
    files = (root / folder / "__init__.py" for folder in folders if folder.parts)
    return tuple(file for file in files if file.is_file())


@cache
def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        # The rule runs in an environment of its own, whose pins Snakemake compares itself.
        return "not installed here"
