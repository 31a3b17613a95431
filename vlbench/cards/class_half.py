"""Base-to-new: the halves of a classification's classes, each as its own task (`X@base`, `X@new`)."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from vlbench.cards.catalogue import MARK
from vlbench.cards.folders import Half
from vlbench.core.contracts import Example, Target, Text
from vlbench.core.dataset import Examples, subset
from vlbench.core.errors import Unsupported
from vlbench.core.expectation import check_counts
from vlbench.core.label_index import NUMBER, LabelIndex
from vlbench.core.task import Expectation, TaskRequest


def half_classes(classes: int, half: Half) -> range:
    """The labels of a half: the first ceil(n / 2) are base, the others new.

    Source: Zhou et al., Conditional prompt learning for vision-language models (arXiv 2203.05557), section
    4.1; the rounding is that of the authors' code (datasets/oxford_pets.py).

    >>> half_classes(5, "base"), half_classes(5, "new")
    (range(0, 3), range(3, 5))
    """
    middle = (classes + 1) // 2
    return range(middle) if half == "base" else range(middle, classes)


def class_half(request: TaskRequest, half: Half) -> TaskRequest:
    """A request about half of the classes and their images; counts are checked on the whole before.

    Its name, its protocol's name and its protocol's digest contain the half.

    Raises:
        Unsupported: there are no classes, or an image has no label.
        DataError: counts differ from the card's, or a label is out of range.
        UnknownName: no class has a label of the data.
    """
    names = request.names or request.source.offers.names
    labels = _labels(request, LabelIndex.of(names, request.name))
    reason = check_counts(request, images=len(labels), texts=len(names))
    kept = half_classes(len(names), half)
    indices = tuple(index for index, label in enumerate(labels) if label in kept)
    counted = request.expect.images is not None
    # under labels of its own, positions among the half's texts; states stay, so that features are shared
    source = subset(request.source, indices)
    relabelled = partial(
        _under_label, source.examples, tuple(labels[index] - kept.start for index in indices)
    )
    return replace(
        request,
        name=f"{request.name}{MARK}{half}",
        protocol=f"{request.protocol}{MARK}{half}",
        source=replace(source, examples=Examples(relabelled, len(indices))),
        names=half_names(names, half),
        expect=Expectation(images=len(indices) if counted else None, texts=len(kept)),
        partial=reason,
        settings={**request.settings, "classes": half},
    )


def positions_in_half(chosen: Sequence[int], labels: Sequence[int], *, classes: int, half: Half) -> list[int]:
    """The positions of chosen images within a half, in their order, without those of the other half.

    `chosen` are positions in the whole data set and `labels` [n] are its labels, since few-shot samples are
    drawn before the classes are halved.

    >>> positions_in_half([3, 2, 0], [0, 1, 2, 0], classes=3, half="base")
    [2, 0]
    """
    kept = half_classes(classes, half)
    members = [index for index, label in enumerate(labels) if label in kept]
    within = {index: position for position, index in enumerate(members)}
    return [within[index] for index in chosen if index in within]


def _under_label(examples: Sequence[Example], labels: tuple[int, ...], index: int) -> Example:
    example = examples[index]
    return replace(example, target=Target(label=labels[index], group=example.target.group))


def half_names(names: Sequence[Text], half: Half) -> tuple[Text, ...]:
    """The names of a half of the classes, without the numbers in the data: within a half, labels are
    positions."""
    kept = half_classes(len(names), half)
    return tuple(
        replace(text, ids={key: value for key, value in text.ids.items() if key != NUMBER})
        for text in names[kept.start : kept.stop]
    )


def _labels(request: TaskRequest, index: LabelIndex) -> list[int]:
    source = request.source
    labels = []
    for position, example in enumerate(source.examples):
        where = partial(_where, request, position)
        label = example.target.label
        if label is None:
            raise Unsupported(
                f"{where()} has no class; @base and @new are halves of a classification's classes"
            )
        labels.append(index.position(label, where))
    return labels


def _where(request: TaskRequest, index: int) -> str:
    return f"image {request.source[index].id} of {request.name}"
