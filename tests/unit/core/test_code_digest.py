"""Digests of code: a statement that is called changes them; its words, form and place do not."""

import importlib
from functools import partial
from pathlib import Path

import pytest

from vlbench.core.code_digest import code_of, digest_of_code
from vlbench.core.errors import Unsupported

PACKAGE = {
    "p.__init__": "",
    "p.area": "from p.shared import square\n\ndef area(x):\n    return square(x)\n",
    "p.shared": "def square(x):\n    return x * x\n",
    "p.other": "def square(x):\n    return x ** 2\n",
    "p.inner.__init__": "",
    "p.inner.tool": "def square(x):\n    return 1\n",
}
IMPORT = "from p.shared import square\n"


def digests(changes=(), root="p.area"):
    """Digests of the root's code, whatever its modules are called, after changes of some modules."""
    sources = PACKAGE | dict(changes)
    return sorted(code_of([root], {name: text.encode() for name, text in sources.items()}).values())


def area(imports, **others):
    """The digests with other imports of the root."""
    return digests({"p.area": PACKAGE["p.area"].replace(IMPORT, imports), **others})


BEFORE = digests()


def test_code_is_a_module_and_what_it_imports_of_its_package():
    assert len(BEFORE) == 2
    assert digests({"p.shared": "def square(x):\n    return x * x * x\n"}) != BEFORE
    assert digests({"p.other": "def square(x):\n    return 0\n"}) == BEFORE


@pytest.mark.parametrize(
    "shared",
    [
        '"""Squares."""\n\ndef square(x):\n    return x * x\n',
        'def square(x):\n    """Of x."""\n    return x * x  # a comment\n"""Of squares."""\n',
        "def square(\n    x,\n):\n\n    return (x * x)\n",
    ],
)
def test_docstrings_comments_and_formatting_change_nothing(shared):
    assert digests({"p.shared": shared}) == BEFORE


def test_a_module_that_moves_changes_nothing():
    square = PACKAGE["p.shared"]
    assert area("from p.inner.moved import square\n", **{"p.inner.moved": square}) == BEFORE
    assert area("from .inner.moved import square\n", **{"p.inner.moved": square}) == BEFORE
    assert digests({"p.moved": PACKAGE["p.area"]}, root="p.moved") == BEFORE
    as_module = "from p.inner import moved as shared\n"
    assert area(as_module, **{"p.inner.moved": square}) == area("from p import shared\n")


def test_a_name_that_comes_from_elsewhere_is_another_though_both_modules_are_there():
    both = "import p.other\n"
    assert area(f"{both}from p.other import square\n") != area(f"{both}{IMPORT}")


@pytest.mark.parametrize(
    ("imports", "count"),
    [
        ("import p.inner.tool\n", 2),
        ("from p.inner import tool\n", 2),
        ("from . import shared, other\n", 3),
        ("from .inner.tool import square\n", 2),
        ("def later():\n    from p.other import square\n", 2),
        ("if TYPE_CHECKING:\n    from p.other import square\n", 1),
        ("if typing.TYPE_CHECKING:\n    pass\nelse:\n    from p.other import square\n", 2),
        ("import numpy\n", 1),
    ],
)
def test_imports_that_are_run_count_wherever_they_stand(imports, count):
    assert len(area(imports)) == count


def test_a_file_of_a_package_counts_where_it_holds_statements():
    imports = "from p.inner.tool import square\n"
    assert area(imports, **{"p.inner.__init__": '"""Tools."""\n'}) == area(imports)
    assert len(area(imports, **{"p.inner.__init__": "import p.other\nWIDTH = 1\n"})) == 4


def test_circles_end():
    assert len(digests({"p.shared": f"import p.area\n{PACKAGE['p.shared']}"})) == 2


def test_of_files_on_disk_a_changed_formula_changes_the_digest(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "formula_under_test.py"
    path.write_text("def area(x):\n    return x * x\n\n\ndef other(x):\n    return x\n")
    module = importlib.import_module("formula_under_test")
    before = digest_of_code(module.area)
    assert digest_of_code(module.area, module.other) == digest_of_code("formula_under_test") == before
    assert digest_of_code(partial(partial(module.area, 2), 3)) == before
    path.write_text(path.read_text().replace("x * x", "x + x"))
    assert digest_of_code(module.area) != before


def test_of_a_plug_in_the_outermost_package_counts_whatever_folder_a_module_lies_in(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    inner = tmp_path / "plug_in_under_test" / "metrics"
    inner.mkdir(parents=True)
    (inner / "area.py").write_text(
        "from plug_in_under_test import shared\ndef area():\n    return shared.area()\n"
    )
    (inner.parent / "shared.py").write_text("def area():\n    return 1\n")
    module = importlib.import_module("plug_in_under_test.metrics.area")
    before = digest_of_code(module.area)
    (inner.parent / "shared.py").write_text("def area():\n    return 2\n")
    assert digest_of_code(module.area) != before


def test_a_file_is_read_once_for_all_roots_and_again_when_it_changes(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = tmp_path / "package_under_test"
    folder.mkdir()
    for name in ("__init__", "a", "b"):
        (folder / f"{name}.py").write_text(f"NAME = {name!r}\n")
    read, read_bytes = [], Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path.stem) or read_bytes(path))
    roots = ("package_under_test.a", "package_under_test.b")
    before = digest_of_code(*roots)
    assert digest_of_code(*roots) == before
    assert sorted(read) == ["__init__", "a", "b"]
    (folder / "b.py").write_text("NAME = 'c'\n")
    assert digest_of_code(*roots) != before


def test_digests_are_remembered_by_the_bytes_of_the_sources(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "remembered_under_test.py"
    path.write_text("WIDTH = 1\n")
    cache = tmp_path / "cache"
    before = digest_of_code("remembered_under_test", cache=cache)
    assert len(list(cache.rglob("*.json"))) == 1
    path.write_text("WIDTH = 2\n")
    assert digest_of_code("remembered_under_test", cache=cache) != before
    assert len(list(cache.rglob("*.json"))) == 2


def test_what_is_defined_at_a_prompt_is_refused_in_a_line():
    names = {"__name__": "__main__"}
    exec(compile("def measure(): pass", "<stdin>", "exec"), names)
    names["measure"].__module__ = "of_a_notebook"
    with pytest.raises(Unsupported, match=r"^measure: its code is in no file.*define it in a module"):
        digest_of_code(names["measure"])
