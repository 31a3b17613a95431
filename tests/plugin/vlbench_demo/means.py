"""A method: the mean vector of each text's training images takes the text's place."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from vlbench.core.errors import DataError, Unsupported
from vlbench.core.method import Head, Lesson, Method

Vectors = NDArray[np.float32]


def demo_means(*, shots: int | None = None) -> Method:
    """Cosines with the mean of each class's training images: of all of them, or of `shots` drawn by the seed.

    Raises:
        Unsupported: there is less than one shot.
    """
    if shots is not None and shots < 1:
        raise Unsupported(f"demo-means learns from 1 shot or more, not from {shots}")
    return Method(
        "demo-means",
        fit=partial(learn, shots),
        parts=frozenset({"score"}),
        learns_from=frozenset({"train"}),
        reads=frozenset({"candidates"}),  # no text is encoded
        seeded=shots is not None,
    )


def learn(shots: int | None, lesson: Lesson) -> Head:
    """The means, as a head that scores.

    Raises:
        DataError: a class has no training image.
    """
    split = lesson.splits["train"]
    relevant, vectors = split.problem.relevant, unit(split.vectors())
    draw = np.random.default_rng(lesson.seed)
    means = []
    for place, name in enumerate(split.problem.names):
        own = relevant.candidates[relevant.queries == place]
        if own.size == 0:
            raise DataError(f"{split.problem.images.name}: no training image of {name}; add one")
        taken = own if shots is None else draw.choice(own, size=min(shots, own.size), replace=False)
        means.append(vectors[taken].mean(axis=0))
    return Head(score=partial(cosines, unit(np.stack(means))))


def cosines(means: Vectors, vectors: Vectors) -> Vectors:
    """Cosines [b, m] of vectors [b, d] and means [m, d] of length 1."""
    return unit(vectors) @ means.T


def unit(vectors: Vectors) -> Vectors:
    """Rows brought to length 1."""
    longest: Vectors = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12))
    return vectors / longest
