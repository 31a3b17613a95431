"""The quantile of Student's distribution that intervals of few images need."""

import math
from statistics import NormalDist

_Z = NormalDist().inv_cdf(0.975)


def student_quantile(freedom: float) -> float:
    """The 97.5 % quantile of Student's distribution: 1 % too large at 3 degrees of freedom, less beyond.

    Source: Wallace 1959, Annals of Mathematical Statistics 30, 1124-1130, solved for t.

    >>> [round(student_quantile(freedom), 2) for freedom in (5, 30, 1000)]
    [2.58, 2.04, 1.96]
    """
    scaled = _Z * (8 * freedom + 3) / (8 * freedom + 1)
    return math.sqrt(freedom * math.expm1(scaled * scaled / freedom))
