"""Measurement: what a metric returns: a value, its interval, and the values of single classes or tags."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from vlbench.core.record import NOT_KEPT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Part:
    """A metric's value for one text: the AP of a tag, the recall of a class."""

    name: str
    value: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """A metric's value with its 95 % interval; a fraction, unless the metric states other ends.

    `value` is None where nothing could be measured. `n` counts what the mean is over, `left_out` the classes
    or tags without a positive. The engine fills in `metric`, the name as asked for, and the ends of its
    values, where None means no end. It also fills in `chance` and `constant`, what the metric states for a
    model that scores at random and for the best one that gives every image the same scores; None where it
    states none. `influence` [n] holds the jackknife pseudo-values of the images, where
    the metric has them: their mean is the value and their standard error is the metric's own, up to the
    jackknife's bias. A result does not store them.
    """

    value: float | None
    n: int
    ci_low: float | None = None
    ci_high: float | None = None
    ci_method: str = ""
    left_out: int = 0
    parts: tuple[Part, ...] = ()
    metric: str = ""
    lower_is_better: bool = False
    least: float | None = 0.0
    most: float | None = 1.0
    chance: float | None = None
    constant: float | None = None
    influence: Any = field(default=None, compare=False, repr=False, metadata=NOT_KEPT)  # float64 or None

    @classmethod
    def mean_of(
        cls,
        names: Sequence[str],
        values: "NDArray[np.float64]",
        counts: "NDArray[np.int64]",
        *,
        least: int = 1,
    ) -> "Measurement":
        """The mean of `values` [m] of classes or tags, over those whose `counts` [m] are at least `least`.

        The parts are all classes or tags; those below `least` have no value. The caller sets the interval.

        >>> import numpy as np
        >>> found = Measurement.mean_of(("cat", "dog"), np.array([0.5, np.nan]), np.array([4, 0]))
        >>> found.value, found.n, found.left_out, found.parts[1]
        (0.5, 1, 1, Part(name='dog', value=None, n=0))
        """
        found = counts >= least
        n = int(found.sum())
        parts = tuple(
            Part(name, float(value) if count >= least else None, int(count))
            for name, value, count in zip(names, values, counts, strict=True)
        )
        value = float(values[found].mean()) if n else None
        return cls(value, n, left_out=len(parts) - n, parts=parts)


@dataclass(frozen=True, slots=True)
class MetricOptions:
    """Options of a metric. `at` is the number after `@` in its name: k of recall@k, or a threshold.

    `seed` is for resampling.

    >>> MetricOptions(at=5.0).number
    5.0
    """

    at: float | None = None
    seed: int = 0

    @property
    def number(self) -> float:
        """`at`, for a metric that requires it. The metric is refused without it before it runs."""
        assert self.at is not None
        return self.at


_Z = NormalDist().inv_cdf(0.975)


def student_quantile(freedom: float) -> float:
    """The 97.5 % quantile of Student's t distribution: 1 % too large at 3 degrees of freedom, less above.

    Source: Wallace 1959, Annals of Mathematical Statistics 30, 1124-1130, solved for t.

    >>> [round(student_quantile(freedom), 2) for freedom in (5, 30, 1000)]
    [2.58, 2.04, 1.96]
    """
    scaled = _Z * (8 * freedom + 3) / (8 * freedom + 1)
    return math.sqrt(freedom * math.expm1(scaled * scaled / freedom))
