"""What version 0.1 took a metric to be by its name; its results and baselines do not state it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """Which way a metric is better, and what its values lie between; None for no end."""

    lower_is_better: bool = False
    least: float | None = 0.0
    most: float | None = 1.0


_KINDS = {
    "median_rank": Kind(lower_is_better=True, most=None),
    "mean_rank": Kind(lower_is_better=True, most=None),
    "nll": Kind(lower_is_better=True, most=None),
    "error": Kind(lower_is_better=True, most=None),
    "brier": Kind(lower_is_better=True, most=2.0),
    "ece": Kind(lower_is_better=True),
    "threshold": Kind(least=None, most=None),
}
"""By the last words of a metric's name."""


def kind_by_name(metric: str) -> Kind:
    """What version 0.1 took a metric to be: a fraction that should be high, unless its last words differ.

    >>> kind_by_name("image_retrieval_median_rank"), kind_by_name("acc1@5").lower_is_better
    (Kind(lower_is_better=True, least=0.0, most=None), False)
    """
    name = metric.partition("@")[0]
    found = (kind for words, kind in _KINDS.items() if name == words or name.endswith(f"_{words}"))
    return next(found, Kind())
