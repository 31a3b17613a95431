"""Metrics of questions that no task kind asks yet, as the authors of their data sets define them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Prediction
from vlbench.core.measurement import Measurement, MetricOptions, Part
from vlbench.core.metric import Metric, metric
from vlbench.core.problem import Problem

Bools = NDArray[np.bool_]


@metric(reads={"pair_scores"})
def text_score(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Share of items that have all right captions of every image above its wrong ones (Winoground's text)."""
    return share(text_right(prediction, problem))


@metric(reads={"pair_scores"})
def image_score(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Share of items that have all right images of every caption above its wrong ones."""
    return share(image_right(prediction, problem))


@metric(reads={"pair_scores"})
def group_score(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """Share of items that are right both ways."""
    return share(text_right(prediction, problem) & image_right(prediction, problem))


@metric(reads={"pair_scores"})
def mean_of_patterns(prediction: Prediction, problem: Problem, options: MetricOptions) -> Measurement:
    """The mean over patterns of the image score (MMVP-VLM); parts are the patterns."""
    right = image_right(prediction, problem)
    first = np.unique(np.array(problem.groups["item"].labels), return_index=True)[1]
    pattern = np.array(problem.groups["pattern"].labels)[first]
    parts = [Part(each, float(right[pattern == each].mean()), 1) for each in np.unique(pattern).tolist()]
    return Measurement(float(np.mean([part.value for part in parts])), len(parts), parts=tuple(parts))


def text_right(prediction: Prediction, problem: Problem) -> Bools:
    """Whether every item is right, image by image."""
    return items_right(prediction, problem, problem.asked.pairs.candidates)


def image_right(prediction: Prediction, problem: Problem) -> Bools:
    """Whether every item is right, caption by caption."""
    return items_right(prediction, problem, problem.asked.pairs.queries)


def items_right(prediction: Prediction, problem: Problem, owners: NDArray[np.int64]) -> Bools:
    """Whether within every item each owner's right pairs stand above its wrong ones; ties do not."""
    scores, asked = prediction["pair_scores"], problem.asked.pairs
    labels = np.unique(np.array(problem.groups["item"].labels), return_inverse=True)[1]
    items = labels[asked.queries]
    right = problem.relevant.holds(asked)
    found = np.ones(items.max() + 1, dtype=np.bool_)
    for item, owner in set(zip(items.tolist(), owners.tolist(), strict=True)):
        own = (items == item) & (owners == owner)
        if (own & right).any() and (own & ~right).any():
            found[item] &= scores[own & right].min() > scores[own & ~right].max()
    return found


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


def share(right: Bools) -> Measurement:
    return Measurement(float(right.mean()), len(right))


def mean(found: list[float]) -> Measurement:
    return Measurement(float(np.mean(found)) if found else None, len(found))


def not_a_number(reads: str) -> Metric:
    """A metric that is wrong: its value is NaN."""
    return metric(reads={reads})(lambda prediction, problem, options: Measurement(float("nan"), 1))
