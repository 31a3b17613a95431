"""Seconds of average precision on 58,000 images x 214 tags: vlbench against scikit-learn column by column.

The two run alternately in one process on the same scores; the answers must agree to 1e-9.
Run: python bench/average_precision.py
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from vlbench.metrics.average_precision import average_precision, delete_one
from vlbench.metrics.columns import pairs_of

IMAGES = 58_000
TAGS = 214
PAIRS = 5
TOLERANCE = 1e-9


def synthetic_truth(generator: np.random.Generator) -> NDArray[np.bool_]:
    """Truth [n, m]: the r-th tag is true of 0.3 / r of the images (Zipf), of five at least."""
    relevant = np.zeros((IMAGES, TAGS), dtype=np.bool_)
    for tag in range(TAGS):
        positives = max(5, round(IMAGES * 0.3 / (tag + 1)))
        relevant[generator.choice(IMAGES, positives, replace=False), tag] = True
    return relevant


def synthetic_scores(generator: np.random.Generator, relevant: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Normal float32 scores [n, m], 1.5 higher where the tag is true; every eighth tag has tied scores."""
    scores = generator.standard_normal(relevant.shape, dtype=np.float32)
    scores += np.float32(1.5) * relevant
    scores[:, ::8] = np.round(scores[:, ::8], 2)
    return scores


def column_by_column(scores: NDArray[np.float32], relevant: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The same AP [m] from scikit-learn."""
    return np.array([average_precision_score(relevant[:, tag], scores[:, tag]) for tag in range(TAGS)])


def seconds(run: Callable[[], NDArray[np.float64]]) -> tuple[float, NDArray[np.float64]]:
    start = time.perf_counter()
    answer = run()
    return time.perf_counter() - start, answer


def main() -> None:
    """Print the seconds of each, and the ratios to scikit-learn, as medians over the pairs."""
    generator = np.random.default_rng(0)
    relevant = synthetic_truth(generator)
    scores = synthetic_scores(generator, relevant)
    runs: dict[str, Callable[[], NDArray[np.float64]]] = {
        "scikit-learn": lambda: column_by_column(scores, relevant),
        "vlbench": lambda: average_precision(scores, relevant),
        "vlbench with intervals": lambda: delete_one(scores, pairs_of(relevant)).values,
    }
    taken: dict[str, list[float]] = {name: [] for name in runs}
    expected = column_by_column(scores, relevant)
    for _ in range(PAIRS):
        for name, run in runs.items():
            cost, answer = seconds(run)
            taken[name].append(cost)
            difference = float(np.abs(answer - expected).max())
            if not difference <= TOLERANCE:
                raise SystemExit(f"{name} differs from scikit-learn by {difference}")
    print(f"average precision, {IMAGES} images x {TAGS} tags, medians of {PAIRS} pairs")
    for name, costs in taken.items():
        ratios = [peer / own for peer, own in zip(taken["scikit-learn"], costs, strict=True)]
        print(f"{name:24s}{statistics.median(costs):8.3f} s{statistics.median(ratios):8.1f} x")


if __name__ == "__main__":
    main()
