"""Matching: each item has a few images and texts, and asks which of them belong together."""

from collections import Counter
from typing import Literal

import numpy as np

from vlbench.core.contracts import Text
from vlbench.core.errors import DataError
from vlbench.core.expectation import check_counts
from vlbench.core.item import Item
from vlbench.core.items import ITEM
from vlbench.core.metric_name import metrics_of
from vlbench.core.problem import Asked, Groups, Problem, by_words
from vlbench.core.protocol import BARE, asked, state_protocol
from vlbench.core.reading import CAPTIONS
from vlbench.core.registry import SCORINGS
from vlbench.core.relevance import Relevance
from vlbench.core.task import Task, TaskRequest

DEFAULT_METRICS = ("text_score",)
EXTRA_METRICS = ("undecided", "same_features", "truncated")
"""Every matching task measures these after the metrics of its card; they are not part of the protocol."""

_ARO_BLANKS = str.maketrans(dict.fromkeys('.!"()*#:;~', " "))
_ARO_WORDS = 30


def matching(
    request: TaskRequest,
    /,
    *,
    between: Literal["images", "texts"] = "images",
    cleaning: Literal["", "aro"] = "",
) -> Task:
    """Ask which texts of an item belong to which of its images, over all pairs within the item.

    Items may share images; each has its own texts. With between="texts", the right texts of an item have to
    find one another among its wrong texts, and no image is read. `cleaning="aro"` cleans captions as ARO
    does: lower case, punctuation to blanks, at most 30 words.

    Raises:
        DataError: there are no items, an item is contradictory or has nothing that could be wrong, or counts
            differ from the card's.

    >>> from vlbench.core.contracts import Dataset, Example, Offers, Target
    >>> item = Item("0", images=(0,), texts=("a dog on a mat", "a mat on a dog"), right=((0, 0),))
    >>> image = Example("0.png", lambda: None, Target())
    >>> task = matching(TaskRequest("order", "mine", Dataset("order", "1", [image], Offers(items=(item,)))))
    >>> len(task.problem.asked.pairs.queries), task.problem.relevant.queries.tolist()
    (2, [0])
    """
    source = request.source
    items = source.offers.items
    templates = request.templates or source.offers.templates or BARE
    if not items:
        raise DataError(
            f"{request.name}: no items{source.reading.told}; "
            "a matching needs data that say which texts are asked of which images"
        )
    _check(items, request.name, len(source), between)
    texts = [_cleaned(text) if cleaning == "aro" else text for item in items for text in item.texts]
    partial = check_counts(request, images=len(source), texts=len(texts))
    compared, right = _compared_and_right(items, between)
    words = tuple(asked(Text(text), templates) for text in texts)
    candidates = source if between == "images" else words
    shape = len(candidates), len(words)
    primary = request.primary or (request.metrics or DEFAULT_METRICS)[0]
    return Task(
        name=request.name,
        kind="matching",
        protocol=state_protocol(request, kind="matching", texts=(), templates=templates, primary=primary),
        problem=Problem(
            candidates=candidates,
            queries=by_words(words),
            relevant=_pairs(right, shape),
            asked=Asked("only", _pairs(compared, shape)),
            groups=_groups(items),
        ),
        scoring=SCORINGS.get("asked_pairs"),
        metrics=metrics_of(dict.fromkeys([*(request.metrics or DEFAULT_METRICS), *EXTRA_METRICS])),
        primary=primary,
        partial=partial,
        called=CAPTIONS,
    )


def _check(items: tuple[Item, ...], task: str, images: int, between: str) -> None:
    """Raise DataError for the first item that is contradictory, or has nothing that could be wrong."""
    twice = [name for name, count in Counter(item.id for item in items).items() if count > 1]
    if twice:
        raise DataError(f"{task}: {len(twice)} names are those of several items, the first {twice[0]!r}")
    for item in items:
        where = f"{task}: item {item.id!r}"
        if ITEM in item.labels:
            raise DataError(f"{where} has a label {ITEM!r}, which is the name of items; call it otherwise")
        if len(set(item.images)) < len(item.images) or not all(0 <= each < images for each in item.images):
            raise DataError(
                f"{where} is of the images at {', '.join(map(str, item.images))}; each is one of {images} "
                "and stands once: give it others, or remove it"
            )
        if not all(0 <= i < len(item.images) and 0 <= t < len(item.texts) for i, t in item.right):
            raise DataError(
                f"{where}: its right pairs {item.right} are of {len(item.images)} images and "
                f"{len(item.texts)} texts"
            )
        if between == "images" and not 0 < len(set(item.right)) < len(item.images) * len(item.texts):
            raise DataError(f"{where} needs a right and a wrong pair of image and text; remove it")
        if between == "texts" and not 1 < len({text for _, text in item.right}) < len(item.texts):
            raise DataError(f"{where} needs two right texts and a wrong one; remove it")


def _compared_and_right(
    items: tuple[Item, ...], between: str
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The asked pairs and the right pairs; texts are numbered over all items.

    Between images, a pair has an image and a text. Between texts, it has two texts of an item of which at
    least one is right; it is right if both are.
    """
    compared: list[tuple[int, int]] = []
    right: list[tuple[int, int]] = []
    start = 0
    for item in items:
        if between == "images":
            compared += [(image, start + text) for image in item.images for text in range(len(item.texts))]
            right += [(item.images[image], start + text) for image, text in item.right]
        else:
            known = sorted({text for _, text in item.right})
            both = [(start + one, start + other) for one in known for other in known if one != other]
            for wrong in set(range(len(item.texts))) - set(known):
                for one in known:
                    compared += [(start + one, start + wrong), (start + wrong, start + one)]
            compared += both
            right += both
        start += len(item.texts)
    return compared, right


def _pairs(found: list[tuple[int, int]], shape: tuple[int, int]) -> Relevance:
    sides = np.array(found, dtype=np.int64)
    return Relevance.from_pairs(sides[:, 0], sides[:, 1], shape)


def _groups(items: tuple[Item, ...]) -> dict[str, Groups]:
    """The groups of the texts: their items, and the labels of their items.

    Empty where an item lacks a label.
    """
    labels = dict.fromkeys(name for item in items for name in item.labels)
    found = {ITEM: [item.id for item in items for _ in item.texts]}
    found |= {name: [item.labels.get(name, "") for item in items for _ in item.texts] for name in labels}
    return {name: Groups("queries", tuple(values)) for name, values in found.items()}


def _cleaned(caption: str) -> str:
    """Clean a caption as ARO does.

    >>> _cleaned('A dog, (running);  "fast"!')
    'a dog, running fast'
    """
    return " ".join(caption.lower().translate(_ARO_BLANKS).split()[:_ARO_WORDS])
