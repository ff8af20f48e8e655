import pytest

from inverse_shading.runtime.provenance import code_digests


@pytest.fixture
def package(tmp_path):
    files = {
        "workflow/pack/__init__.py": "",
        "workflow/pack/top.py": "from .middle import f\nimport torch\n\ndef g():\n    from . import late\n",
        "workflow/pack/middle.py": '"""Middle."""\nimport pack.bottom\n\n\ndef f():\n    return "#x"\n',
        "workflow/pack/bottom.py": "import os\n",
        "workflow/pack/late.py": "",
        "workflow/pack/loose.py": "",
        "workflow/pack/sub/__init__.py": "",
        "workflow/pack/sub/chosen.py": "from ..bottom import os\n",
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
