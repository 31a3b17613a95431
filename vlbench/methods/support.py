"""Support: the labelled images that a method learns from, all of a split or so many of each class."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from numpy.typing import NDArray

from vlbench.core.errors import DataError, Unsupported
from vlbench.core.method import Lesson, SplitName
from vlbench.core.problem import Problem

Vectors = NDArray[np.float32]
Labels = NDArray[np.int64]
Draw = Callable[[Labels, int, int], Labels]
"""Positions of so many images of each class: labels [n], shots, seed."""

BLOCK_BYTES = 64 * 2**20
"""Bytes of one array of a block of rows, at most, where images are gone through block by block."""


@dataclass(frozen=True, slots=True)
class Support:
    """Vectors [n, d] of images, the class [n] of each of them, and how many classes there are.

    A class may have no image: nothing is known of it.
    """

    vectors: Vectors
    labels: Labels
    classes: int

    @property
    def learned(self) -> Mapping[str, int]:
        """What is to be said of it: how many images are learned from, and how many classes have none."""
        without = self.classes - len(np.unique(self.labels))
        return {"images": len(self.labels), **({"classes_without_images": without} if without else {})}


def support_of(lesson: Lesson, shots: int | None, draw: Draw) -> Support:
    """The training images, or `shots` of each class that has any."""
    split = lesson.splits["train"]
    vectors, labels, classes = split.vectors(), split.problem.relevant.queries, len(split.problem.queries)
    if shots is not None:
        chosen = draw(labels, shots, lesson.seed)
        vectors, labels = vectors[chosen], labels[chosen]
    return Support(vectors, labels, classes)


def validation_of(lesson: Lesson) -> Support:
    """The validation images."""
    split = lesson.splits["validation"]
    return Support(split.vectors(), split.problem.relevant.queries, len(split.problem.queries))


def joined(first: Support, second: Support) -> Support:
    """The images of both."""
    return replace(
        first,
        vectors=np.concatenate([first.vectors, second.vectors]),
        labels=np.concatenate([first.labels, second.labels]),
    )


def refuse_unsuited(of: str, shots: int | None, problems: Mapping[SplitName, Problem]) -> None:
    """Refuse splits that a method of one class an image cannot learn from; `of` is its name.

    Raises:
        Unsupported: there is no training image, the truth of a pair is not known, an image has not one class,
            or a class has some training images and fewer than `shots`.
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


def refuse_shots(shots: int | None, *, of: str) -> None:
    """Raise Unsupported where there is less than one shot."""
    if shots is not None and shots < 1:
        raise Unsupported(f"{of} learns from 1 shot or more, not from {shots}")


def permuted(labels: Labels, shots: int, seed: int) -> Labels:
    """The first images of a permutation of each class, class by class.

    Source: big_vision, evaluators/fewshot_lsr.py.

    >>> permuted(np.array([1, 0, 1, 1, 0]), 1, seed=0).tolist()
    [1, 3]
    """
    generator = np.random.default_rng(seed)
    classes = range(int(labels.max()) + 1)
    parts = [generator.permutation(np.flatnonzero(labels == label))[:shots] for label in classes]
    return np.concatenate(parts)


def sampled(labels: Labels, shots: int, seed: int) -> Labels:
    """A sample of each class, classes in the order in which they appear first.

    Source: Dassl.pytorch, `DatasetBase.generate_fewshot_dataset`, as Tip-Adapter and CoOp call it.

    >>> sampled(np.array([1, 0, 1, 1, 0]), 1, seed=1).tolist()
    [0, 1]
    """
    stream = Random(seed)  # noqa: S311 - a sample, no secret
    classes = dict.fromkeys(labels.tolist())
    drawn = [stream.sample(np.flatnonzero(labels == label).tolist(), shots) for label in classes]
    return np.array(drawn, dtype=np.int64).reshape(-1)


def places_in_class(labels: Labels) -> Labels:
    """How many images of its own class stand before each image.

    >>> places_in_class(np.array([1, 0, 1, 1, 0])).tolist()
    [0, 0, 1, 2, 1]
    """
    order = np.argsort(labels, kind="stable")
    places = np.empty(len(labels), dtype=np.int64)
    places[order] = np.arange(len(labels)) - np.searchsorted(labels[order], labels[order])
    return places


def refuse_widths(words: Vectors, vectors: Vectors, *, of: str) -> None:
    """Raise DataError where vectors of words and of images have not one width."""
    if words.shape[1] != vectors.shape[1]:
        raise DataError(
            f"{of}: vectors of words have {words.shape[1]} numbers and those of images "
            f"{vectors.shape[1]}; choose a method that reads images alone, or another model"
        )


def unit(vectors: Vectors) -> Vectors:
    """Vectors [n, d] of length 1; one of length 0 stays as it is.

    Raises:
        DataError: a vector holds what is no number, or its length is beyond its type.
    """
    with np.errstate(over="ignore"):
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all():
        raise DataError(f"vectors have no length that {vectors.dtype} can hold; look at the model")
    shortest = np.finfo(vectors.dtype).tiny
    found: Vectors = vectors / np.maximum(lengths, shortest)
    return found


def accuracy(scores: NDArray[np.floating], labels: Labels) -> float:
    """The fraction of rows [n, m] whose own class scores more than every other.

    >>> accuracy(np.array([[1.0, 0.0], [2.0, 2.0]]), np.array([0, 1]))
    0.5
    """
    own = np.arange(len(labels)), labels
    rest = scores.copy()
    rest[own] = -np.inf
    return float(np.mean(scores[own] > rest.max(axis=1)))
