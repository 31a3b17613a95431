"""vlbench: one benchmark harness for zero-shot vision-language models."""

from importlib.metadata import version

from vlbench.api import evaluate, fit_coop, list_models, list_tasks, load_model, load_task
from vlbench.core.contracts import Example, Model, Problem, Source, Target, Task, Text
from vlbench.core.errors import VlbenchError
from vlbench.core.registry import ADAPTERS, METRICS, SOURCES, TASK_KINDS
from vlbench.core.result import Result

__version__ = version("vlbench")

__all__ = [
    "ADAPTERS",
    "METRICS",
    "SOURCES",
    "TASK_KINDS",
    "Example",
    "Model",
    "Problem",
    "Result",
    "Source",
    "Target",
    "Task",
    "Text",
    "VlbenchError",
    "evaluate",
    "fit_coop",
    "list_models",
    "list_tasks",
    "load_model",
    "load_task",
]
