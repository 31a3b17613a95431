"""Is it zero-shot? What a model's card says it was trained on, held against a task's data."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vlbench.cards.catalogue import Catalogue, Entry
from vlbench.cards.names import find
from vlbench.core.result import ZeroShot

if TYPE_CHECKING:
    from vlbench.cards.schema import ModelCard, TaskCard

Facts = Mapping[str, str | int | float]
"""What a model's card states and a leaderboard shows."""

_FACTS = ("family", "parameters", "gflops", "image_size", "licence")


def zero_shot(model: "ModelCard | None", task: "TaskCard | None") -> ZeroShot:
    """Whether a model saw none of the data sets that a task tests: unknown where a card does not say."""
    if model is None or task is None or model.trained_on is None or not task.data:
        return "unknown"
    return "no" if set(model.trained_on) & set(task.data) else "yes"


def facts_of(model: "ModelCard | None") -> Facts:
    """What a leaderboard shows of a model's card; what the card leaves out is left out."""
    if model is None:
        return {}
    stated = {field: getattr(model, field) for field in _FACTS}
    return {field: value for field, value in stated.items() if value not in (None, "")}


def model_card(name: str, catalogue: Catalogue) -> "ModelCard | None":
    """The card of a model; None for a reference that has none.

    Raises:
        UnknownName: nobody has the name.
        CardError: the card is wrong.
    """
    from vlbench.cards.card_file import parse_model_card

    found = find(catalogue, name, "model")
    return parse_model_card(found.path) if isinstance(found, Entry) else None


def task_card(name: str, catalogue: Catalogue) -> "TaskCard | None":
    """The card of a task, or of the task whose half is asked for; None for own data.

    Raises:
        UnknownName: nobody has the name.
        CardError: the card is wrong.
    """
    from vlbench.cards.card_file import parse_task_card

    found = find(catalogue, name, "task")
    return parse_task_card(found.path) if isinstance(found, Entry) else None
