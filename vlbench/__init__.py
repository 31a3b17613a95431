"""vlbench: one benchmark harness for zero-shot vision-language models."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vlbench.api.callback import callback
    from vlbench.api.comparison import compare
    from vlbench.api.failures import NotAllRun
    from vlbench.api.fit import fit_coop, fit_react
    from vlbench.api.request import list_models, list_tasks, load_model, load_task
    from vlbench.api.results import Results, confusion_matrix
    from vlbench.api.retrieval import retrieve
    from vlbench.api.runs import evaluate
    from vlbench.api.website import build_site
    from vlbench.core.contracts import Dataset, Example, Model, Source, Target, Text
    from vlbench.core.errors import VlbenchError
    from vlbench.core.method import Method
    from vlbench.core.metric import Metric
    from vlbench.core.problem import Problem, Query
    from vlbench.core.registry import ADAPTERS, METHODS, METRICS, SCORINGS, SOURCES, TASK_KINDS
    from vlbench.core.result import Result
    from vlbench.core.scoring import Scoring
    from vlbench.core.task import Task
    from vlbench.datasets.memory.held import data

    __version__: str

__all__ = [
    "ADAPTERS",
    "METHODS",
    "METRICS",
    "SCORINGS",
    "SOURCES",
    "TASK_KINDS",
    "Dataset",
    "Example",
    "Method",
    "Metric",
    "Model",
    "NotAllRun",
    "Problem",
    "Query",
    "Result",
    "Results",
    "Scoring",
    "Source",
    "Target",
    "Task",
    "Text",
    "VlbenchError",
    "build_site",
    "callback",
    "compare",
    "confusion_matrix",
    "data",
    "evaluate",
    "fit_coop",
    "fit_react",
    "list_models",
    "list_tasks",
    "load_model",
    "load_task",
    "retrieve",
]

_HOMES = {
    "vlbench.api.callback": ("callback",),
    "vlbench.api.comparison": ("compare",),
    "vlbench.api.failures": ("NotAllRun",),
    "vlbench.api.fit": ("fit_coop", "fit_react"),
    "vlbench.api.request": ("list_models", "list_tasks", "load_model", "load_task"),
    "vlbench.api.results": ("Results", "confusion_matrix"),
    "vlbench.api.retrieval": ("retrieve",),
    "vlbench.api.runs": ("evaluate",),
    "vlbench.api.website": ("build_site",),
    "vlbench.core.contracts": ("Dataset", "Example", "Model", "Source", "Target", "Text"),
    "vlbench.core.errors": ("VlbenchError",),
    "vlbench.core.method": ("Method",),
    "vlbench.core.metric": ("Metric",),
    "vlbench.core.problem": ("Problem", "Query"),
    "vlbench.core.registry": ("ADAPTERS", "METHODS", "METRICS", "SCORINGS", "SOURCES", "TASK_KINDS"),
    "vlbench.core.result": ("Result",),
    "vlbench.core.scoring": ("Scoring",),
    "vlbench.core.task": ("Task",),
    "vlbench.datasets.memory.held": ("data",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

if not TYPE_CHECKING:  # so that a misspelt name stays a mistake to type checkers

    def __getattr__(name: str) -> object:
        """A public name, imported when it is first asked for: pytest loads the plug-in of every project."""
        if name == "__version__":
            from importlib.metadata import version

            return version("vlbench")
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value: object = getattr(import_module(_HOME_OF[name]), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
