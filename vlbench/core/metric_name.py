"""Names of metrics as cards state them: `acc1`, `image_retrieval_recall@5`."""

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
"""Metrics that read thresholds, stated or learned; they stand beside a task's own."""


def split_metric(name: str) -> tuple[str, float | None]:
    """The registry name and the number behind `@`, None where there is none.

    Raises:
        CardError: what stands behind `@` is no number.

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
        raise CardError(f"metric {name!r}: {number!r} is no number; write {base}@5") from error


def metrics_of(names: Iterable[str]) -> dict[str, Metric]:
    """The metrics of names, under the names asked for.

    >>> list(metrics_of(["acc1", "image_retrieval_recall@5"]))
    ['acc1', 'image_retrieval_recall@5']

    Raises:
        UnknownName: nobody has such a metric.
        CardError: the number behind an @ is wrong or missing.
        PluginError: a plug-in names what is no Metric, as a bare function of version 0.1.
    """
    found = {}
    for name in names:
        base, at = split_metric(name)
        found[name] = METRICS.get(base)
        found[name].check_number(at)
    return found
