"""Classification: every image has one right class."""

from functools import partial as bind

import numpy as np

from vlbench.core.contracts import Dataset
from vlbench.core.errors import DataError
from vlbench.core.expectation import check_counts
from vlbench.core.label_index import LabelIndex
from vlbench.core.metric_name import metrics_of
from vlbench.core.problem import Groups, Problem, by_words
from vlbench.core.protocol import BARE, asked, state_protocol
from vlbench.core.registry import SCORINGS
from vlbench.core.relevance import Relevance
from vlbench.core.task import Task, TaskRequest

DEFAULT_METRICS = ("acc1", "acc5", "mean_per_class_recall")
EXTRA_METRICS = ("worst_class_accuracy", "ece", "brier", "nll")
"""Every classification measures these after the metrics of its card; they are not part of the protocol."""


def classification(request: TaskRequest) -> Task:
    """Ask which class an image shows. The texts are the classes, filled into the templates.

    Raises:
        DataError: there are fewer than two class names, an image has no label, or counts differ from the
            card's.
        UnknownName: no class has a label of the data.

    >>> from vlbench.core.contracts import Dataset, Example, Target, Text
    >>> images = [Example(f"{label}.png", lambda: None, Target(label)) for label in ("cat", "dog")]
    >>> names = (Text("cat"), Text("dog"))
    >>> request = TaskRequest("pets", "mine", Dataset("pets", "1", images), names, templates=("a {}.",))
    >>> task = classification(request)
    >>> task.problem.texts[1].prompts, task.problem.relevant.queries.tolist()
    (('a dog.',), [0, 1])
    """
    source = request.source
    names = request.names or source.offers.names
    templates = request.templates or source.offers.templates or BARE
    if len(names) < 2:
        raise DataError(f"{request.name}: {_too_few(source, len(names))}")
    index = LabelIndex.of(names, request.name)
    positions: dict[str | int, int] = {}
    labels: list[int] = []
    groups: list[str] = []
    for i, example in enumerate(source.examples):
        label = example.target.label
        if label is None:
            raise DataError(
                f"{request.name}: image {example.id} has no label{source.reading.told}; "
                "add it or remove the image"
            )
        if label not in positions:
            positions[label] = index.position(label, bind(request.where, i))
        labels.append(positions[label])
        groups.append(example.target.group)
    partial = check_counts(request, images=len(source), texts=len(names))
    primary = request.primary or (request.metrics or DEFAULT_METRICS)[0]
    texts = tuple(asked(text, templates) for text in names)
    return Task(
        name=request.name,
        kind="classification",
        protocol=state_protocol(
            request, kind="classification", texts=names, templates=templates, primary=primary
        ),
        problem=Problem(
            candidates=source,
            queries=by_words(texts),
            relevant=Relevance.from_pairs(
                np.arange(len(source), dtype=np.int64),
                np.array(labels, dtype=np.int64),
                (len(source), len(names)),
            ),
            groups={"group": Groups("candidates", tuple(groups))} if any(groups) else {},
        ),
        scoring=SCORINGS.get("row_ranks"),
        metrics=metrics_of(dict.fromkeys([*(request.metrics or DEFAULT_METRICS), *EXTRA_METRICS])),
        primary=primary,
        partial=partial,
        called="classes",
    )


def _too_few(source: Dataset, names: int) -> str:
    """The error text for fewer than two names: labels may be numbers that nothing names."""
    labels = [example.target.label for example in source.examples]
    numbers = [label for label in labels if isinstance(label, int)]
    if numbers and not names:
        return (
            f"labels are numbers, {min(numbers)} to {max(numbers)}, without names{source.reading.told}; pass "
            "--classnames FILE, or put a names.txt beside the images: a line for each number from 0 on"
        )
    return (
        f"{names} class names{source.reading.told}; a classification needs two: "
        "give class folders, a label for each image, or a names.txt with a line for each number"
    )
