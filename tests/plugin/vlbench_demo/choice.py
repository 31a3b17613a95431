"""A task kind: which of a few texts is right of an image, each image with a few of its own."""

from dataclasses import replace
from functools import partial

import numpy as np

from vlbench.core.errors import DataError
from vlbench.core.expectation import check_counts
from vlbench.core.label_index import LabelIndex
from vlbench.core.metric_name import metrics_of
from vlbench.core.problem import Asked, Problem, by_words
from vlbench.core.protocol import asked, state_protocol
from vlbench.core.registry import SCORINGS
from vlbench.core.relevance import Relevance
from vlbench.core.task import Task, TaskRequest


def demo_choice(request: TaskRequest, *, choices: int = 2) -> Task:
    """Ask whether an image shows its class or one of the next ones of the list: `choices` names in all.

    Raises:
        DataError: there are fewer names than choices, or an image has no label.
        UnknownName: a label that no name has.
    """
    source, names, templates = request.source, request.names or (), request.templates or ("{}",)
    if not 2 <= choices <= len(names):
        raise DataError(f"{request.name}: {choices} choices of {len(names)} names; give 2 to {len(names)}")
    index = LabelIndex.of(names, request.name)
    labels = []
    for example in source.examples:
        if example.target.label is None:
            raise DataError(f"{request.name}: image {example.id} has no label; add it")
        labels.append(index.position(example.target.label, partial("image {}".format, example.id)))
    images, right = np.arange(len(source)), np.array(labels, dtype=np.int64)
    shape = (len(source), len(names))
    offered = (right[:, None] + np.arange(choices)) % len(names)  # [n, choices]
    # what changes the question is part of its protocol, whether the card states it or not
    request = replace(request, settings={**request.settings, "choices": choices})
    primary = request.primary or "demo_chosen"
    return Task(
        name=request.name,
        kind="demo_choice",
        protocol=state_protocol(
            request, kind="demo_choice", texts=names, templates=templates, primary=primary
        ),
        problem=Problem(
            candidates=source,
            queries=by_words(tuple(asked(text, templates) for text in names)),
            relevant=Relevance.from_pairs(images, right, shape),
            asked=Asked("only", Relevance.from_pairs(np.repeat(images, choices), offered.reshape(-1), shape)),
        ),
        scoring=SCORINGS.get("demo_margins"),
        metrics=metrics_of(request.metrics or ("demo_chosen", "demo_mean_margin")),
        primary=primary,
        partial=check_counts(request, images=len(source), texts=len(names)),
        called="choices",
    )
