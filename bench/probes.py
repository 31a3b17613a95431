"""Seconds, memory and accuracy of probes on made features, beside scikit-learn on the same.

Ridge: 50,000 vectors of 512 numbers, 1,000 classes, float64 on both sides; the weights must agree to 1e-8.
Logistic regression: 10,000 vectors of 512 numbers, 100 classes, float32 and tolerance 1e-4 on both sides;
first with one C, then with CLIP's search of C, for which scikit-learn's is called at the same places.
Run: python bench/probes.py
"""

import resource
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge

from vlbench.core.relevance import Relevance
from vlbench.methods import logistic, ridge
from vlbench.methods.support import Support, accuracy

L2 = 2.0**10
PAIRS = 3
Numbers = NDArray[np.float64]
T = TypeVar("T")


def made(n: int, d: int, classes: int, *, seed: int, spread: float = 4.0) -> Support:
    """Vectors around the centres of classes, of which numbers are as unlike in size as a model's are."""
    centres = np.random.default_rng(99).standard_normal((classes, d), dtype=np.float32)
    generator = np.random.default_rng(seed)
    labels = generator.integers(classes, size=n)
    labels[:classes] = np.arange(classes)
    vectors = generator.standard_normal((n, d), dtype=np.float32)
    vectors *= spread
    vectors += centres[labels]
    vectors *= np.geomspace(0.1, 1.0, d, dtype=np.float32)
    return Support(vectors, labels, classes)


def peer_ridge(support: Support, classes: int) -> Numbers:
    """scikit-learn's Ridge on big_vision's standardised vectors; its weights [d, m]."""
    mean = support.vectors.mean(axis=0, dtype=np.float64)
    standard = (support.vectors - mean) / (support.vectors.std(axis=0, dtype=np.float64) + 1e-5)
    targets = np.full((len(support.labels), classes), -1.0)
    targets[np.arange(len(support.labels)), support.labels] = 1.0
    found: Numbers = Ridge(alpha=L2, solver="cholesky", copy_X=False).fit(standard, targets).coef_.T
    return found


def own_ridge(support: Support, classes: int) -> Numbers:
    """vlbench's weights [d, m]."""
    places = np.arange(len(support.labels))
    right = Relevance.from_pairs(places, support.labels, (len(places), classes))
    return ridge.solve(support.vectors, right, L2).weights


def peer_accuracy(train: Support, tested: Support, c: float) -> float:
    """How often scikit-learn's logistic regression is right."""
    found = LogisticRegression(C=c, tol=1e-4, max_iter=1000).fit(train.vectors, train.labels)
    return float(np.mean(found.predict(tested.vectors) == tested.labels))


def own_accuracy(train: Support, tested: Support, c: float) -> float:
    """How often vlbench's is right."""
    return accuracy(logistic.fitted(train, c, 1e-4).score(tested.vectors), tested.labels)


def peer_search(train: Support, validation: Support, tested: Support) -> float:
    """The search with scikit-learn's logistic regression at every place, and at the end on both splits."""

    def found(place: int) -> float:
        return peer_accuracy(train, validation, logistic.STRENGTHS[place])

    return peer_accuracy(joined(train, validation), tested, logistic.STRENGTHS[logistic.searched(found)])


def own_search(train: Support, validation: Support, tested: Support) -> float:
    """vlbench's search."""
    c = float(logistic.STRENGTHS[logistic.choose(1e-4, train, validation)])
    return own_accuracy(joined(train, validation), tested, c)


def joined(one: Support, other: Support) -> Support:
    """The images of two splits."""
    vectors, labels = np.concatenate([one.vectors, other.vectors]), np.concatenate([one.labels, other.labels])
    return Support(vectors, labels, one.classes)


def timed(run: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    answer = run()
    return time.perf_counter() - start, answer


def peak() -> float:
    """GB that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def compare(title: str, own: Callable[[], T], peer: Callable[[], T], pairs: int) -> tuple[T, T]:
    """Run both in turns; print the medians of their seconds and of the ratios; answer what they found."""
    taken: list[tuple[float, float]] = []
    for _ in range(pairs):
        own_seconds, own_answer = timed(own)
        peer_seconds, peer_answer = timed(peer)
        taken.append((own_seconds, peer_seconds))
    first, second = (statistics.median(each) for each in zip(*taken, strict=True))
    ratio = statistics.median(peer / own for own, peer in taken)
    print(f"{title}: vlbench {first:.2f} s, scikit-learn {second:.2f} s, {ratio:.1f} x ({pairs} pairs)")
    return own_answer, peer_answer


def main() -> None:
    """Print the seconds of each side."""
    support = made(50_000, 512, 1_000, seed=0)
    own_ridge(made(2_000, 512, 10, seed=3), 10)  # imports, threads
    before = peak()
    own_ridge(support, 1_000)
    print(f"ridge, 50,000 x 512 x 1,000: {peak() - before:.2f} GB beside the features")
    own, peer = compare(
        "ridge", partial(own_ridge, support, 1_000), partial(peer_ridge, support, 1_000), PAIRS
    )
    print(f"  weights differ by {np.abs(own - peer).max():.1e}; peak of both {peak() - before:.2f} GB")
    train, validation, tested = (
        made(n, 512, 100, seed=seed) for n, seed in ((10_000, 0), (2_000, 1), (5_000, 2))
    )
    found = compare(
        "logistic, 10,000 x 512 x 100, C 0.316",
        partial(own_accuracy, train, tested, 0.316),
        partial(peer_accuracy, train, tested, 0.316),
        PAIRS,
    )
    print(f"  accuracy {found[0]:.4f} and {found[1]:.4f}")
    found = compare(
        "logistic with the search of C",
        partial(own_search, train, validation, tested),
        partial(peer_search, train, validation, tested),
        1,
    )
    print(f"  accuracy {found[0]:.4f} and {found[1]:.4f}")


if __name__ == "__main__":
    main()
