"""Methods that learn from images alone, in closed form."""

from dataclasses import replace

import numpy as np

from vlbench.core.capabilities import VECTORS
from vlbench.core.method import Head, Lesson, Method


def ridge(strength):
    """Scores V W of vectors V, with W = (X'X + strength I)^-1 X'Y of the training split."""

    def fit(lesson: Lesson) -> Head:
        return head_of(*split_of(lesson, "train"), strength)

    return Method(
        "ridge",
        fit=fit,
        parts=frozenset({"score"}),
        settings={"strength": strength},
        learns_from=frozenset({"train"}),
        reads=frozenset({"candidates"}),
        needs=frozenset({VECTORS}),
    )


def chosen_ridge(strengths):
    """The strength of the best accuracy on validation, ties to the first; refitted on both splits."""

    def fit(lesson: Lesson) -> Head:
        train, validation = (split_of(lesson, name) for name in ("train", "validation"))

        def accuracy(strength):
            scores = head_of(*train, strength).score(validation[0])
            return float(np.mean(scores.argmax(axis=1) == validation[1].argmax(axis=1)))

        best = max(strengths, key=accuracy)
        return head_of(*(np.concatenate(sides) for sides in zip(train, validation, strict=True)), best)

    both = frozenset({"train", "validation"})
    return replace(
        ridge(0), name="chosen-ridge", fit=fit, settings={"strengths": strengths}, learns_from=both
    )


def split_of(lesson, name):
    """Vectors [n, d] and right classes [n, m] of a split."""
    split = lesson.splits[name]
    return split.vectors(), split.problem.relevant.dense().astype(np.float64)


def head_of(vectors, right, strength):
    weights = np.linalg.solve(vectors.T @ vectors + strength * np.eye(vectors.shape[1]), vectors.T @ right)
    return Head(score=lambda rows: rows @ weights)
