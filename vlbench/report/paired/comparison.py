"""Compares two models on the same images: the difference, its interval, and a paired test.

Hits are tested by McNemar's mid-p test, mean average precision by a paired bootstrap over images, everything
else by a sign-flip test of the differences per image. Interval and p of a bootstrap are those of a normal
distribution with the mean and standard deviation of the resampled differences: counts over a thousand
resamples cannot give a p below 0.002, and Holm's adjustment needs smaller ones.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from vlbench.core.errors import DataError
from vlbench.core.items import Contributions, Floats, Hits, Items
from vlbench.core.measurement import Measurement
from vlbench.core.result import Result
from vlbench.report.paired.differing import incomparable, other_truth
from vlbench.report.paired.item_values import known_metric, read_metric
from vlbench.report.paired.movers import Mover, movers
from vlbench.report.paired.paired_bootstrap import RESAMPLES, map_differences
from vlbench.report.paired.paired_tests import (
    LEVEL,
    exact_mcnemar,
    holm,
    interval_of_paired_shares,
    mid_p_mcnemar,
    normal_interval,
    normal_p,
    paired_interval,
    sign_flip_p,
)


@dataclass(frozen=True, slots=True)
class PairedTest:
    """A tested difference: 95 % interval, p, and the method.

    For hits also `exact_p` and the discordant images. `n` counts images, or what `of` names. Without a p,
    nothing could be tested, and `method` tells why.
    """

    method: str
    n: int
    ci_low: float | None = None
    ci_high: float | None = None
    p: float | None = None
    exact_p: float | None = None
    a_only: int | None = None
    b_only: int | None = None
    of: str = "images"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on one task: the primary metric of both, and the difference B - A with its test.

    `p_holm` is p adjusted for all tasks of a comparison; None before that. `movers` are the classes or tags
    that moved most: first those that gained, then those that lost, largest first.
    """

    model_a: str
    model_b: str
    task: str
    metric: str
    value_a: float | None
    value_b: float | None
    test: PairedTest
    movers: tuple[Mover, ...] = ()
    p_holm: float | None = None
    lower_is_better: bool = False

    @property
    def difference(self) -> float | None:
        """B - A, in the metric's unit; None if one was not measured."""
        return None if self.value_a is None or self.value_b is None else self.value_b - self.value_a

    @property
    def p(self) -> float | None:
        """The p of the test, not adjusted."""
        return self.test.p

    @property
    def better(self) -> str | None:
        """The model that is significantly better; empty if neither is, None if untested.

        A difference is significant if p, adjusted where possible, is below 0.05.
        """
        p = self.p if self.p_holm is None else self.p_holm
        if p is None or self.difference is None:
            return None
        if p >= LEVEL:
            return ""
        return self.model_b if (self.difference > 0) != self.lower_is_better else self.model_a


def paired(a: Result, items_a: Items, b: Result, items_b: Items, *, seed: int = 0) -> Comparison:
    """Compare two models' primary metric on one task, image by image.

    Raises:
        DataError: the two differ in protocol, data or thresholds; the message names the field.
    """
    refuse(a, b, incomparable(a, b) or other_truth(items_a, items_b))
    first, second = (each.metric(each.primary) for each in (a, b))
    return Comparison(
        model_a=a.model,
        model_b=b.model,
        task=a.task,
        metric=a.primary,
        value_a=first.value,
        value_b=second.value,
        test=tested(first, items_a, second, items_b, seed=seed),
        movers=movers(a, items_a, b, items_b),
        lower_is_better=a.lower_is_better,
    )


def refuse(a: Result, b: Result, reason: str) -> None:
    """Raise DataError if there is a reason why two results are not comparable."""
    if reason:
        raise DataError(
            f"{a.model} and {b.model} on {a.task} cannot be compared: {reason}; "
            "run both with the same card and data"
        )


def holm_adjusted(comparisons: Iterable[Comparison]) -> tuple[Comparison, ...]:
    """Comparisons with p adjusted for their number by Holm's method."""
    known = tuple(comparisons)
    adjusted = holm([each.p for each in known])
    return tuple(replace(each, p_holm=p) for each, p in zip(known, adjusted, strict=True))


def tested(a: Measurement, items_a: Items, b: Measurement, items_b: Items, *, seed: int) -> PairedTest:
    """The paired test of a metric, from its values in the items."""
    if a.value is None or b.value is None:
        return PairedTest("not tested: one of the two was not measured", 0)
    difference = b.value - a.value
    metric, relevant = known_metric(a.metric), items_a.relevant
    precision = None if metric is None else metric.resample
    scores_a, scores_b = items_a.scores, items_b.scores
    if not (precision is None or scores_a is None or scores_b is None or relevant is None):
        resampled = map_differences(scores_a, scores_b, relevant, seed=seed, precision=precision)
        return _bootstrapped(resampled, len(scores_a))
    readings = read_metric(a.metric, items_a), read_metric(b.metric, items_b)
    match readings:
        case np.ndarray(), np.ndarray():
            found = _mcnemar(*readings)
            return found if items_a.pairs is None else replace(found, of="items")
        case Contributions(), Contributions():
            fractions = not a.lower_is_better and max(abs(a.value), abs(b.value)) <= 1
            return _signed(*readings, difference=difference, fractions=fractions)
    return PairedTest(f"not tested: {a.metric} keeps no values of images", 0)


def _mcnemar(a: Hits, b: Hits) -> PairedTest:
    a_only, b_only = int(np.sum(a & ~b)), int(np.sum(b & ~a))
    low, high = interval_of_paired_shares(a_only, b_only, a.size)
    return PairedTest(
        method="McNemar, mid-p",
        n=a.size,
        ci_low=low,
        ci_high=high,
        p=float(mid_p_mcnemar(a_only, b_only)),
        exact_p=float(exact_mcnemar(a_only, b_only)),
        a_only=a_only,
        b_only=b_only,
    )


def _bootstrapped(resampled: Floats, images: int) -> PairedTest:
    known = resampled[np.isfinite(resampled)]
    if known.size < 2:
        return PairedTest("not tested: too few images to resample", images)
    method = f"paired bootstrap over images, {RESAMPLES} resamples"
    centre, error = float(known.mean()), float(known.std(ddof=1))
    # one image more disagrees, as in paired_interval
    ends = normal_interval(centre, math.hypot(error, 1 / images))
    return PairedTest(method, images, *ends, float(normal_p(centre, error, images=images)))


def _signed(a: Contributions, b: Contributions, *, difference: float, fractions: bool) -> PairedTest:
    n = a.values.size
    if n < 2:
        return PairedTest("not tested: too few images", n)
    gains = b.values - a.values
    if a.biased:  # what the jackknife takes for bias varies more than the difference
        gains += difference - gains.mean()
    ends = paired_interval(gains, a.most, difference=difference, fractions=fractions)
    return PairedTest(f"random signs {a.method}", n, *ends, sign_flip_p(gains))
