"""Digests of code: of all modules that a function or a module calls, by what they say, not how or where."""

import ast
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path

from vlbench.core.digest import digest_of_bytes, digest_of_strings
from vlbench.core.files import remembered

_OWN = __name__.partition(".")[0]
_INIT = "__init__"
_SILENT = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
"""Fields of syntax trees that change nothing, or follow from the others."""

_KNOWN: dict[tuple[str, ...], str] = {}
"""Digests that this process knows, by the names of modules and the bytes of the sources."""


def digest_of_code(*roots: Callable[..., object] | str, cache: Path | None = None) -> str:
    """Digest of the code behind functions, or modules by name, so that a changed formula is computed anew.

    The code is the module of each root and what it imports of its package, directly or not. The package is
    the outermost one; of vlbench itself it is the folder below (`vlbench.metrics`). A `partial` stands for
    the function that it binds; its arguments are no part of the digest.

    A changed statement changes the digest. A docstring, a comment, the formatting or the place of a module
    does not. `cache` is a folder where digests are remembered by the bytes of the sources.
    """
    names: set[str] = set()
    sources: dict[str, bytes] = {}
    for root in roots:
        name, beside = _sources_beside(root)
        names.add(name)
        sources.update(beside)
    known = (*sorted(names), digest_of_strings([*sources, *map(digest_of_bytes, sources.values())]))
    if known not in _KNOWN:
        _KNOWN[known] = remembered(
            f"code|{known}", cache, lambda: digest_of_strings(sorted(code_of(names, sources).values()))
        )
    return _KNOWN[known]


def code_of(roots: Iterable[str], sources: Mapping[str, bytes]) -> dict[str, str]:
    """The digests of modules and of all that they import of `sources`, which are by module name.

    `PACKAGE.__init__` names a package's own file. Files that hold no statement have no digest.
    """
    said: dict[str, str] = {}
    imports: dict[str, list[tuple[str, list[str]]]] = {}
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in said:
            said[name], nodes = _statements(sources[name], name.partition(".")[0])
            imports[name] = [each for node in nodes for each in _imported(node, name, sources)]
            waiting += [target for _, targets in imports[name] for target in targets]
    # an imported name is known by what the module says that it comes from, wherever that lies
    edges = {
        name: sorted("|".join([bound, *filter(None, map(said.get, targets))]) for bound, targets in found)
        for name, found in imports.items()
    }
    return {name: digest_of_strings([text, *edges[name]]) for name, text in said.items() if text}


@lru_cache(maxsize=1024)
def _statements(source: bytes, own: str) -> tuple[str, list[ast.Import | ast.ImportFrom]]:
    """The digest of what a module says, empty where it says nothing, and its imports of the package `own`."""
    words: list[str] = []
    imports: list[ast.Import | ast.ImportFrom] = []
    for statement in ast.parse(source).body:
        _write(statement, own, words, imports)
    return digest_of_bytes("".join(words).encode()) if words else "", imports


def _write(value: object, own: str, words: list[str], imports: list[ast.Import | ast.ImportFrom]) -> None:
    """Write a syntax tree, a list of them or a plain value, alike in all versions of Python where possible.

    Imports of the package `own` are put aside.
    """
    match value:
        case ast.Expr(value=ast.Constant(value=str())):
            pass  # a docstring
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            for statement in value.orelse:
                _write(statement, own, words, imports)
        case ast.Import() if any(each.name.partition(".")[0] == own for each in value.names):
            imports.append(value)
        case ast.ImportFrom() if value.level or (value.module or "").partition(".")[0] == own:
            imports.append(value)
        case ast.AST():
            words.append(f"{type(value).__name__}(")
            for field in value._fields:
                part = getattr(value, field, None)
                # what versions of Python state otherwise is empty, or in no program of its own
                if field not in _SILENT and part is not None and part != []:
                    words.append(f"{field}=")
                    _write(part, own, words, imports)
            words.append(")")
        case list():
            words.append("[")
            for each in value:
                _write(each, own, words, imports)
            words.append("]")
        case _:
            words.append(f"{value!a},")


def _imported(
    node: ast.Import | ast.ImportFrom, importer: str, sources: Mapping[str, bytes]
) -> Iterator[tuple[str, list[str]]]:
    """The names that an import binds, as what, and the modules that are run for each.

    In front of a module are the files of the packages that it lies in.
    """
    if isinstance(node, ast.Import):
        found = [(alias.asname or "", alias.name) for alias in node.names]
    else:
        base = importer.split(".")[: -node.level] if node.level else []
        module = ".".join([*base, *filter(None, [node.module])])
        found = []
        for alias in node.names:
            inner = f"{module}.{alias.name}"
            is_module = inner in sources or f"{inner}.{_INIT}" in sources
            # a module may be called otherwise, what lies in it may not
            bound = alias.asname or alias.name
            found.append((bound, inner) if is_module else (f"{alias.name} as {bound}", module))
    for bound, name in found:
        parts = name.split(".")
        packages = [f"{'.'.join(parts[:end])}.{_INIT}" for end in range(1, len(parts) + 1)]
        yield bound, [each for each in (*packages, name) if each in sources]


def _sources_beside(root: Callable[..., object] | str) -> tuple[str, dict[str, bytes]]:
    """The name of a root's module, and the sources of its package by name.

    The package is a folder of vlbench, else the outermost one.
    """
    if isinstance(root, str):
        spec = find_spec(root)
        assert spec is not None
        assert spec.origin is not None
        name, path = root, Path(spec.origin)
    else:
        while isinstance(root, partial):
            root = root.func
        name = getattr(root, "__module__", "")
        path = Path(getattr(sys.modules.get(name), "__file__", None) or inspect.getfile(root))
    if path.stem == _INIT:
        name = f"{name}.{_INIT}"
    packages = name.split(".")[:-1]
    if not packages:
        return name, {name: path.read_bytes()}
    depth = min(len(packages), 2 if packages[0] == _OWN else 1)
    folder = path.parents[len(packages) - depth]
    return name, {
        ".".join([*packages[:depth], *each.relative_to(folder).with_suffix("").parts]): _read(each)
        for each in sorted(folder.rglob("*.py"))
    }


def _read(path: Path) -> bytes:
    """The bytes of a source, read once for each state of the file in a process."""
    status = path.stat()
    return _of_state(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@lru_cache(maxsize=1024)
def _of_state(path: Path, *_: int) -> bytes:
    return path.read_bytes()
