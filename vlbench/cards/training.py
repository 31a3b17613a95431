"""Is it zero-shot? What a model's card says it was trained on, held against a task's data."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vlbench.cards.threshold_file import stated_number
from vlbench.core.result import ZeroShot

if TYPE_CHECKING:
    from vlbench.cards.schema import ModelCard, TaskCard

Facts = Mapping[str, str | int | float]
"""What a model's card states and a leaderboard shows."""

_FACTS = ("family", "parameters", "gflops", "image_size", "licence")


def zero_shot(model: "ModelCard | None", task: "TaskCard | None", thresholds: str | None = None) -> ZeroShot:
    """Whether a model saw none of the data sets that a task tests: unknown where a card does not say.

    A file of `thresholds` does not say which images they were chosen on.
    """
    if model is None or task is None or not task.data:
        return "unknown"
    if {*(model.trained_on or ()), *model.tuned_on} & set(task.data):
        return "no"
    told = thresholds is None or stated_number(thresholds) is not None
    return "unknown" if model.trained_on is None or model.tuned_on or not told else "yes"


def facts_of(model: "ModelCard | None") -> Facts:
    """What a leaderboard shows of a model's card; what the card leaves out is left out."""
    if model is None:
        return {}
    stated = {field: getattr(model, field) for field in _FACTS}
    return {field: value for field, value in stated.items() if value not in (None, "")}
