"""Support: the labelled images that a probe learns from, and what all probes share."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vlbench.core.capabilities import VECTORS
from vlbench.core.errors import DataError, Unsupported
from vlbench.core.method import Head, Lesson, Method, SplitName
from vlbench.core.problem import Problem

Vectors = NDArray[np.float32]
Labels = NDArray[np.int64]
Search = Literal["none", "validation"]
"""The split on which settings that are not stated are searched."""
Draw = Callable[[Labels, int, int], Labels]
"""A function that draws images: from labels [n], shots and seed to positions of `shots` images per class."""

BLOCK_BYTES = 64 * 2**20
"""At most this many bytes are in one array of a block, where images are processed block by block."""


@dataclass(frozen=True, slots=True)
class Support:
    """Vectors [n, d] of images, the class [n] of each, and how many classes there are.

    A class may have no image.
    """

    vectors: Vectors
    labels: Labels
    classes: int

    @property
    def learned(self) -> Mapping[str, int]:
        """What a head reports: how many images it learned from, and how many classes have none."""
        without = self.classes - len(np.unique(self.labels))
        return {"images": len(self.labels), **({"classes_without_images": without} if without else {})}


def probe(
    name: str,
    fit: Callable[[Lesson], Head],
    shots: int | None,
    *,
    search: Search = "none",
    reads_words: bool = False,
    suits: Callable[[Mapping[SplitName, Problem]], None] | None = None,
    seeded: bool | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Method:
    """A method that learns to score vectors from all training images, or from `shots` of each class.

    A search also reads the validation split. `suits` checks the splits; by default, each image must have one
    class. The seed matters where shots are drawn, unless `seeded` states otherwise.

    Raises:
        Unsupported: there is less than one shot.
    """
    if shots is not None and shots < 1:
        raise Unsupported(f"{name} learns from 1 shot or more, not from {shots}")
    return Method(
        name,
        fit=fit,
        parts=frozenset({"score"}),
        settings=settings or {},
        learns_from=frozenset({"train"} if search == "none" else {"train", "validation"}),
        reads=frozenset({"candidates", "queries"} if reads_words else {"candidates"}),
        needs=frozenset({VECTORS}),
        suits=suits or partial(refuse_unsuited, name, shots),
        seeded=shots is not None if seeded is None else seeded,
    )


def support_of(
    lesson: Lesson, shots: int | None = None, draw: Draw | None = None, *, split: SplitName = "train"
) -> Support:
    """The labelled images of a split, or `shots` of each class with images, drawn by `permuted` by
    default."""
    found = lesson.splits[split]
    vectors, labels, classes = found.vectors(), found.problem.relevant.queries, len(found.problem.queries)
    if shots is not None:
        chosen = (draw or permuted)(labels, shots, lesson.seed)
        vectors, labels = vectors[chosen], labels[chosen]
    return Support(vectors, labels, classes)


def searched_support(
    lesson: Lesson, shots: int | None, choose: Callable[[Support, Support], int]
) -> tuple[Support, int]:
    """The images for the last fit, and the index that `choose` returns for training and validation images.

    The last fit uses both splits, or with shots the training shots alone.
    """
    train, validation = support_of(lesson, shots), support_of(lesson, split="validation")
    chosen = choose(train, validation)
    if shots is None:
        vectors, labels = (
            [getattr(each, of) for each in (train, validation)] for of in ("vectors", "labels")
        )
        train = replace(train, vectors=np.concatenate(vectors), labels=np.concatenate(labels))
    return train, chosen


def row_blocks(count: int, width: int, itemsize: int) -> Iterator[slice]:
    """Slices of the rows of an array [count, width], with a bounded number of bytes each.

    >>> list(row_blocks(2, 2**23, 8))
    [slice(0, 1, None), slice(1, 2, None)]
    """
    step = max(1, BLOCK_BYTES // (itemsize * width))
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


def refuse_unsuited(of: str, shots: int | None, problems: Mapping[SplitName, Problem]) -> None:
    """Refuse splits where an image does not have one class, or a class has too few images.

    `of` names the method.

    Raises:
        Unsupported: there is no training image, the truth of a pair is not known, an image does not have one
            class, or a class has training images but fewer than `shots`.
    """
    for problem in problems.values():
        refuse_unknown(problem, of=of)
        odd = np.flatnonzero(problem.relevant.row_counts != 1)
        if odd.size:
            raise Unsupported(
                f"{of} learns from images of one class each, and {problem.ids[odd[0]]} has "
                f"{problem.relevant.row_counts[odd[0]]}; choose ridge, which learns tags too"
            )
    train = problems["train"]
    counts = train.relevant.column_counts
    few = np.flatnonzero((counts > 0) & (counts < (shots or 0)))
    if few.size:
        raise Unsupported(
            f"{of}: {train.names[few[0]]!r} has {counts[few[0]]} training images in {train.images.name}, and "
            f"{shots} of each class are drawn; add some, or take fewer shots"
        )


def refuse_unknown(problem: Problem, *, of: str) -> None:
    """Raise Unsupported where there is no image, or the truth of a pair is not known."""
    if not len(problem.candidates):
        raise Unsupported(f"{of}: {problem.images.name} holds no image to learn from; add some")
    if problem.asked is not None:
        raise Unsupported(
            f"{of} learns from all pairs of an image and a text, and {problem.images.name} does not say "
            "of all whether they are right; choose another method"
        )


def permuted(labels: Labels, shots: int, seed: int) -> Labels:
    """The first images of a random permutation of each class, class by class.

    Source: big_vision, evaluators/fewshot_lsr.py.

    >>> permuted(np.array([1, 0, 1, 1, 0]), 1, seed=0).tolist()
    [1, 3]
    """
    generator = np.random.default_rng(seed)
    classes = range(int(labels.max()) + 1)
    parts = [generator.permutation(np.flatnonzero(labels == label))[:shots] for label in classes]
    return np.concatenate(parts)


def sampled(labels: Labels, shots: int, seed: int) -> Labels:
    """A random sample of each class; classes are in the order of their first image.

    Source: Dassl.pytorch, `DatasetBase.generate_fewshot_dataset`, as Tip-Adapter and CoOp call it.

    >>> sampled(np.array([1, 0, 1, 1, 0]), 1, seed=1).tolist()
    [0, 1]
    """
    stream = Random(seed)  # noqa: S311 - a sample, no secret
    classes = dict.fromkeys(labels.tolist())
    drawn = [stream.sample(np.flatnonzero(labels == label).tolist(), shots) for label in classes]
    return np.array(drawn, dtype=np.int64).reshape(-1)


def places_in_class(labels: Labels) -> Labels:
    """For each image, how many images of its class come before it.

    >>> places_in_class(np.array([1, 0, 1, 1, 0])).tolist()
    [0, 0, 1, 2, 1]
    """
    order = np.argsort(labels, kind="stable")
    places = np.empty(len(labels), dtype=np.int64)
    places[order] = np.arange(len(labels)) - np.searchsorted(labels[order], labels[order])
    return places


def refuse_widths(words: Vectors, vectors: Vectors, *, of: str) -> None:
    """Raise DataError where vectors of words and of images differ in width."""
    if words.shape[1] != vectors.shape[1]:
        raise DataError(
            f"{of}: vectors of words have {words.shape[1]} numbers and those of images "
            f"{vectors.shape[1]}; choose a method that reads images alone, or another model"
        )


def unit(vectors: Vectors) -> Vectors:
    """Normalise vectors [n, d] to length 1; vectors of length 0 stay 0.

    Raises:
        DataError: a vector is not finite, or its length overflows.

    >>> unit(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    with np.errstate(over="ignore"):
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all():
        raise DataError(f"vectors have no length that {vectors.dtype} can hold; look at the model")
    shortest = np.finfo(vectors.dtype).tiny
    found: Vectors = vectors / np.maximum(lengths, shortest)
    return found


def accuracy(scores: NDArray[np.floating], labels: Labels) -> float:
    """The fraction of rows [n, m] whose right class scores above every other.

    >>> accuracy(np.array([[1.0, 0.0], [2.0, 2.0]]), np.array([0, 1]))
    0.5
    """
    own = np.arange(len(labels)), labels
    rest = scores.copy()
    rest[own] = -np.inf
    return float(np.mean(scores[own] > rest.max(axis=1)))
