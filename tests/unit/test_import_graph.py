"""No module of vlbench imports itself through others, imports for types and inside functions included."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import vlbench

ROOT = Path(vlbench.__file__).parent
MODULES = {
    ".".join(("vlbench", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}


def imported(text: str, names: set[str]) -> set[str]:
    """The modules among `names` that a text imports, wherever the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (inner & names) or {str(node.module)}
    return found & names


def circle(graph: dict[str, set[str]]) -> list[str]:
    """A circle of a graph, its first module also its last; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def circles(graph: dict[str, set[str]]) -> list[str]:
    """Circles in words, each without a module of those before it."""
    found: list[str] = []
    while members := circle(graph):
        found.append(" <- ".join(members))
        graph = {name: rest - set(members) for name, rest in graph.items() if name not in members}
    return found


def test_a_circle_is_found_through_types_and_functions() -> None:
    texts = {
        "vlbench.a": "if TYPE_CHECKING:\n    from vlbench.b import B\n",
        "vlbench.b": "def late():\n    from vlbench import c\n",
        "vlbench.c": "import vlbench.a\n",
        "vlbench.d": "from vlbench.a import A\n",
    }
    graph = {name: imported(text, set(texts)) for name, text in texts.items()}
    (found,) = circles(graph)
    assert {"vlbench.a", "vlbench.b", "vlbench.c"} == set(found.split(" <- "))
    del graph["vlbench.c"]
    assert circles(graph) == []


@pytest.mark.slow
def test_no_import_goes_round_in_a_circle() -> None:
    names = set(MODULES)
    graph = {name: imported(path.read_text(), names) - {name} for name, path in MODULES.items()}
    assert circles(graph) == []
