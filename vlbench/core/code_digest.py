"""Digests of code: a module and all that it imports, by their statements, not by formatting or location."""

import ast
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path

from vlbench.core.digest import digest_of_bytes, digest_of_strings
from vlbench.core.errors import Unsupported
from vlbench.core.files import remembered, state_of

_OWN = __name__.partition(".")[0]
_INIT = "__init__"
_SILENT = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
"""Fields of syntax trees that do not change what the code does, or follow from other fields."""


def digest_of_code(*roots: Callable[..., object] | str, cache: Path | None = None) -> str:
    """Digest of the code of functions, or of modules by name. A changed formula changes it.

    The code is the module of each root and all that this module imports from its own package, directly or
    not. The package is the outermost one; within vlbench it is the folder below (`vlbench.metrics`). A
    `partial` counts as the function that it binds, without its arguments.

    A changed statement changes the digest. A docstring, a comment, formatting or a moved module does not.
    `cache` is a folder in which digests are kept under the bytes of the sources.

    Raises:
        Unsupported: a function was defined in a notebook or at a prompt.

    >>> digest_of_code("vlbench.core.digest") == digest_of_code(digest_of_bytes)
    True
    """
    names: set[str] = set()
    files: dict[str, Path] = {}
    folders: set[Path] = set()
    for root in roots:
        name, path = _module_of(root)
        names.add(name)
        packages = name.split(".")[:-1]
        if not packages:
            files[name] = path
            continue
        depth = min(len(packages), 2 if packages[0] == _OWN else 1)
        folder = path.parents[len(packages) - depth]
        for each in () if folder in folders else sorted(folder.rglob("*.py")):
            files[".".join([*packages[:depth], *each.relative_to(folder).with_suffix("").parts])] = each
        folders.add(folder)
    stated = ((name, path, state_of("", path.stat())) for name, path in files.items())
    return _digest(tuple(sorted(names)), tuple(stated), cache)


@lru_cache(maxsize=256)
def _digest(roots: tuple[str, ...], files: tuple[tuple[str, Path, str], ...], cache: Path | None) -> str:
    """The digest of modules among files: module, path and state of each."""
    sources = {name: path.read_bytes() for name, path, _ in files}
    known = (*roots, digest_of_strings([*sources, *map(digest_of_bytes, sources.values())]))
    return remembered(
        f"code|{known}", cache, lambda: digest_of_strings(sorted(code_of(roots, sources).values()))
    )


def code_of(roots: Iterable[str], sources: Mapping[str, bytes]) -> dict[str, str]:
    """The digest of each root module and of each module that it imports, directly or not, by module name.

    `sources` hold the bytes of modules by name; `PACKAGE.__init__` names a package's own file. A file without
    a statement has no digest.

    >>> sorted(code_of(["p.a"], {"p.a": b"from p import b", "p.b": b"X = 1", "p.c": b"Y = 2"}))
    ['p.b']
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
    """The digest of a module's statements, empty where it has none, and its imports of the package `own`."""
    words: list[str] = []
    imports: list[ast.Import | ast.ImportFrom] = []
    for statement in ast.parse(source).body:
        _write(statement, own, words, imports)
    return digest_of_bytes("".join(words).encode()) if words else "", imports


def _write(value: object, own: str, words: list[str], imports: list[ast.Import | ast.ImportFrom]) -> None:
    """Append a syntax tree, a list of them or a plain value to `words`, the same in all versions of Python if
    possible.

    Imports of the package `own` go to `imports` instead.
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
    """The names that an import binds, each with the modules that Python runs for it.

    The files of the packages that contain a module come before the module.
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


def _module_of(root: Callable[..., object] | str) -> tuple[str, Path]:
    """The name of a root's module and its file; a package's own file is `PACKAGE.__init__`."""
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
        if not path.is_file():
            raise Unsupported(
                f"{getattr(root, '__qualname__', name)}: its code is in no file, and a change of it would "
                "not be seen; define it in a module, and import it"
            )
    return (f"{name}.{_INIT}" if path.stem == _INIT else name), path
