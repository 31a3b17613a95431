"""The schema of collection files, and of each kind of card."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from vlbench.cards.schema import Amount, Fields, ModelCard, TaskCard, Word


class CollectionCard(Fields):
    """A collection: tasks that a tool or paper reports together."""

    title: Annotated[Word, Field(description="the usual name")]
    tasks: Annotated[tuple[Word, ...], Field(min_length=1, description="names of task cards")]
    metrics: Annotated[
        dict[Word, Word | tuple[Word, ...]],
        Field(
            default_factory=dict,
            description="what the collection averages for a task instead of its primary metric: a metric, "
            "the mean of several, or nothing ([]), which leaves the task out of the average",
        ),
    ]
    weights: Annotated[
        dict[Word, Amount],
        Field(
            default_factory=dict,
            description="the weight of each task in the average, such as its items; by default all are equal",
        ),
    ]
    groups: Annotated[
        dict[Word, Annotated[tuple[Word, ...], Field(min_length=1)]],
        Field(
            default_factory=dict,
            description="tasks by group: groups have equal weight, and each is the average of its tasks",
        ),
    ]
    about: Annotated[str, Field(description="what a user should know")] = ""
    source: Annotated[str, Field(description="where the list is stated")] = ""


SCHEMAS: Mapping[str, type[Fields]] = {"model": ModelCard, "task": TaskCard, "collection": CollectionCard}
"""The schema of each kind of card."""
