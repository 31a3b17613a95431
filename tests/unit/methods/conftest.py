"""The authors' figures of probes, made vectors with classes, and lessons of written vectors."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from miniatures.hand import pictures, words

from vlbench.core.method import Lesson, Split
from vlbench.core.problem import Problem
from vlbench.core.relevance import Relevance

PROBE = dict(np.load(Path(__file__).parents[2] / "fixtures" / "kinds" / "probe.npz"))


@pytest.fixture
def probe():
    """Made features of eight classes and what the authors' own code answers for them."""
    return PROBE


@pytest.fixture
def splits():
    """Vectors and classes of the made features: train, val, test."""
    return {
        name: (PROBE[f"data/{name}_x"], PROBE[f"data/{name}_y"].astype(np.int64))
        for name in ("train", "val", "test")
    }


def pairs(labels, classes):
    labels = np.asarray(labels, dtype=np.int64)
    return Relevance.from_pairs(np.arange(len(labels)), labels, (len(labels), classes))


def split_of(vectors, right):
    names = words(*(f"class {place}" for place in range(right.shape[1])))
    problem = Problem(pictures(len(vectors)), names, right)
    return Split(problem, partial(np.asarray, vectors), partial(pytest.fail, "reads scores"))


@pytest.fixture
def lesson():
    """Make a lesson of (vectors, labels) by split; `classes` of them, with `rows` of words."""

    def make(seed=0, rows=None, classes=8, **given):
        found = {name: split_of(vectors, pairs(labels, classes)) for name, (vectors, labels) in given.items()}
        return Lesson(found, partial(np.asarray, rows), seed)

    return make


@pytest.fixture
def made():
    """Make `n` float32 vectors of `d` numbers around the centres of `classes`, as (vectors, labels)."""

    def make(n, d=8, classes=4, spread=1.0, seed=0):
        generator = np.random.default_rng(seed)
        centres = np.random.default_rng(99).standard_normal((classes, d))
        labels = generator.permutation(np.arange(n) % classes)
        noise = spread * generator.standard_normal((n, d))
        return (centres[labels] + noise).astype(np.float32), labels

    return make
