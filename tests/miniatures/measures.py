"""Metrics of questions that no task kind asks yet, as the authors of their data sets define them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction
from vlbench.core.measurement import Measurement, MetricOptions
from vlbench.core.metric import Metric, metric
from vlbench.core.problem import Problem


@metric(reads={"wrong_above"}, at="k", needs_at=True)
def precision_at(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean average precision of the first k: AP@k is a sum over hits / min(truths, k) (CIRCO)."""
    k = int(options.number)
    found = []
    for ranks in right_ranks(prediction, problem):
        hits = ranks <= k
        found.append((np.arange(1, len(ranks) + 1) / ranks)[hits].sum() / min(len(ranks), k))
    return mean(found)


@metric(reads={"wrong_above"})
def trapezoid_precision(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Mean of the average precision by trapezoids of revisited Oxford; queries of no truth are left out."""
    found = []
    for ranks in right_ranks(prediction, problem):
        before = np.arange(len(ranks))
        low = np.divide(before, ranks - 1, out=np.ones(len(ranks)), where=ranks > 1)
        found.append(((low + (before + 1) / ranks) / 2).mean())
    return mean(found)


def right_ranks(prediction: Prediction, problem: Problem) -> Iterator[NDArray[np.int64]]:
    """For each query with a truth the ranks of its truths, ascending, unasked candidates removed."""
    for query in np.unique(problem.relevant.queries):
        above = np.sort(prediction["wrong_above"][problem.relevant.queries == query])
        yield above + np.arange(1, len(above) + 1)


@metric(reads={"vectors"})
def mutual_information(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """NMI of a seeded k-means of the vectors and the class of each candidate."""
    from sklearn.metrics import normalized_mutual_info_score

    truth = np.unique(np.array(problem.groups["class"].labels), return_inverse=True)[1]
    vectors = prediction["vectors"]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    found = k_means(unit, int(truth.max()) + 1, options.seed)
    return Measurement(float(normalized_mutual_info_score(truth, found)), len(truth))


def k_means(vectors: NDArray[np.float32], k: int, seed: int) -> NDArray[np.int64]:
    """The cluster of each vector: Lloyd's algorithm from far vectors on, the first drawn by the seed."""
    centres = vectors[[np.random.default_rng(seed).integers(len(vectors))]]
    while len(centres) < k:
        distance = ((vectors[:, None] - centres) ** 2).sum(axis=2).min(axis=1)
        centres = np.concatenate([centres, vectors[[distance.argmax()]]])
    for _ in range(20):
        found = ((vectors[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
        centres = np.stack(
            [vectors[found == c].mean(axis=0) if (found == c).any() else centres[c] for c in range(k)]
        )
    return found


def mean(found: list[float]) -> Measurement:
    return Measurement(float(np.mean(found)) if found else None, len(found))


def not_a_number(reads: str) -> Metric:
    """A metric that is wrong: its value is NaN."""
    return metric(reads={reads})(lambda prediction, problem, options: Measurement(float("nan"), 1))
