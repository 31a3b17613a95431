"""The schema of collection files."""

from typing import Annotated

from pydantic import Field

from vlbench.cards.schema import Amount, Fields, Word


class CollectionCard(Fields):
    """A collection: tasks that a tool or paper reports together."""

    title: Annotated[Word, Field(description="what people call it")]
    tasks: Annotated[tuple[Word, ...], Field(min_length=1, description="names of task cards")]
    metrics: Annotated[
        dict[Word, Word | tuple[Word, ...]],
        Field(
            default_factory=dict,
            description="of a task, what the collection averages in place of its primary metric: a metric, "
            "several whose mean counts, or none ([]), which leaves it out of the average",
        ),
    ]
    weights: Annotated[
        dict[Word, Amount],
        Field(
            default_factory=dict,
            description="how much each task counts in the average, such as its items; none: all alike",
        ),
    ]
    groups: Annotated[
        dict[Word, Annotated[tuple[Word, ...], Field(min_length=1)]],
        Field(
            default_factory=dict,
            description="tasks by group: groups count alike in the average, and each is that of its tasks",
        ),
    ]
    about: Annotated[str, Field(description="what a user has to know")] = ""
    source: Annotated[str, Field(description="where the list is stated")] = ""
