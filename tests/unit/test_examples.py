"""Each public function and type has an example in its docstring, which pytest runs."""

import ast
import doctest
import inspect
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Protocol

import pytest

from vlbench.core.registry import METHODS, METRICS, SCORINGS, SOURCES, TASK_KINDS, Registry

CHECKOUT = Path(__file__).parents[2]
REGISTRIES = (METHODS, METRICS, SCORINGS, SOURCES, TASK_KINDS)
WITHOUT = {"vlbench.datasets.readers.hub:hub"}
"""It asks the network."""


def exported(module: str) -> list[str]:
    """The names that a module re-exports to type checkers."""
    tree = ast.parse(Path(import_module(module).__file__).read_text(encoding="utf-8"))
    for_checkers = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in for_checkers.body if isinstance(node, ast.ImportFrom)]
    return [f"{node.module}:{alias.name}" for node in imports for alias in node.names]


def imported_by_plug_ins() -> Iterator[str]:
    """What the plug-in example and the page about plug-ins import from the core."""
    sources = [path.read_text(encoding="utf-8") for path in (CHECKOUT / "tests/plugin").rglob("*.py")]
    page = (CHECKOUT / "docs/plugins.md").read_text(encoding="utf-8")
    for source in [*sources, *re.findall(r"```python\n(.*?)```", page, re.DOTALL)]:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vlbench.core"):
                yield from (f"{node.module}:{alias.name}" for alias in node.names)


def registered(registry: Registry) -> Iterator[str]:
    for name in registry.names():
        if registry.distribution(name) == "vlbench":
            run = function_of(registry.get(name))
            yield f"{run.__module__}:{run.__name__}"


def function_of(value: object) -> object:
    """A function or class; of a metric or a scoring the function that it runs."""
    return getattr(value, "run", value)


def documented(value: object) -> bool:
    """Whether a name needs an example: a function, or a class that is neither a protocol nor an error."""
    if not inspect.isclass(value):
        return inspect.isfunction(value)
    return Protocol not in value.__mro__ and not issubclass(value, Exception)


def has_example(value: object) -> bool:
    members = list(vars(value).values()) if inspect.isclass(value) else []
    return any(">>>" in (inspect.getdoc(each) or "") for each in (value, *members))


def test_every_public_name_has_an_example():
    names = {*exported("vlbench"), *imported_by_plug_ins()}
    names = {*names, *(name for registry in REGISTRIES for name in registered(registry))}
    values = {
        name: function_of(getattr(import_module(name.split(":")[0]), name.split(":")[1])) for name in names
    }
    needing = {name: value for name, value in values.items() if documented(value)}
    assert len(needing) > 100
    assert sorted(name for name, value in needing.items() if not has_example(value)) == sorted(WITHOUT)


@pytest.mark.parametrize("name", [name for name in METRICS if METRICS.distribution(name) == "vlbench"])
def test_the_example_of_a_metric_is_right(name):
    # a metric is a value, so pytest doesn't collect its function's docstring
    run = METRICS.get(name).run
    (test,) = doctest.DocTestFinder(recurse=False).find(
        run, name, globs=dict(vars(sys.modules[run.__module__]))
    )
    told: list[str] = []
    assert not doctest.DocTestRunner().run(test, out=told.append).failed, "".join(told)
