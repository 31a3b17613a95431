"""What metrics state beside a score, against models that guess, and against all that answer everyone alike.

The laws run over every registered metric that states a chance or a constant value.
"""

from dataclasses import replace
from functools import cache
from itertools import permutations, product

import numpy as np
import pytest

from vlbench.core.contracts import Prediction, ScoreUnit
from vlbench.core.errors import Unsupported
from vlbench.core.measurement import MetricOptions
from vlbench.core.metric import ASKED
from vlbench.core.problem import Asked, Groups
from vlbench.core.registry import METRICS
from vlbench.core.relevance import Relevance
from vlbench.core.small_problem import small_problem
from vlbench.metrics import intervals

pytestmark = pytest.mark.any_kernel
DRAWS = 200
BUILT_IN = [METRICS.get(name) for name in METRICS.names()]
LEVELS = (-0.9, -0.3, 0.3, 0.9)
CLASSES = np.eye(4, dtype=int)[[0, 0, 0, 1, 1, 2]]  # the last class has no image


def asked(problem, marks):
    pairs = Relevance.from_pairs(*np.nonzero(marks), problem.relevant.shape)
    return replace(problem, asked=Asked.of("only", pairs))


def grouped(problem, **labels):
    return replace(problem, groups={name: Groups("candidates", tuple(each)) for name, each in labels.items()})


CAPTIONS = small_problem([[1, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0]])
KNOWN = asked(CAPTIONS, [[1, 1, 1, 0, 1], [1, 0, 1, 1, 0], [1, 1, 0, 1, 1], [0, 1, 1, 1, 1]])
TAGS = small_problem([[1, 0, 0, 1], [1, 1, 0, 0], [0, 1, 0, 1], [1, 1, 0, 0], [0, 0, 0, 0]])
RIGHT = [
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    [0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    [0, 0, 1, 1, 0, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0, 1, 1, 0, 0],
    [0, 0, 0, 0, 0, 0, 1, 0, 1, 0],
]
COPIES = 8
ITEMS = small_problem(
    np.kron(np.eye(COPIES, dtype=int), RIGHT),
    items=[f"{item}{copy}" for copy in range(COPIES) for item in "aabbbcdddd"],
    labels={
        "class": [*"xxxxxyyyyy"] * COPIES,
        "set": [f"{part}{copy}" for copy in range(COPIES) for part in "ppppppqqqq"],
        "pair": [f"{part}{copy}" for copy in range(COPIES) for part in "rrsssssrrr"],
    },
)
"""Items of two images and two texts, of one image with two right texts, of nothing to decide, and of two
images that share a right text; several times, so that a few draws say much."""
PROBLEMS = {
    "row_ranks": {
        "classes": grouped(
            small_problem([*CLASSES, [0, 0, 0, 0]]), region=("n", "n", "s", "s", "s", "", "s")
        ),
        "two classes": grouped(
            small_problem([[1, 0], [1, 0], [0, 1], [1, 0], [0, 1]]), region="nnsss", income=("", *"abba")
        ),
        "six classes": small_problem(np.eye(6, dtype=int)[[0, 0, 1, 2, 3, 4, 5, 5]]),
        "several right": small_problem([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]]),
        "captions": CAPTIONS,
        "known captions": KNOWN,
    },
    "column_ranks": {
        "captions": CAPTIONS,
        "shared": small_problem([[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]),
        "known captions": KNOWN,
    },
    "scores": {
        "tags": TAGS,
        "known tags": asked(TAGS, [[1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 1]]),
        "one tag": small_problem([[1], [0]]),
    },
    "pair_scores": {"items": ITEMS},
}
"""Problems by what the metrics read that measure them: with an empty class or tag, unequal numbers of right
ones, candidates without a right one, and pairs that are not asked about."""


def prediction(problem, scores):
    """Everything that a metric may read of scores [n, m]."""
    relevant = problem.relevant.dense()
    known = np.ones_like(relevant)
    arrays = {}
    if problem.asked is not None:
        known = problem.asked.pairs.dense() == (problem.asked.how == "only")
        pairs = problem.asked.pairs
        arrays["pair_scores"] = scores[pairs.candidates, pairs.queries]
    for name, right, open_, of in (
        ("row_ranks", relevant, known, scores),
        ("column_ranks", relevant.T, known.T, scores.T),
    ):
        best = np.where(right, of, -np.inf).max(axis=1, keepdims=True)
        ranks = (open_ & ~right & (of >= best)).sum(axis=1) + 1
        arrays[name] = np.where(right.any(axis=1), ranks, 0)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    top = np.take_along_axis(scores, best, axis=1)
    below = scores - top[:, :1]
    return Prediction(
        ScoreUnit("cosine"),
        {
            **arrays,
            "scores": np.where(known, scores, np.nan),
            "best": best,
            "best_scores": top,
            "right_scores": np.where(relevant, scores, -np.inf).max(axis=1),
            "log_sums": np.log(np.exp(below).sum(axis=1)),
            "log_square_sums": np.log(np.exp(2 * below).sum(axis=1)),
        },
    )


def cases(metric):
    """The problems that a metric measures, with the numbers after its @."""
    numbers = {None: [None], "k": [1, 2] if metric.needs_at else [None, 2], "threshold": [0.0]}[metric.at]
    (read,) = metric.reads & PROBLEMS.keys() or {"row_ranks"}
    for name, problem in PROBLEMS[read].items():
        if problem.asked is not None and read == "scores" and ASKED not in metric.reads:
            continue
        try:
            if metric.suits is not None:
                metric.suits(problem, metric.name)
        except Unsupported:
            continue
        for at in numbers:
            yield (read, name), problem, MetricOptions(at=at)


@cache
def guesses(read, name):
    """Predictions of models that score at random."""
    problem, generator = PROBLEMS[read][name], np.random.default_rng(0)
    return [prediction(problem, generator.standard_normal(problem.relevant.shape)) for _ in range(DRAWS)]


@pytest.mark.parametrize("metric", [each for each in BUILT_IN if each.chance], ids=lambda each: each.name)
def test_chance_is_the_mean_of_models_that_guess(metric, monkeypatch):
    monkeypatch.setattr(intervals, "RESAMPLES", 2)
    stated = 0
    for name, problem, options in cases(metric):
        chance = metric.chance(problem, options)
        drawn = guesses(*name)
        if chance is None or metric(drawn[0], problem, options).value is None:
            continue
        values = [metric(each, problem, options).value for each in drawn]
        # what was in no draw may be as frequent as one in a fifth of them
        error = 4 * np.std(values) / DRAWS**0.5 or 5 / DRAWS
        assert chance == pytest.approx(np.mean(values), abs=error), (name, options)
        stated += 1
    assert stated


@cache
def same_answers(read, name):
    """Predictions of models that give each image the same scores, or each text."""
    problem, by_text = PROBLEMS[read][name], read == "column_ranks"
    shape = problem.relevant.shape
    size = shape[0] if by_text else shape[1]
    if size <= 4:
        answers = [*product(LEVELS, repeat=size)]
    elif size == 5:
        answers = [*permutations(np.linspace(-0.9, 0.9, size))]
    else:  # which comes first, and which last
        middle = np.linspace(-0.1, 0.1, size)
        ends = permutations(np.eye(size), 2)
        answers = [middle + first - last for first, last in ends]
    if not by_text:  # the best softmax, without ties
        answers.append(np.log(problem.relevant.column_counts + 1e-7 * np.arange(1, size + 1)))
    scores = (np.array(each, dtype=np.float64) for each in answers)
    return [
        prediction(problem, np.broadcast_to(each[:, None] if by_text else each, shape)) for each in scores
    ]


@pytest.mark.parametrize("metric", [each for each in BUILT_IN if each.constant], ids=lambda each: each.name)
def test_constant_is_the_best_of_all_models_that_answer_all_alike(metric, monkeypatch):
    monkeypatch.setattr(intervals, "RESAMPLES", 2)
    best, stated = min if metric.lower_is_better else max, 0
    for name, problem, options in cases(metric):
        constant = metric.constant(problem, options)
        answers = same_answers(*name)
        if constant is None or metric(answers[0], problem, options).value is None:
            continue
        found = best(metric(each, problem, options).value for each in answers)
        assert constant == pytest.approx(found, abs=1e-6), (name, options)
        stated += 1
    assert stated
