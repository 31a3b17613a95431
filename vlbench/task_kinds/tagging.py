"""Tagging: every image has any number of right tags."""

from collections.abc import Sequence
from functools import partial as bind

import numpy as np

from vlbench.core.contracts import Dataset, Example
from vlbench.core.errors import DataError
from vlbench.core.expectation import check_counts
from vlbench.core.label_index import LabelIndex
from vlbench.core.metric_name import metrics_of
from vlbench.core.problem import Problem, by_words
from vlbench.core.protocol import asked, state_protocol
from vlbench.core.reading import read_so
from vlbench.core.registry import SCORINGS
from vlbench.core.relevance import Relevance
from vlbench.core.task import Task, TaskRequest

DEFAULT_METRICS = ("mean_average_precision",)
BARE_NAME = ("{}",)


def tagging(request: TaskRequest) -> Task:
    """Ask which tags are true of an image; an image that carries a label alone has that one tag.

    Raises:
        DataError: no tags, an image without a tag list, a tag twice in the list, or counts that differ.
        UnknownName: an image carries a tag that the list does not have.
    """
    source = request.source
    names = request.names or source.offers.names
    templates = request.templates or source.offers.templates or BARE_NAME
    if not names:
        raise DataError(f"{request.name}: no tags{read_so(source)}; give a names file or tags in the data")
    index = LabelIndex.of(names, request.name)
    images: list[int] = []
    texts: list[int] = []
    stated = [_tags(source, example, request.name) for example in source.examples]
    rows = _as_marks(stated, len(names), request)
    for i, tags in enumerate(stated if rows is None else rows):
        for tag in tags:
            images.append(i)
            texts.append(index.position(tag, bind(_where, request, i)))
    partial = check_counts(request, images=len(source), texts=len(names))
    if not images:
        raise DataError(f"{request.name}: no image carries any of the {len(names)} tags; check the tag names")
    primary = request.primary or (request.metrics or DEFAULT_METRICS)[0]
    return Task(
        name=request.name,
        kind="tagging",
        protocol=state_protocol(request, kind="tagging", texts=names, templates=templates, primary=primary),
        problem=Problem(
            candidates=source,
            queries=by_words(tuple(asked(text, templates) for text in names)),
            relevant=Relevance.from_pairs(
                np.array(images, dtype=np.int64),
                np.array(texts, dtype=np.int64),
                (len(source), len(names)),
            ),
        ),
        scoring=SCORINGS.get("matrix"),
        metrics=metrics_of(request.metrics or DEFAULT_METRICS),
        primary=primary,
        partial=partial,
        called="tags",
        remarks=()
        if rows is None
        else (f"tags are rows of {len(names)} marks of 0 and 1, one for each tag",),
    )


def _as_marks(
    stated: Sequence[tuple[str | int, ...]], count: int, request: TaskRequest
) -> list[tuple[int, ...]] | None:
    """Indices of tags that are stated as rows of 0 and 1, one for each; None where no row is such.

    Raises:
        DataError: an index stands twice, and not all lists are such rows; or nobody can tell which they are.
    """
    repeated = next((i for i, tags in enumerate(stated) if _repeats(tags)), None)
    rows = [tags for tags in stated if tags]
    are_marks = all(len(tags) == count and all(tag in (0, 1) for tag in tags) for tags in rows)
    if repeated is not None and not are_marks:
        tags = stated[repeated]
        looks = f"; it looks like a row of marks, {len(tags)} of 0 and 1, for {count} tags" * (
            set(tags) <= {0, 1}
        )
        raise DataError(
            f"{_where(request, repeated)}: an index stands twice in its tags{looks}; give indices or names"
        )
    if repeated is None:
        if are_marks and rows and count == 2 and all(isinstance(tag, int) for tags in rows for tag in tags):
            raise DataError(
                f"{request.name}: tags may be rows of marks or indices, since there are 2; give them as names"
            )
        return None
    return [tuple(place for place, mark in enumerate(tags) if mark == 1) for tags in stated]


def _repeats(tags: tuple[str | int, ...]) -> bool:
    """Whether an index stands twice; a name that does says nothing new."""
    numbers = [tag for tag in tags if isinstance(tag, int)]
    return len(set(numbers)) < len(numbers)


def _tags(source: Dataset, example: Example, task: str) -> tuple[str | int, ...]:
    target = example.target
    if target.tags is not None:
        return target.tags
    if target.label is not None:
        return (target.label,)
    raise DataError(
        f"{task}: image {example.id} has no tags{read_so(source)}; add a list (an empty one if none is true)"
    )


def _where(request: TaskRequest, index: int) -> str:
    return f"image {request.source[index].id} of {request.name}"
