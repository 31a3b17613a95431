"""The types that all parts share: what a model is and what a data set is."""

from typing import TYPE_CHECKING, Never

from vlbench.core.contracts.data import Dataset, Example, Offers, Place, Source, SourceFactory, Target, Text
from vlbench.core.contracts.model import (
    Adapter,
    Checkpoint,
    Identity,
    Model,
    ModelInfo,
    Origin,
    Placement,
    Precision,
    PreprocessMode,
)
from vlbench.core.contracts.prediction import Prediction, ScoreUnit

__all__ = [
    "Adapter",
    "Checkpoint",
    "Dataset",
    "Example",
    "Identity",
    "Model",
    "ModelInfo",
    "Offers",
    "Origin",
    "Place",
    "Placement",
    "Precision",
    "Prediction",
    "PreprocessMode",
    "ScoreUnit",
    "Source",
    "SourceFactory",
    "Target",
    "Text",
]

_MOVED = {
    **dict.fromkeys(
        ("Expectation", "ProtocolStatement", "Task", "TaskKind", "TaskRequest"),
        "is in vlbench.core.task; a Task's `scoring` is SCORINGS.get(NAME) of vlbench.core.registry",
    ),
    "Problem": (
        "is in vlbench.core.problem, and has candidates=images, queries=by_words(texts) and "
        'groups={"group": Groups("candidates", labels)} in place of images, texts and groups'
    ),
    "Metric": "is in vlbench.core.metric; put @metric(...) of that module above a metric's function",
    "Scoring": "is in vlbench.core.scoring, a value: SCORINGS.get(NAME) of vlbench.core.registry",
    "Tuning": "is gone: what learns from another split is a Method of vlbench.core.method",
}
"""Names that version 0.1 had in this module, and where each one is now."""

if not TYPE_CHECKING:  # a type checker would take any name for one of this module

    def __getattr__(name: str) -> Never:
        if name in _MOVED:
            raise ImportError(f"{name} of vlbench.core.contracts {_MOVED[name]}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
