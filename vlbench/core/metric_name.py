"""Names of metrics as cards state them: `acc1`, `image_retrieval_recall@5`."""

from collections.abc import Iterable

from vlbench.core.errors import CardError, PluginError
from vlbench.core.metric import Metric
from vlbench.core.registry import METRICS


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

    Raises:
        UnknownName: nobody has such a metric.
        CardError: the number behind an @ is wrong or missing.
        PluginError: a plug-in names a bare function, as plug-ins of version 0.1 do.
    """
    found = {}
    for name in names:
        base, at = split_metric(name)
        found[name] = metric_named(base)
        found[name].check_number(at)
    return found


def metric_named(name: str) -> Metric:
    """The metric of a registry name, without a number.

    Raises:
        UnknownName: nobody has such a metric.
        PluginError: it is a bare function, as plug-ins of version 0.1 have them.
    """
    found: object = METRICS.get(name)
    if not isinstance(found, Metric):
        raise PluginError(
            f"metric {name!r} of distribution {METRICS.distribution(name) or '?'} is {type(found).__name__}, "
            "as in version 0.1; a metric now states what it reads and which way is better: put "
            '@metric(reads={"row_ranks"}, lower_is_better=False) of vlbench.core.metric above its function'
        )
    return found
