"""How often the 95 % interval of a metric holds what it claims to, on data sets drawn by a seed.

"population" is the value that the metric has of all images that there could be, "expectation" the mean of its
values on data sets of this size: a metric that is too high on few images is so in both. A rate should be 92 %
or more, but where a star marks what docs/intervals.md explains.
Run: python bench/coverage.py [RUNS] [WORDS]  (100 runs, half a minute; the table in docs/intervals.md has
2,000; words of the metric or the data choose some of the rows)
"""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from vlbench.core.contracts import Dataset, Prediction, ScoreUnit, Text
from vlbench.core.dataset import Examples
from vlbench.core.measurement import Measurement, MetricOptions
from vlbench.core.metric import Metric
from vlbench.core.problem import Problem, by_words
from vlbench.core.relevance import Relevance
from vlbench.metrics.accuracy import acc1, mean_per_class_recall, worst_class_accuracy
from vlbench.metrics.average_precision import mean_average_precision
from vlbench.metrics.calibration import brier, ece, nll
from vlbench.metrics.class_scores import macro_f1_of_classes, roc_auc
from vlbench.metrics.recall import image_retrieval_median_rank, image_retrieval_recall, text_retrieval_recall
from vlbench.metrics.thresholds import macro_f1, macro_precision, macro_recall, micro_f1

LEAST = 0.92
SIZES = (50, 200, 1_000)
LARGE = 100_000
"""Images that stand for the population where it is in no closed form."""
SHARED = 0.5
"""Share of the variance of captions that those of an image have in common."""

ROUNDING = 1e-9

Bools = NDArray[np.bool_]
Numbers = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], "Sample"]


def unopened(count: int) -> Dataset:
    """The images of a drawn problem, which nothing opens."""
    return Dataset("drawn", "0", Examples(_refuse, count))


def _refuse(index: int) -> NoReturn:
    raise IndexError(index)


@dataclass(frozen=True, slots=True)
class Sample:
    """A drawn data set and a model's answers on it; `truth` by name where it is known exactly."""

    problem: Problem
    prediction: Prediction
    truth: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """What is covered: a metric on data of some sizes, the value of the population or its expectation.

    Where it is `excused` the interval claims something else, which the docs say.
    """

    metric: Metric
    data: str
    covered: str
    draw: Draw
    at: float | None = None
    sizes: tuple[int, ...] = SIZES
    excused: bool = False

    @property
    def name(self) -> str:
        """The metric as it is asked for."""
        return self.metric.name + ("" if self.at is None else f"@{self.at:g}")

    def measured(self, generator: np.random.Generator, n: int) -> tuple[Measurement, float | None]:
        """The metric of a data set of n images, and the truth where the data set knows it."""
        sample = self.draw(generator, n)
        return self.metric(sample.prediction, sample.problem, MetricOptions(at=self.at)), sample.truth

    def coverage(self, *, runs: int, n: int) -> float:
        """The share of data sets of n images whose interval holds what is covered."""
        generator = np.random.default_rng([n, *self.name.encode(), *self.data.encode()])
        found = [self.measured(generator, n) for _ in range(runs)]
        if self.covered == "expectation":
            truth: float | None = float(np.mean([each.value for each, _ in found if each.value is not None]))
        else:
            truth = found[0][1]
            if truth is None:
                truth = self.measured(generator, LARGE)[0].value
        held = []
        for each, own in found:
            value = truth if own is None else own
            if value is not None and each.ci_low is not None and each.ci_high is not None:
                held.append(each.ci_low - ROUNDING <= value <= each.ci_high + ROUNDING)
        return float(np.mean(held)) if held else float("nan")


def problem_of(relevant: Bools) -> Problem:
    """A problem whose texts have numbers for names."""
    images, texts = np.nonzero(relevant)
    n, m = relevant.shape
    return Problem(
        unopened(n), by_words(tuple(Text(str(i)) for i in range(m))), Relevance(images, texts, (n, m))
    )


def zipf(classes: int) -> Numbers:
    """Shares of classes that fall as 1 / place."""
    shares = 1 / np.arange(1, classes + 1)
    return np.asarray(shares / shares.sum())


def of_classes(scores: Numbers, labels: NDArray[np.int64], truth: float | None = None) -> Sample:
    """Classification with scores [n, m] as logits and labels [n]."""
    relevant = np.zeros(scores.shape, dtype=np.bool_)
    relevant[np.arange(labels.size), labels] = True
    right = scores[relevant]
    best = np.argsort(-scores, axis=1)[:, :5]
    below = scores - scores.max(axis=1, keepdims=True)
    prediction = Prediction(
        ScoreUnit("cosine"),
        {
            "row_ranks": (scores >= right[:, None]).sum(axis=1),
            "best": best,
            "best_scores": np.take_along_axis(scores, best, axis=1).astype(np.float32),
            "right_scores": right.astype(np.float32),
            "log_sums": np.log(np.exp(below).sum(axis=1)).astype(np.float32),
            "log_square_sums": np.log(np.exp(2 * below).sum(axis=1)).astype(np.float32),
        },
    )
    return Sample(problem_of(relevant), prediction, truth)


def of_hits(share: float) -> Draw:
    """Ten classes; images are right on a share."""

    def draw(generator: np.random.Generator, n: int) -> Sample:
        relevant = np.eye(10, dtype=np.bool_)[generator.integers(10, size=n)]
        ranks = np.where(generator.random(n) < share, 1, 2)
        return Sample(problem_of(relevant), Prediction(ScoreUnit("cosine"), {"row_ranks": ranks}), share)

    return draw


def of_class_sizes(sizes: NDArray[np.int64], low: float, high: float, *, worst: bool = False) -> Draw:
    """Classes of fixed sizes whose accuracies lie evenly between low and high, in an order of no account."""
    order = np.random.default_rng(0).permutation(sizes.size)
    chances = np.linspace(low, high, sizes.size)[order]
    labels = np.repeat(np.arange(sizes.size), sizes)
    relevant = np.eye(sizes.size, dtype=np.bool_)[labels]

    def draw(generator: np.random.Generator, n: int) -> Sample:  # noqa: ARG001
        right = generator.random(labels.size) < chances[labels]
        truth = float(chances.mean())
        if worst:
            truth = float(chances.min())
        prediction = Prediction(ScoreUnit("cosine"), {"row_ranks": np.where(right, 1, 2)})
        return Sample(problem_of(relevant), prediction, truth)

    return draw


def of_logits(shares: Numbers, gap: float) -> Draw:
    """Classes of given shares; the right one's logit is higher by a gap."""

    def draw(generator: np.random.Generator, n: int) -> Sample:
        labels = generator.choice(shares.size, size=n, p=shares)
        scores = generator.standard_normal((n, shares.size))
        scores[np.arange(n), labels] += gap
        return of_classes(scores, labels)

    return draw


def of_two(share: float, gap: float) -> Draw:
    """Two classes, the second on a share of the images; their scores are normal and a gap apart."""

    def draw(generator: np.random.Generator, n: int) -> Sample:
        labels = (generator.random(n) < share).astype(np.int64)
        margin = generator.standard_normal(n) + gap * labels
        return of_classes(np.stack([np.zeros(n), margin], axis=1), labels)

    return draw


def calibrated(sharpness: float) -> Draw:
    """Labels drawn from the softmax of logits, which are then sharpened: 1 is calibrated."""

    def draw(generator: np.random.Generator, n: int) -> Sample:
        scores = 1.5 * generator.standard_normal((n, 10))
        labels = np.argmax(scores + generator.gumbel(size=scores.shape), axis=1)
        return of_classes(sharpness * scores, labels, 0.0 if sharpness == 1 else None)

    return draw


def of_captions(share: float) -> Draw:
    """Five captions an image; images are found for a share of them, captions of one image being alike."""
    cut = float(np.quantile(np.random.default_rng(1).standard_normal(1_000_000), share))

    def draw(generator: np.random.Generator, n: int) -> Sample:
        common = np.repeat(generator.standard_normal(n), 5)
        own = generator.standard_normal(5 * n)
        found = np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * own < cut
        ranks = np.where(found, 1, 2 + generator.integers(20, size=5 * n))
        relevant = Relevance(np.repeat(np.arange(n), 5), np.arange(5 * n), (n, 5 * n))
        texts = (Text(""),) * (5 * n)
        prediction = Prediction(
            ScoreUnit("cosine"),
            {
                "row_ranks": ranks.reshape(n, 5).min(axis=1),
                "column_ranks": ranks,
            },
        )
        return Sample(Problem(unopened(n), by_words(texts), relevant), prediction, None)

    return draw


def of_tags(rarest: float, commonest: float, tags: int) -> Draw:
    """Tags true of shares of the images; a true one's score is higher."""
    shares = np.geomspace(rarest, commonest, tags)

    def draw(generator: np.random.Generator, n: int) -> Sample:
        relevant = generator.random((n, tags)) < shares
        scores = generator.standard_normal((n, tags)) + 1.5 * relevant
        return Sample(
            problem_of(relevant), Prediction(ScoreUnit("cosine"), {"scores": scores.astype(np.float32)})
        )

    return draw


EVEN, MIXED, RARE = of_tags(0.3, 0.3, 16), of_tags(0.02, 0.4, 20), of_tags(0.005, 0.1, 50)
ZIPF = "Zipf, 50 classes, 19 of 1 image"
CLASS_SIZES: Mapping[str, list[int]] = {
    "100 classes of 1 image": [1] * 100,
    "100 of 2": [2] * 100,
    "100 of 3": [3] * 100,
    "10 of 5": [5] * 10,
    "20 of 10": [10] * 20,
    "45 of 20, 5 of 1": [20] * 45 + [1] * 5,
    "10 of 30, 10 of 1": [30] * 10 + [1] * 10,
    ZIPF: np.maximum(1, np.floor(250 / np.arange(1, 51) ** 1.4)).astype(int).tolist(),
}
TAGGED: Mapping[str, Draw] = {
    "16 tags of 30 %": EVEN,
    "20 tags of 2 to 40 %": MIXED,
    "50 tags of 0.5 to 10 %": RARE,
}


def rows() -> list[Row]:
    """All that is measured."""
    population, expectation = "population", "expectation"
    found = [
        Row(acc1, f"{share:.0%} right", population, of_hits(share), excused=share == 0.99)
        for share in (0.1, 0.6, 0.95, 0.99)
    ]
    for data, sizes in CLASS_SIZES.items():
        for low, high in ((0.2, 0.9), (0.9, 1.0)):
            draw = of_class_sizes(np.array(sizes), low, high)
            label = f"{data}; {low:.0%} to {high:.0%} right"
            found.append(Row(mean_per_class_recall, label, population, draw, sizes=(sum(sizes),)))
    zipfs = CLASS_SIZES[ZIPF]
    draw = of_class_sizes(np.array(zipfs), 0.6, 0.9, worst=True)
    found.append(Row(worst_class_accuracy, ZIPF, population, draw, sizes=(sum(zipfs),), excused=True))
    for share in (0.0, 0.5, 0.9, 0.98, 1.0):
        label = f"5 captions, {share:.0%} found"
        found.append(Row(image_retrieval_recall, label, expectation, of_captions(share), at=1))
    found.append(Row(text_retrieval_recall, "5 captions", expectation, of_captions(0.5), at=1))
    found.append(Row(image_retrieval_median_rank, "5 captions, 40 % found", population, of_captions(0.4)))
    for data, draw in TAGGED.items():
        found.append(Row(mean_average_precision, data, expectation, draw))
        found.append(Row(mean_average_precision, data, population, draw, excused=True))
    for metric in (macro_f1, macro_recall, macro_precision, micro_f1):
        found += [Row(metric, data, expectation, draw, at=1.0) for data, draw in TAGGED.items()]
    for number in (10, 100):
        data = f"Zipf, {number} classes"
        found.append(Row(macro_f1_of_classes, data, expectation, of_logits(zipf(number), 2.0)))
    for share in (0.1, 0.2):
        for gap in (1.0, 2.5):
            label = f"{share:.0%} positive, {gap:g} apart"
            found.append(Row(roc_auc, label, population, of_two(share, gap)))
    found.append(Row(ece, "calibrated", population, calibrated(1.0)))
    found.append(Row(ece, "a little overconfident", population, calibrated(1.3)))
    found.append(Row(ece, "overconfident", population, calibrated(3.0)))
    return [*found, *(Row(metric, "overconfident", population, calibrated(2.0)) for metric in (nll, brier))]


def main() -> None:
    """Print every rate as a Markdown table; exit 1 where one of what the intervals claim is too low."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    words = sys.argv[2:]
    start = time.perf_counter()
    sizes = " | ".join(f"n = {n:,}" for n in SIZES)
    print(f"| Metric | Data | Covered | {sizes} |\n|---|---|---|---:|---:|---:|")
    missed = 0
    for row in rows():
        if words and not any(word in f"{row.name} {row.data}" for word in words):
            continue
        rates = [row.coverage(runs=runs, n=n) for n in row.sizes]
        chance = 2 * (LEAST * (1 - LEAST) / runs) ** 0.5  # two standard errors of a rate
        missed += not row.excused and min(rates) < LEAST - chance
        cells = [f"{100 * rate:.1f}" for rate in rates] + [""] * (len(SIZES) - len(rates))
        star = "*" if row.excused else ""
        print(f"| `{row.name}` | {row.data} | {row.covered}{star} | {' | '.join(cells)} |", flush=True)
    print(f"{runs:,} runs in {time.perf_counter() - start:.0f} s; {missed} rows clearly below {LEAST:.0%}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
