import ast
import io
import tokenize
from pathlib import Path

import pytest

from inverse_shading.runtime.provenance import _statements, _without_remarks, code_digests


@pytest.fixture
def package(tmp_path):
    files = {
        "workflow/pack/__init__.py": '"""Pack."""\n__version__ = "1"\n',
        "workflow/pack/top.py": "from .middle import f\nimport torch\n\ndef g():\n    from . import late\n",
        "workflow/pack/middle.py": '"""Middle."""\nimport pack.bottom\n\n\ndef f():\n    return "#x"\n',
        "workflow/pack/bottom.py": "import os\n",
        "workflow/pack/late.py": "",
        "workflow/pack/loose.py": "",
        "workflow/pack/sub/__init__.py": "",
        "workflow/pack/sub/chosen.py": "from ..bottom import os\n",
        "workflow/pack/sub/deep/__init__.py": "",
        "workflow/pack/sub/deep/below.py": "import os\n",
        "workflow/scripts/run.py": "from pack.top import g\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "workflow" / "pack"


def digests(package, *modules):
    entries = [package.parent / "scripts" / "run.py", *(package / m for m in modules)]
    return code_digests(entries, package)


def test_exactly_what_is_reached(package):
    found = digests(package)
    files = [name for name in found if not name.startswith("library")]
    assert files == [
        "pack/__init__.py",
        "pack/bottom.py",
        "pack/late.py",
        "pack/middle.py",
        "pack/top.py",
        "scripts/run.py",
    ]
    assert "library torch" in found


def test_a_module_named_as_an_entry_is_followed_too(package):
    assert "pack/sub/chosen.py" in digests(package, "sub/chosen.py")


@pytest.mark.parametrize("text", ["", '"""Sub."""\n', "# A remark.\n"])
def test_a_subpackage_without_code_adds_nothing(package, text):
    (package / "sub" / "__init__.py").write_text(text)
    assert not [file for file in digests(package, "sub/chosen.py") if "sub/__init__" in file]


@pytest.mark.parametrize("init", ["sub/__init__.py", "sub/deep/__init__.py"])
@pytest.mark.parametrize(
    "line",
    [
        "import pack.sub.deep.below",
        "from pack.sub.deep import below",
        "from .sub.deep import below",
    ],
)
def test_a_subpackage_can_t_hide_code_on_the_way_to_a_module(package, line, init):
    """Nor a module that only it imports."""
    (package / "bottom.py").write_text("")
    (package / "middle.py").write_text(f"{line}\n")
    before = digests(package)
    assert not [file for file in before if file.endswith("sub/__init__.py")]
    assert "pack/loose.py" not in before
    (package / init).write_text("import pack.loose\n")
    assert digests(package).keys() - before.keys() == {f"pack/{init}", "pack/loose.py"}


def test_an_entry_s_own_folder_counts_too(package):
    (package / "sub" / "__init__.py").write_text("x = 1\n")
    assert "pack/sub/__init__.py" in digests(package, "sub/chosen.py")


def test_the_version_makes_stale_only_what_imports_it(package):
    top = package / "top.py"
    top.write_text("import pack.middle\nfrom pack.middle import f\n")
    assert not {"pack/__init__.py", "pack/sub/__init__.py"} & digests(package).keys()
    top.write_text("from pack import __version__\n")
    assert "pack/__init__.py" in digests(package)


def test_a_module_is_found_once_by_whatever_name(package):
    (package / "middle.py").write_text(
        "import pack.bottom\nfrom pack import bottom\nfrom . import bottom as b\n"
    )
    found = digests(package, "bottom.py", "../pack/bottom.py", "sub/../bottom.py")
    assert [file for file in found if "bottom" in file] == ["pack/bottom.py"]


@pytest.mark.parametrize(
    "file, old, new, same",
    [
        ("middle.py", "import pack.bottom", "import pack.bottom  # floor", True),
        ("middle.py", '"""Middle."""', '"""Another docstring."""\n\n', True),
        ("middle.py", '"#x"', '"#y"', False),
        ("bottom.py", "os", "sys", False),
        ("late.py", "", "x = 1", False),
        ("loose.py", "", "x = 1", True),
    ],
)
def test_remarks_count_for_nothing_and_code_for_everything(package, file, old, new, same):
    before = digests(package)
    path = package / file
    path.write_text(path.read_text().replace(old, new, 1))
    assert (digests(package) == before) is same


def test_a_template_counts_as_it_is(package):
    template = package / "page.html"
    template.write_text("# no remark in HTML")
    before = digests(package, "page.html")
    assert "pack/page.html" in before
    template.write_text("# another one")
    assert digests(package, "page.html") != before


def test_the_version_of_a_library_counts(package, monkeypatch):
    from inverse_shading.runtime import provenance

    before = digests(package)
    provenance._version.cache_clear()
    monkeypatch.setattr(provenance.importlib.metadata, "version", lambda name: "99")
    try:
        assert digests(package) == before | {"library torch": "99"}
    finally:
        provenance._version.cache_clear()


TRICKY = r"""
a = "#" + '#' + "it's # one" + 'say "#"'  # "a" remark, isn't it
b = r"\\" + "\"#" + '\'#'  # one
c = '''"#" '' # '''  # one
d = ("a"  # one "
     "# b")  # two '
e = f"{a['#']} # {b}"  # one
"""


def test_comments_are_those_that_python_s_tokenizer_finds():
    files = Path(__file__).parents[3].glob("workflow/**/*.py")
    sources = [TRICKY, *(file.read_text() for file in files)]
    assert len(sources) > 100
    for source in sources:
        compile(source, "source", "exec")
        lines = source.splitlines()
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                row, column = token.start
                lines[row - 1] = lines[row - 1][:column]
        # Without nodes no docstring is found.
        assert _without_remarks(source, []).splitlines() == [
            line.rstrip() for line in lines if line.strip()
        ]


def test_imports_and_docstrings_are_found_at_any_depth():
    source = '''"""Module."""
async def first():
    """First."""
    for _ in ():
        import a
    else:
        import b
    async with x:
        while y:
            import c
    try:
        import d
    except* OSError:
        import e
    else:
        import f
    finally:
        import g

class Second:
    """Second."""
    match z:
        case 1 if w:
            import h
        case _:
            def third():
                """Third."""
                if v:
                    from i import j
                elif u:
                    import k
'''
    holders = (ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    tree = ast.parse(source)
    every = [node for node in ast.walk(tree) if isinstance(node, (ast.Module, *holders))]
    assert len(every) == 14
    found = [node for node in _statements(tree) if isinstance(node, (ast.Module, *holders))]
    assert set(found) == set(every) and len(found) == len(every)
