"""Tagging: every image has any number of right tags, and possibly some whose truth is unknown."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial as bind
from itertools import combinations

import numpy as np

from vlbench.core.contracts import Dataset, Example, Target, Text
from vlbench.core.errors import DataError
from vlbench.core.expectation import check_counts
from vlbench.core.label_index import LabelIndex
from vlbench.core.metric_name import metrics_of
from vlbench.core.problem import Asked, Problem, by_words
from vlbench.core.protocol import BARE, asked, state_protocol
from vlbench.core.registry import SCORINGS
from vlbench.core.relevance import Relevance
from vlbench.core.task import Task, TaskRequest

DEFAULT_METRICS = ("mean_average_precision",)


def tagging(request: TaskRequest) -> Task:
    """Ask which tags are true of an image. An image with a label instead of tags has that one tag.

    Pairs whose truth the data state as unknown are not asked about.

    Raises:
        DataError: there are no tags, an image has no list of tags, the names have a tag twice, counts differ,
            a tag is stated as two of right, false and unknown, or only some images have negative tags.
        UnknownName: no name matches a tag of an image.

    >>> from vlbench.core.contracts import Dataset, Example, Target, Text
    >>> targets = (Target(tags=("cat",)), Target(tags=("dog",), unknown=("cat",)))
    >>> images = [Example(str(i), lambda: None, target) for i, target in enumerate(targets)]
    >>> request = TaskRequest("pets", "mine", Dataset("pets", "1", images), (Text("cat"), Text("dog")))
    >>> task = tagging(request)
    >>> task.problem.relevant.queries.tolist(), task.problem.asked.how
    ([0, 1], 'but')
    """
    source = request.source
    names = request.names or source.offers.names
    templates = request.templates or source.offers.templates or BARE
    if not names:
        raise DataError(
            f"{request.name}: no tags{source.reading.told}; give a names file or tags in the data"
        )
    index = LabelIndex.of(names, request.name)
    targets, stated = [], []
    for example in source.examples:
        targets.append(example.target)
        stated.append(_tags(source, example, request.name))
    rows = _as_marks(stated, len(names), request)
    relevant = _pairs(stated if rows is None else rows, index, request)
    partial = check_counts(request, images=len(source), texts=len(names))
    if not relevant.candidates.size:
        raise DataError(f"{request.name}: no image carries any of the {len(names)} tags; check the tag names")
    known = _asked(targets, relevant, names, request)
    remarks = [f"tags are rows of {len(names)} marks of 0 and 1, one for each tag"] * (rows is not None)
    primary = request.primary or (request.metrics or DEFAULT_METRICS)[0]
    return Task(
        name=request.name,
        kind="tagging",
        protocol=state_protocol(request, kind="tagging", texts=names, templates=templates, primary=primary),
        problem=Problem(
            candidates=source,
            queries=by_words(tuple(asked(text, templates) for text in names)),
            relevant=relevant,
            asked=known,
        ),
        scoring=SCORINGS.get("matrix"),
        metrics=metrics_of(request.metrics or DEFAULT_METRICS),
        primary=primary,
        partial=partial,
        called="tags",
        remarks=(*remarks, *_unknown(known, relevant, names)),
    )


def _pairs(stated: Iterable[Sequence[str | int]], index: LabelIndex, request: TaskRequest) -> Relevance:
    """Pairs of each image with the positions of its tags."""
    images: list[int] = []
    texts: list[int] = []
    for i, tags in enumerate(stated):
        for tag in tags:
            images.append(i)
            texts.append(index.position(tag, bind(request.where, i)))
    shape = len(request.source), index.count
    return Relevance.from_pairs(np.array(images, dtype=np.int64), np.array(texts, dtype=np.int64), shape)


def _asked(
    targets: Sequence[Target], relevant: Relevance, names: Sequence[Text], request: TaskRequest
) -> Asked | None:
    """The pairs whose truth is known; None where all are known.

    Raises:
        DataError: the data contradict themselves, or only some images have negative tags.
    """
    lists = {
        "unknown tags": [target.unknown for target in targets],
        "negative tags": [target.negatives or () for target in targets],
    }
    if not any(map(any, lists.values())) and all(target.negatives is None for target in targets):
        return None
    index = LabelIndex.of(names, request.name)
    pairs = {"tags": relevant}
    for called, stated in lists.items():
        rows = _as_marks(stated, index.count, request, called)
        pairs[called] = _pairs(stated if rows is None else rows, index, request)
    for (one, first), (other, second) in combinations(pairs.items(), 2):
        both = np.flatnonzero(first.holds(second))
        if both.size:
            image, tag = second.candidates[both[0]], second.queries[both[0]]
            raise DataError(
                f"{request.where(image)}: {names[tag].name!r} is among its {one} and its {other} "
                f"({both.size:,} such pairs); take it out of one"
            )
    lacking = [i for i, target in enumerate(targets) if target.negatives is None]
    if len(lacking) == len(targets):
        return Asked.of("but", pairs["unknown tags"])
    if lacking:
        raise DataError(
            f"{request.where(lacking[0])} has no negative tags and others have: are its other tags false, "
            "or unknown? add a list (an empty one if none is known to be false)"
        )
    verified = [relevant, pairs["negative tags"]]
    return Asked.of(
        "only",
        Relevance.from_pairs(
            np.concatenate([each.candidates for each in verified]),
            np.concatenate([each.queries for each in verified]),
            relevant.shape,
        ),
    )


def _unknown(known: Asked | None, relevant: Relevance, names: Sequence[Text]) -> Iterator[str]:
    """Remarks on tags whose truth is unknown; none where all are known."""
    if known is None:
        return
    asked = np.array([len(images) for images in known.by_query])
    whole = relevant.shape[0] * relevant.shape[1]
    yield (
        f"{whole - asked.sum():,} of {whole:,} pairs of image and tag are unknown: they are neither right "
        "nor wrong, and count nowhere"
    )
    sure = np.flatnonzero((asked > 0) & (asked == relevant.column_counts))
    if sure.size:
        yield (
            f"{sure.size:,} of {len(names):,} tags are known to be false of no image, the first "
            f"{names[sure[0]].name!r}: their average precision is 1 whatever the scores"
        )


def _as_marks(
    stated: Sequence[tuple[str | int, ...]], count: int, request: TaskRequest, called: str = "tags"
) -> list[tuple[int, ...]] | None:
    """The indices of tags that are stated as rows of 0 and 1, one number per tag.

    None where no row is of this form.

    Raises:
        DataError: an index is repeated and not all lists are such rows, or the form is ambiguous.
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
            f"{request.where(repeated)}: an index stands twice in its {called}{looks}; give indices or names"
        )
    if repeated is None:
        if are_marks and rows and count == 2 and all(isinstance(tag, int) for tags in rows for tag in tags):
            raise DataError(
                f"{request.name}: {called} may be rows of marks or indices, since there are 2; "
                "give them as names"
            )
        return None
    return [tuple(place for place, mark in enumerate(tags) if mark == 1) for tags in stated]


def _repeats(tags: tuple[str | int, ...]) -> bool:
    """Whether an index is repeated. A repeated name does no harm."""
    numbers = [tag for tag in tags if isinstance(tag, int)]
    return len(set(numbers)) < len(numbers)


def _tags(source: Dataset, example: Example, task: str) -> tuple[str | int, ...]:
    target = example.target
    if target.tags is not None:
        return target.tags
    if target.label is not None:
        return (target.label,)
    raise DataError(
        f"{task}: image {example.id} has no tags{source.reading.told}; "
        "add a list (an empty one if none is true)"
    )
