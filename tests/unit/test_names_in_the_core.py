"""The engine and the reports know contracts: no task kind, method, scoring or metric by its name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import vlbench
from vlbench.core.registry import METHODS, METRICS, SCORINGS, TASK_KINDS

PACKAGE = Path(vlbench.__file__).parent
FILES = sorted(path for room in ("engine", "report") for path in (PACKAGE / room).rglob("*.py"))
WORDS = {"columns", "features", "matrix", "zero-shot"}
"""Names that are everyday words: they count where something is compared with them or looked up by them."""
OTHERS = {
    "report/exchange/export.py": {
        *("classification", "retrieval", "tagging"),
        *("acc1", "acc5", "mean_per_class_recall", "mean_average_precision"),
    },
    "report/exchange/imported_mteb.py": {"acc1"},
    "report/exchange/verify.py": {"undecided"},
    "report/exchange/verify_text.py": {"undecided"},
}
"""What other tools' files call our kinds and metrics, and a verdict that is a metric's word; nothing else."""


def names() -> set[str]:
    """All names but those of arrays, which scorings keep and reports read."""
    kept = set().union(*(SCORINGS.get(name).keeps for name in SCORINGS))
    return {name for each in (METHODS, METRICS, SCORINGS, TASK_KINDS) for name in each} - kept


def found(source: str, known: set[str]) -> set[str]:
    """Names in strings and attributes of a module's code; its docstrings may speak of them."""
    tree = ast.parse(source)
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    looked_up = {id(node) for each in ast.walk(tree) for node in keys_of(each)}
    words: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            words |= set(re.findall(r"[\w-]+", node.value)) - WORDS
            words |= {node.value} if id(node) in looked_up else set()
        if isinstance(node, ast.Attribute) and node.attr not in WORDS:
            words.add(node.attr)
    return words & known


def keys_of(node: ast.AST) -> Iterator[ast.AST]:
    """What a node compares with, looks up or calls by."""
    match node:
        case ast.Compare():
            yield from (part for each in (node.left, *node.comparators) for part in ast.walk(each))
        case ast.Dict():
            yield from (key for key in node.keys if key is not None)
        case ast.MatchValue() | ast.Subscript():
            yield node.value if isinstance(node, ast.MatchValue) else node.slice
        case ast.Call(func=ast.Attribute(attr="get")):
            yield from node.args


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_plug_in_is_named(path):
    place = path.relative_to(PACKAGE).as_posix()
    assert found(path.read_text(encoding="utf-8"), names()) == OTHERS.get(place, set())


def test_templates_name_none_either():
    known = names() - WORDS
    for path in (PACKAGE / "report").rglob("*.*"):
        if path.suffix in (".html", ".js"):
            quoted = re.findall(r"""["'`]([\w-]+)["'`]""", path.read_text(encoding="utf-8"))
            assert known.isdisjoint(quoted), path


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('if result.kind == "classification": pass', {"classification"}),
        ('if kind in ("tagging", "x"): pass', {"tagging"}),
        ("metric = METRICS.acc1", {"acc1"}),
        ('say(f"{task} has no acc1: leave it out")', {"acc1"}),
        ('pattern = r"(?:best-f1|other)"', {"best-f1"}),
        ('scoring = SCORINGS.get("features")', {"features"}),
        ('match name:\n case "matrix": pass', {"matrix"}),
        ('folder = cache / "features"', set()),
        ('"""Speaks of acc1."""', set()),
    ],
)
def test_a_name_is_found(source, names):
    assert found(source, {"acc1", "best-f1", "classification", "features", "matrix", "tagging"}) == names
