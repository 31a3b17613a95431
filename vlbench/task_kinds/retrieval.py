"""Retrieval: images find their captions and captions their images."""

import numpy as np

from vlbench.core.contracts import Text
from vlbench.core.errors import DataError
from vlbench.core.expectation import check_counts
from vlbench.core.metric_name import metrics_of
from vlbench.core.problem import Problem, by_words
from vlbench.core.protocol import BARE, asked, state_protocol
from vlbench.core.reading import CAPTIONS
from vlbench.core.registry import SCORINGS
from vlbench.core.relevance import Relevance
from vlbench.core.task import Task, TaskRequest

DEFAULT_METRICS = (
    *(f"image_retrieval_recall@{k}" for k in (1, 5, 10)),
    *(f"text_retrieval_recall@{k}" for k in (1, 5, 10)),
    "image_retrieval_median_rank",
    "text_retrieval_median_rank",
)


def retrieval(request: TaskRequest) -> Task:
    """Ask in both directions which caption belongs to which image. Every image has one or more captions.

    A caption that several images share is one query for each of them, and right for all of them.

    Raises:
        DataError: an image has no caption, or counts differ from the card's.

    >>> from vlbench.core.contracts import Dataset, Example, Target
    >>> images = [Example(name, lambda: None, Target(captions=(f"picture {name}", "a dog"))) for name in "ab"]
    >>> retrieval(TaskRequest("mine", "mine", Dataset("mine", "1", images))).problem.relevant.queries.tolist()
    [0, 1, 3, 1, 2, 3]
    """
    source = request.source
    templates = request.templates or source.offers.templates or BARE
    captions: list[str] = []
    owners: list[int] = []
    for i, example in enumerate(source.examples):
        own = example.target.captions
        if not own:
            raise DataError(
                f"{request.name}: image {example.id} has no caption{source.reading.told}; "
                "add one or remove the image"
            )
        captions.extend(own)
        owners.extend([i] * len(own))
    partial = check_counts(request, images=len(source), texts=len(captions))
    images, texts = _pairs(captions, owners)
    primary = request.primary or (request.metrics or DEFAULT_METRICS)[0]
    return Task(
        name=request.name,
        kind="retrieval",
        protocol=state_protocol(request, kind="retrieval", texts=(), templates=templates, primary=primary),
        problem=Problem(
            candidates=source,
            queries=by_words(tuple(asked(Text(caption), templates) for caption in captions)),
            relevant=Relevance.from_pairs(images, texts, (len(source), len(captions))),
        ),
        scoring=SCORINGS.get("two_way_ranks"),
        metrics=metrics_of(request.metrics or DEFAULT_METRICS),
        primary=primary,
        partial=partial,
        called=CAPTIONS,
    )


def _pairs(captions: list[str], owners: list[int]) -> tuple["np.ndarray", "np.ndarray"]:
    """Pairs (image, caption position): every image of a sentence with every position of this sentence."""
    owners_of: dict[str, list[int]] = {}
    for caption, owner in zip(captions, owners, strict=True):
        owners_of.setdefault(caption, []).append(owner)
    images: list[int] = []
    texts: list[int] = []
    for position, caption in enumerate(captions):
        images.extend(owners_of[caption])
        texts.extend([position] * len(owners_of[caption]))
    return np.array(images, dtype=np.int64), np.array(texts, dtype=np.int64)
