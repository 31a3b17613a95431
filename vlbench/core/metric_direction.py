"""What a metric's values may be and which way is better: most are fractions that should be high."""

from math import inf

from vlbench.core.metric_name import split_metric

LOWER_IS_BETTER = ("median_rank", "mean_rank", "ece", "brier", "nll", "error")
"""Last words of the names of metrics that are better when they are lower; plug-ins' metrics too."""

_RANGES = {
    "median_rank": (0.0, inf),
    "mean_rank": (0.0, inf),
    "nll": (0.0, inf),
    "error": (0.0, inf),
    "brier": (0.0, 2.0),
    "threshold": (-inf, inf),
}
"""Last words of the names of metrics that are no fractions, and what their values lie between."""
_ROUNDING = 1e-6
"""What a mean of fractions may miss an end by: files hold six decimals."""


def range_of(metric: str) -> tuple[float, float]:
    """The least and the largest value of a metric, by the last words of its name; else it is a fraction.

    >>> range_of("acc1"), range_of("brier"), range_of("image_retrieval_median_rank")
    ((0.0, 1.0), (0.0, 2.0), (0.0, inf))
    """
    name = split_metric(metric)[0]
    for words, ends in _RANGES.items():
        if _ends_with(name, words):
            return ends
    return 0.0, 1.0


def out_of_range(metric: str, value: float | None) -> str:
    """Why a value is none that a metric can have: `1.7, no fraction from 0 to 1`; empty where it is one.

    >>> out_of_range("acc1", 1.7), out_of_range("nll", 1.7)
    ('1.7, no fraction from 0 to 1', '')
    """
    low, high = range_of(metric)
    if value is None or low - _ROUNDING <= value <= high + _ROUNDING:
        return ""
    what = "no fraction" if high == 1 else "not"
    return f"{value:.6g}, {what} {f'from {low:g} to {high:g}' if high < inf else f'{low:g} or more'}"


def lower_is_better(metric: str) -> bool:
    """Whether a lower value of a metric is the better one, by the last words of its name.

    >>> lower_is_better("image_retrieval_median_rank"), lower_is_better("nll"), lower_is_better("acc1@5")
    (True, True, False)
    """
    name = split_metric(metric)[0]
    return any(_ends_with(name, words) for words in LOWER_IS_BETTER)


def _ends_with(name: str, words: str) -> bool:
    return name == words or name.endswith(f"_{words}")
