"""Metric: a function that measures, with all that vlbench has to know about it."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

from vlbench.core.errors import CardError, Unsupported
from vlbench.core.measurement import Measurement, MetricOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vlbench.core.contracts import Prediction
    from vlbench.core.items import Items, PerImage
    from vlbench.core.problem import Problem

    Floats = NDArray[np.float32]

ASKED = "asked"
"""The word in `reads` of a metric that leaves out the pairs that are not asked about."""

Measure = Callable[["Prediction", "Problem", MetricOptions], Measurement]
CheckProblem = Callable[["Problem", str], None]
"""A function of a problem and a metric's name; it raises a VlbenchError where the metric cannot measure the
problem."""
Level = Callable[["Problem", MetricOptions], float | None]
"""A function of a problem and the metric's options: a value to set beside a score; None if none is known."""
ReadItems = Callable[["Items", float | None], "PerImage | None"]
TagPrecision = Callable[["Floats", "Floats", "Floats"], "Floats"]
"""A metric's value for one tag in every resample, [r]. Its arguments are counts at the distinct scores of the
tag, highest first, [levels, r]: positives at this score, positives at it or above, images at it or above."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure for a task, as a `vlbench.metrics` entry point names it. Call it like `run`; it checks first.

    `reads` names the arrays of a `Prediction` that `run` needs, and `asked` where it leaves out the pairs
    that its problem does not ask about. `at` tells what the number after an @ in its name is, None for no
    number; `needs_at` tells whether the number is required. Values go from `least` to `most`, where None
    means no end. `suits` refuses a problem before anything is loaded. `items` computes the metric image by
    image from a model's items and the number after the @; None where the metric has pseudo-values, or nothing
    by image. `resample` measures a tag in resamples of a score matrix.

    `chance` is the mean value, over the very problem, of a model that scores at random, without ties.
    `constant` is the best value of a model that gives every image the same scores; of a metric that asks with
    each text for images, of one that gives every text the same scores. None where there is no such value, or
    none is known; the cell beside the score is then empty.

    >>> from vlbench.core.registry import METRICS
    >>> recall = METRICS.get("image_retrieval_recall")
    >>> recall.at, recall.needs_at, recall.lower_is_better
    ('k', True, False)
    """

    name: str
    run: Measure
    reads: frozenset[str]
    lower_is_better: bool = False
    at: Literal["k", "threshold"] | None = None
    needs_at: bool = False
    least: float | None = 0.0
    most: float | None = 1.0
    suits: CheckProblem | None = None
    items: ReadItems | None = None
    resample: TagPrecision | None = None
    chance: Level | None = None
    constant: Level | None = None

    def __call__(self, prediction: "Prediction", problem: "Problem", options: MetricOptions) -> Measurement:
        """Measure a prediction.

        Raises:
            CardError: the number after the @ is wrong or missing.
            Unsupported: the prediction lacks what the metric reads.
            VlbenchError: the metric cannot measure the problem.
        """
        self.check_number(options.at)
        self.check_reads(prediction.arrays)
        if self.suits is not None:
            self.suits(problem, self.name)
        return self.run(prediction, problem, options)

    def check_number(self, at: float | None) -> None:
        """Check the number after the @ in the metric's name.

        Raises:
            CardError: there is a number where none is allowed, none where one is required, or it is out of
                range.
        """
        if at is None:
            wrong = self.needs_at
        elif self.at is None:
            raise CardError(f"{self.name} takes no number after an @ (found {at:g}); write {self.name}")
        else:
            wrong = math.isnan(at) if self.at == "threshold" else at < 1 or not float(at).is_integer()
        if wrong and self.at == "threshold":
            raise CardError(f"{self.name} needs a threshold after an @; write {self.name}@0.5")
        if wrong:
            raise CardError(f"{self.name} needs a whole number of 1 or more after an @; write {self.name}@5")

    def check_reads(self, kept: Iterable[str], *, of: str = "this task") -> None:
        """Check that a task keeps the arrays that the metric reads. `of` names the task in the error.

        Raises:
            Unsupported: it does not; the message names what is missing.
        """
        missing = sorted(self.reads - set(kept) - {ASKED})
        if missing:
            raise Unsupported(
                f"{self.name} reads {', '.join(missing)}, which {of} does not keep "
                f"(it keeps {', '.join(sorted(kept)) or 'nothing'}); "
                "remove it from the task's metrics, or use a task kind that keeps them"
            )


class MetricFields(TypedDict, total=False):
    """What `@metric` takes besides `reads`: fields of a Metric, with its defaults."""

    lower_is_better: bool
    at: Literal["k", "threshold"] | None
    needs_at: bool
    least: float | None
    most: float | None
    suits: CheckProblem | None
    items: ReadItems | None
    resample: TagPrecision | None
    chance: Level | None
    constant: Level | None


def metric(*, reads: Iterable[str], **stated: Unpack[MetricFields]) -> Callable[[Measure], Metric]:
    """Make a metric from a function, with the function's name.

    >>> @metric(reads={"row_ranks"}, lower_is_better=True, most=None)
    ... def mean_rank(prediction, problem, options):
    ...     ranks = prediction["row_ranks"]
    ...     return Measurement(float(ranks.mean()), len(ranks))
    >>> mean_rank.name, mean_rank.lower_is_better
    ('mean_rank', True)
    """

    def value(run: Measure) -> Metric:
        return Metric(run.__name__, run, frozenset(reads), **stated)

    return value


_ROUNDING = 1e-6
"""How far a mean of fractions may be beyond an end, since files hold six decimals."""


def out_of_range(value: float | None, least: float | None, most: float | None) -> str:
    """Why a metric cannot have this value, such as `1.7, no fraction from 0 to 1`; empty where it can.

    >>> out_of_range(1.7, 0.0, 1.0), out_of_range(1.7, 0.0, None)
    ('1.7, no fraction from 0 to 1', '')
    """
    low, high = -math.inf if least is None else least, math.inf if most is None else most
    if value is None or low - _ROUNDING <= value <= high + _ROUNDING:
        return ""
    what = "no fraction" if high == 1 else "not"
    return f"{value:.6g}, {what} {f'from {low:g} to {high:g}' if high < math.inf else f'{low:g} or more'}"


_OLD_KINDS: Mapping[str, tuple[bool, float | None, float | None]] = {
    "median_rank": (True, 0.0, None),
    "mean_rank": (True, 0.0, None),
    "nll": (True, 0.0, None),
    "error": (True, 0.0, None),
    "brier": (True, 0.0, 2.0),
    "ece": (True, 0.0, 1.0),
    "threshold": (False, None, None),
}
"""What version 0.1 assumes about a metric, by the last words of its name."""


def old_kind(metric: str) -> tuple[bool, float | None, float | None]:
    """Whether a metric of version 0.1 is better when lower, and its least and most value, None for no end.

    Results and baselines of version 0.1 do not state this. A metric is a fraction that is better when higher,
    unless the last words of its name tell otherwise.

    >>> old_kind("image_retrieval_median_rank"), old_kind("acc1@5")
    ((True, 0.0, None), (False, 0.0, 1.0))
    """
    name = metric.partition("@")[0]
    found = (kind for words, kind in _OLD_KINDS.items() if name == words or name.endswith(f"_{words}"))
    return next(found, (False, 0.0, 1.0))
