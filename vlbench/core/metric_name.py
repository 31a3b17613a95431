"""Names of metrics as cards write them: `acc1`, `image_retrieval_recall@5`."""

from collections.abc import Iterable

from vlbench.core.errors import CardError
from vlbench.core.metric import Metric
from vlbench.core.registry import METRICS

DECIDED = (
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "micro_precision",
    "micro_recall",
    "micro_f1",
)
"""Metrics that read thresholds, whether stated or learned; they are measured besides a task's own."""


def split_metric(name: str) -> tuple[str, float | None]:
    """The registry name and the number after `@`, None without one.

    Raises:
        CardError: what follows `@` is not a number.

    >>> split_metric("image_retrieval_recall@5")
    ('image_retrieval_recall', 5.0)
    >>> split_metric("acc1")
    ('acc1', None)
    """
    base, mark, number = name.partition("@")
    if not mark:
        return base, None
    try:
        return base, float(number)
    except ValueError as error:
        raise CardError(f"metric {name!r}: {number!r} is not a number; write {base}@5") from error


def metrics_of(names: Iterable[str]) -> dict[str, Metric]:
    """The metrics with these names, keyed by the names asked for.

    >>> list(metrics_of(["acc1", "image_retrieval_recall@5"]))
    ['acc1', 'image_retrieval_recall@5']

    Raises:
        UnknownName: no plug-in has such a metric.
        CardError: the number after an @ is wrong or missing.
        PluginError: a plug-in's entry point is not a Metric, such as a bare function of version 0.1.
    """
    found = {}
    for name in names:
        base, at = split_metric(name)
        found[name] = METRICS.get(base)
        found[name].check_number(at)
    return found
